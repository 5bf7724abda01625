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
    op.create_table(
        "ord_plan",
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("natives", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "hash"),
    )
    op.create_table(
        "ord_stop",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("begins", sa.String(length=24), nullable=False),
        sa.Column("ends", sa.String(length=24), nullable=True),
        sa.Column("lifted_at", sa.String(length=24), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
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
    op.add_column("inv_pool_claims", sa.Column("text", sa.String(), nullable=True))
    op.add_column("inv_pools", sa.Column("prefix", sa.String(), nullable=True))
    op.add_column("inv_pools", sa.Column("length", sa.Integer(), nullable=True))
    op.create_table(
        "ord_intent",
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("own", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["transaction_id"], ["ord_transaction.id"]),
        sa.PrimaryKeyConstraint("transaction_id", "device", "store"),
    )
    op.add_column("ord_claim", sa.Column("transaction_id", sa.String(length=40), nullable=True))
    op.create_index("ix_ord_claim_transaction_id", "ord_claim", ["transaction_id"], unique=False)
    op.add_column("ord_evidence", sa.Column("service_id", sa.String(length=40), nullable=True))
    op.add_column(
        "ord_evidence",
        sa.Column("stage", sa.String(length=16), server_default="held", nullable=False),
    )
    op.add_column("ord_evidence", sa.Column("about", sa.Text(), server_default="", nullable=False))
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
    op.add_column(
        "ord_participant",
        sa.Column("pushed", sa.Boolean(), server_default="0", nullable=False),
    )
    op.add_column("ord_transaction", sa.Column("deadline_of", sa.String(), nullable=True))
    op.add_column(
        "ord_transaction", sa.Column("faults", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("ord_transaction", sa.Column("wait_kind", sa.String(length=16), nullable=True))
    op.add_column("ord_transaction", sa.Column("approved", sa.String(length=64), nullable=True))
    op.add_column("ord_transaction", sa.Column("by_hand", sa.String(length=8), nullable=True))
    # What was on its way owns all it aimed at: until now nodes had one owner, devices one store.
    op.execute(
        "INSERT INTO ord_intent (transaction_id, device, store, tenant, own) "
        "SELECT p.transaction_id, p.device, 'netconf', p.tenant, p.target "
        "FROM ord_participant p JOIN ord_transaction t "
        "ON t.id = p.transaction_id AND t.attempt = p.attempt WHERE t.stage <> 'closed'"
    )
    op.add_column("ord_transaction", sa.Column("leader", sa.String(length=40), nullable=True))
    op.add_column("ord_transaction", sa.Column("group_limit", sa.Integer(), nullable=True))
    op.create_index("ix_ord_transaction_leader", "ord_transaction", ["leader"], unique=False)
    keys.rekey("ord_participant", ["transaction_id", "attempt", "device", "store"])
