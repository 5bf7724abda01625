"""Usage that is told by the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hub_usage",
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("service_name", sa.String(length=255), nullable=False),
        sa.Column("customer", sa.String(length=255), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("octets_in", sa.BigInteger(), nullable=False),
        sa.Column("octets_out", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("receiver", "key"),
    )
    op.create_index("hub_usage_open", "hub_usage", ["receiver", "told", "day"], unique=False)
