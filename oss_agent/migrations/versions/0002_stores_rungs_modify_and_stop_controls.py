"""Stores, rungs, modify and stop controls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oss_agent.migrations import keys

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "inv_configured", sa.Column("store", sa.String(), server_default="netconf", nullable=False)
    )
    op.drop_index(
        op.f("uq_inv_configured_current"),
        table_name="inv_configured",
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_index(
        "uq_inv_configured_current",
        "inv_configured",
        ["device", "store", "service"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_index("ix_inv_configured_service", "inv_configured", ["service"], unique=False)
    op.add_column(
        "inv_ownership", sa.Column("store", sa.String(), server_default="netconf", nullable=False)
    )
    op.drop_index(
        op.f("uq_inv_ownership_current"),
        table_name="inv_ownership",
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_index(
        "uq_inv_ownership_current",
        "inv_ownership",
        ["device", "store", "path", "service"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_index(
        "ix_inv_ownership_service", "inv_ownership", ["service", "device", "store"], unique=False
    )
    op.add_column("ord_evidence", sa.Column("service_id", sa.String(length=40), nullable=True))
    op.add_column(
        "ord_participant",
        sa.Column("store", sa.String(length=32), server_default="", nullable=False),
    )
    op.add_column("ord_participant", sa.Column("rung", sa.String(), nullable=True))
    op.add_column(
        "ord_participant",
        sa.Column("sent", sa.Boolean(), server_default="0", nullable=False),
    )
    op.add_column(
        "ord_participant",
        sa.Column("confirmed", sa.Boolean(), server_default="0", nullable=False),
    )
    op.add_column("ord_transaction", sa.Column("touched_boot", sa.String(length=80), nullable=True))
    op.add_column("ord_transaction", sa.Column("wake_boot", sa.String(length=80), nullable=True))
    op.add_column(
        "ord_transaction", sa.Column("deadline_boot", sa.String(length=80), nullable=True)
    )
    op.add_column("ord_transaction", sa.Column("deadline_of", sa.String(), nullable=True))
    op.add_column(
        "ord_transaction", sa.Column("faults", sa.Integer(), server_default="0", nullable=False)
    )
    keys.rekey("ord_participant", ["transaction_id", "attempt", "device", "store"])
