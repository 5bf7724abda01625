"""Audits keep which released values they found their device without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inv_audits") as batch:
        batch.add_column(sa.Column("without", sa.JSON(), nullable=True))
