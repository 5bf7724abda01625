"""What a product order item has still to be told, and what its product calls it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ord_product_item") as batch:
        for name in ("words", "needs"):
            batch.add_column(sa.Column(name, sa.JSON(), nullable=True, server_default="{}"))
