"""Products of the inventory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inv_product_services",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_product_services")),
    )
    op.create_index(
        "uq_inv_product_services_part",
        "inv_product_services",
        ["product", "part"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_index(
        "uq_inv_product_services_service",
        "inv_product_services",
        ["service"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_products",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("offering_id", sa.String(), nullable=False),
        sa.Column("offering_version", sa.String(), nullable=False),
        sa.Column("offering_name", sa.String(), nullable=False),
        sa.Column("characteristics", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_item", sa.String(), nullable=False),
        sa.Column("order_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("termination_date", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_products")),
    )
    op.create_index(
        "uq_inv_products_current",
        "inv_products",
        ["id"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
