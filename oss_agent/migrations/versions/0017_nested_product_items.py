"""Product order items that stand in others: whose child each is, and where it stood in its body."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ord_product_item") as batch:
        batch.add_column(sa.Column("path", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("parent", sa.Integer(), nullable=True))
    # Until now all items stood side by side.
    op.execute(
        "UPDATE ord_product_item SET path = "
        "'productOrderItem[' || CAST(position - 1 AS VARCHAR(10)) || ']'"
    )
