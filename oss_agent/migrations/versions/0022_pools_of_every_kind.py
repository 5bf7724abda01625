"""Pools of every kind: blocks, route targets, reservations, and rests that look at the devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inv_pools") as pools:
        pools.add_column(sa.Column("longest", sa.Integer(), nullable=True))
        pools.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="number"))
        pools.add_column(sa.Column("administrator", sa.String(), nullable=True))
        pools.add_column(sa.Column("unseen", sa.Double(), nullable=False, server_default="0"))
    with op.batch_alter_table("inv_pool_claims") as claims:
        claims.add_column(sa.Column("size", sa.BigInteger(), nullable=True))
        claims.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        claims.add_column(sa.Column("absent_at", sa.DateTime(timezone=True), nullable=True))
        claims.add_column(sa.Column("absence", sa.String(), nullable=True))
