"""Monitors: an order says by which API's own request it came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ord_order") as batch:
        batch.add_column(sa.Column("surface", sa.String(length=16), nullable=True))
