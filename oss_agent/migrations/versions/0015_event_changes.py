"""What changed: an event names the attributes that are another now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("out_event") as batch:
        batch.add_column(sa.Column("changed", sa.JSON(), server_default="[]", nullable=False))
