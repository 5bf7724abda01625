"""Configurations as devices had them: texts by their digest, versions, and when each was looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)
_PLACE = ("device", "store", "datastore")


def upgrade() -> None:
    op.create_table(
        "inv_backup_texts",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_inv_backup_texts")),
    )
    op.create_table(
        "inv_backups",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in _PLACE),
        sa.Column("number", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("digest", "cause")),
        sa.Column("orders", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_backups")),
    )
    op.create_index(
        "uq_inv_backups_current",
        "inv_backups",
        _PLACE,
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_index("ix_inv_backups_number", "inv_backups", [*_PLACE, "number"])
    op.create_index("ix_inv_backups_digest", "inv_backups", ["digest"])
    op.create_table(
        "inv_backup_looks",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("device", "tenant")),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("since", "tried_at")),
        sa.Column("good_at", _MOMENT, nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("trouble", "reason")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_inv_backup_looks")),
    )
