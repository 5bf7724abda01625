"""Service tests: the proof of each attempt, and what somebody asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ord_service_test",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("service_id", sa.String(length=40), nullable=False),
        sa.Column("service_name", sa.String(), nullable=False),
        sa.Column("specification_id", sa.String(), nullable=False),
        sa.Column("specification_version", sa.String(), nullable=False),
        sa.Column("specification_name", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(length=24), nullable=False),
        sa.Column("start", sa.String(length=24), nullable=True),
        sa.Column("end", sa.String(length=24), nullable=True),
        sa.Column("order_id", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("evidence_of", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("ord_service_test") as batch:
        batch.create_index(batch.f("ix_ord_service_test_state"), ["state"], unique=False)
        batch.create_index(batch.f("ix_ord_service_test_service_id"), ["service_id"], unique=False)
        batch.create_index("ord_service_test_tenant", ["tenant", "number"], unique=False)
