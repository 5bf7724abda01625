"""How many refusals a row stands for: those of a login that is refused for ever were a row each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inv_login_attempts") as batch:
        batch.add_column(sa.Column("times", sa.Integer(), nullable=False, server_default="1"))
