"""Where a pool's lowest free value is: its floor and its holes, instead of all that are held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_LEAVING = sa.text(
    "valid_to IS NULL AND known_to IS NULL AND (released_at IS NOT NULL OR expires_at IS NOT NULL)"
)


def upgrade() -> None:
    """Floors begin at the bottom: what is held is read through once more."""
    op.create_table(
        "inv_pool_floors",
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool", "first", name=op.f("pk_inv_pool_floors")),
    )
    op.create_table(
        "inv_pool_holes",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_pool_holes")),
    )
    op.create_index("ix_inv_pool_holes_value", "inv_pool_holes", ["pool", "value"])
    op.create_index(
        "ix_inv_pool_claims_leaving",
        "inv_pool_claims",
        ["pool", "value"],
        sqlite_where=_LEAVING,
        postgresql_where=_LEAVING,
    )
