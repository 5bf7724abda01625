"""Why an order has no expectedCompletionDate, for whoever asks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ord_order") as batch:
        batch.add_column(sa.Column("unpromised", sa.String(length=8), nullable=True))
