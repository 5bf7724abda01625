"""How each device stands: what it is to its driver, why it is not proven, and the runs that proved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_WHAT = ("device", "platform", "os", "version", "model")


def upgrade() -> None:
    op.create_table(
        "inv_standings",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in (*_WHAT, "doubt")),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_standings")),
    )
    op.create_index(
        "uq_inv_standings_current",
        "inv_standings",
        ["device"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_table(
        "inv_proof_runs",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in (*_WHAT, "driver")),
        sa.Column("laws", sa.JSON(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_proof_runs")),
    )
    op.create_index("ix_inv_proof_runs_platform", "inv_proof_runs", ["tenant", "platform"])
