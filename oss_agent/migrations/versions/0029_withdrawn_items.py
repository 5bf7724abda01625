"""Items taken out of an order at work: a product order that asks for other services by now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("withdrawn", sa.Boolean, nullable=False, server_default="0")
    with op.batch_alter_table("ord_item") as batch:
        batch.add_column(column)
