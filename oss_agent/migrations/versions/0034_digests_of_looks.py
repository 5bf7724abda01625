"""What stands for what the last look at a device wrote, so that nothing new costs next to nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inv_sightings") as batch:
        batch.add_column(sa.Column("digests", sa.JSON(), nullable=True))
