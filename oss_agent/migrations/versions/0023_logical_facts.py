"""VLANs, VRFs and routing neighbours as devices tell them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inv_logical",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("device", "kind", "name")),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_logical")),
    )
    op.create_index(
        "uq_inv_logical_current",
        "inv_logical",
        ["device", "kind", "name"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
