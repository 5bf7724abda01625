"""Logins that were tried on devices: refusals are counted over requests and restarts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inv_login_attempts",
        sa.Column("row", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("tenant", "device", "login")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_login_attempts")),
    )
    op.create_index("ix_inv_login_attempts_device", "inv_login_attempts", ["device", "at"])
