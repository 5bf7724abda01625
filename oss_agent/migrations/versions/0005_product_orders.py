"""Product orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ord_product_order",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("service_order", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("priority", sa.String(), nullable=True),
        sa.Column("requested_start", sa.String(length=24), nullable=True),
        sa.Column("requested_completion", sa.String(length=24), nullable=True),
        sa.Column("order_date", sa.String(length=24), nullable=False),
        sa.Column("completion_date", sa.String(length=24), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_order"],
            ["ord_order.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("service_order"),
        sa.UniqueConstraint(
            "tenant", "requester", "external_id", name="ord_product_order_external_id"
        ),
        sa.UniqueConstraint("tenant", "requester", "idempotency_key", name="ord_product_order_key"),
    )
    op.create_index(
        "ord_product_order_tenant_state", "ord_product_order", ["tenant", "state"], unique=False
    )
    op.create_table(
        "ord_product_item",
        sa.Column("product_order_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offering_id", sa.String(), nullable=False),
        sa.Column("offering_version", sa.String(), nullable=False),
        sa.Column("offering_name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", sa.String(length=40), nullable=False),
        sa.Column("characteristics", sa.JSON(), nullable=True),
        sa.Column("ordered", sa.JSON(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("product_name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_order_id"],
            ["ord_product_order.id"],
        ),
        sa.PrimaryKeyConstraint("product_order_id", "position"),
    )
    op.create_index(
        op.f("ix_ord_product_item_product_id"), "ord_product_item", ["product_id"], unique=False
    )
