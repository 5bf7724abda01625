"""Stored logins that were refused: counted beside those that persons had tried, for what they were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inv_login_attempts") as batch:
        batch.add_column(sa.Column("secret", sa.String(), nullable=True))
        batch.add_column(sa.Column("by", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_inv_login_attempts_login", "inv_login_attempts", ["login", "secret"])
