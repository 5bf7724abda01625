"""The tables of every room, and the audit that only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915  one statement a table or index
    op.create_table(
        "aud_entry",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "out_event",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("spread", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "out_event_unspread",
        "out_event",
        ["number"],
        unique=False,
        sqlite_where=sa.text("NOT spread"),
        postgresql_where=sa.text("NOT spread"),
    )
    op.create_table(
        "out_stop",
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("receiver"),
    )
    op.create_table(
        "out_delivery",
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("event", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event"],
            ["out_event.number"],
        ),
        sa.PrimaryKeyConstraint("receiver", "event"),
    )
    op.create_index("out_delivery_event", "out_delivery", ["event"], unique=False)
    op.create_index(
        "out_delivery_open",
        "out_delivery",
        ["receiver", "entity", "event"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'parked')"),
        postgresql_where=sa.text("state IN ('pending', 'parked')"),
    )
    op.create_table(
        "ord_claim",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("service_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_ord_claim_service_id"), "ord_claim", ["service_id"], unique=False)
    op.create_table(
        "ord_counter",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "ord_evidence",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("values_seen", sa.JSON(), nullable=True),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(
        op.f("ix_ord_evidence_transaction_id"), "ord_evidence", ["transaction_id"], unique=False
    )
    op.create_table(
        "ord_history",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(length=20), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_ord_history_order_id"), "ord_history", ["order_id"], unique=False)
    op.create_table(
        "ord_lease",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_index(
        op.f("ix_ord_lease_transaction_id"), "ord_lease", ["transaction_id"], unique=False
    )
    op.create_table(
        "ord_lease_queue",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("device", "transaction_id"),
    )
    op.create_table(
        "ord_order",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("priority", sa.String(), nullable=True),
        sa.Column("requested_start", sa.String(length=24), nullable=True),
        sa.Column("requested_completion", sa.String(length=24), nullable=True),
        sa.Column("order_date", sa.String(length=24), nullable=False),
        sa.Column("start_date", sa.String(length=24), nullable=True),
        sa.Column("completion_date", sa.String(length=24), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("tenant", "requester", "external_id", name="ord_order_external_id"),
        sa.UniqueConstraint("tenant", "requester", "idempotency_key", name="ord_order_key"),
    )
    op.create_index("ord_order_tenant_state", "ord_order", ["tenant", "state"], unique=False)
    op.create_table(
        "ord_item",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("specification_id", sa.String(), nullable=False),
        sa.Column("specification_version", sa.String(), nullable=False),
        sa.Column("specification_name", sa.String(), nullable=False),
        sa.Column("service_id", sa.String(), nullable=False),
        sa.Column("service_name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("characteristics", sa.JSON(), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("milestones", sa.JSON(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["ord_order.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "position"),
    )
    op.create_table(
        "ord_resource_order",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("order_date", sa.String(length=24), nullable=False),
        sa.Column("completion_date", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["ord_order.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "ord_transaction",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("touched_at", sa.String(length=24), nullable=False),
        sa.Column("wait_reason", sa.Text(), nullable=True),
        sa.Column("wait_since", sa.String(length=24), nullable=True),
        sa.Column("wake_at", sa.String(length=24), nullable=True),
        sa.Column("wait_who", sa.Text(), nullable=True),
        sa.Column("deadline", sa.String(length=24), nullable=True),
        sa.Column("hash", sa.String(), nullable=True),
        sa.Column("design", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("closed_at", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["ord_order.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("accepted"),
    )
    op.create_index(op.f("ix_ord_transaction_stage"), "ord_transaction", ["stage"], unique=False)
    op.create_table(
        "ord_decision",
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("culprit", sa.String(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ord_transaction.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "attempt"),
    )
    op.create_table(
        "ord_participant",
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("since", sa.String(length=24), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("target", sa.JSON(), nullable=True),
        sa.Column("roots", sa.JSON(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("persist", sa.String(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("snapshot_digest", sa.String(), nullable=False),
        sa.Column("deadline", sa.String(length=24), nullable=True),
        sa.Column("deadline_boot_id", sa.String(), nullable=True),
        sa.Column("deadline_boot", sa.Double(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ord_transaction.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "attempt", "device"),
    )
    op.create_table(
        "ord_resource_item",
        sa.Column("resource_order_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("rfs", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("reverse", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_order_id"],
            ["ord_resource_order.id"],
        ),
        sa.PrimaryKeyConstraint("resource_order_id", "position"),
    )
    op.create_table(
        "alm_alarm",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("alarm_type", sa.String(length=64), nullable=False),
        sa.Column("probable_cause", sa.String(length=64), nullable=False),
        sa.Column("specific_problem", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("alarmed_object", sa.String(length=255), nullable=False),
        sa.Column("alarmed_object_type", sa.String(length=64), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_root_cause", sa.Boolean(), nullable=False),
        sa.Column("service_affecting", sa.Boolean(), nullable=False),
        sa.Column("affected_services", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "alm_alarm_open",
        "alm_alarm",
        ["alarmed_object", "alarm_type", "probable_cause"],
        unique=True,
        sqlite_where=sa.text("state <> 'cleared'"),
        postgresql_where=sa.text("state <> 'cleared'"),
    )
    op.create_index("alm_alarm_raised", "alm_alarm", ["tenant", "raised_at"], unique=False)
    op.create_table(
        "alm_history",
        sa.Column("alarm", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("alarm", "revision"),
    )
    op.create_table(
        "usg_record",
        sa.Column("meter_point", sa.String(length=255), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("service_name", sa.String(length=255), nullable=False),
        sa.Column("customer", sa.String(length=255), nullable=False),
        sa.Column("octets_in", sa.BigInteger(), nullable=True),
        sa.Column("octets_out", sa.BigInteger(), nullable=True),
        sa.Column("gap", sa.Text(), nullable=True),
        sa.Column("first_sample", sa.String(length=255), nullable=False),
        sa.Column("second_sample", sa.String(length=255), nullable=False),
        sa.Column("correction_of", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("meter_point", "valid_from", "revision"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "usg_record_service", "usg_record", ["tenant", "service", "valid_from"], unique=False
    )
    op.create_table(
        "usg_sample",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("meter_point", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uptime", sa.BigInteger(), nullable=False),
        sa.Column("discontinuity", sa.BigInteger(), nullable=True),
        sa.Column("octets_in", sa.String(length=20), nullable=True),
        sa.Column("octets_out", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "usg_sample_point", "usg_sample", ["meter_point", "service", "at"], unique=False
    )
    op.create_table(
        "inv_addresses",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("interface", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("prefix", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_addresses")),
    )
    op.create_index("ix_inv_addresses_address", "inv_addresses", ["address"], unique=False)
    op.create_index(
        "uq_inv_addresses_current",
        "inv_addresses",
        ["device", "interface", "address"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_configured",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tree", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_configured")),
    )
    op.create_index(
        "uq_inv_configured_current",
        "inv_configured",
        ["device", "service"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_device_keys",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_device_keys")),
    )
    op.create_index(
        "uq_inv_device_keys_current",
        "inv_device_keys",
        ["device", "key"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_device_states",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("chassis", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("system_name", sa.String(), nullable=True),
        sa.Column("router_id", sa.String(), nullable=True),
        sa.Column("offers", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_device_states")),
    )
    op.create_index(
        "uq_inv_device_states_current",
        "inv_device_states",
        ["device"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_devices",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("password_ref", sa.String(), nullable=True),
        sa.Column("community_ref", sa.String(), nullable=True),
        sa.Column("ports", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("router_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_devices")),
    )
    op.create_index(
        "uq_inv_devices_current",
        "inv_devices",
        ["name"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_interfaces",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ledger", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("ifindex", sa.BigInteger(), nullable=True),
        sa.Column("admin_status", sa.String(), nullable=False),
        sa.Column("oper_status", sa.String(), nullable=False),
        sa.Column("speed", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_interfaces")),
    )
    op.create_index(
        "uq_inv_interfaces_current",
        "inv_interfaces",
        ["ledger", "device", "name"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_links",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("a_device", sa.String(), nullable=False),
        sa.Column("a_port", sa.String(), nullable=False),
        sa.Column("z_device", sa.String(), nullable=False),
        sa.Column("z_port", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_links")),
    )
    op.create_index(
        "uq_inv_links_current",
        "inv_links",
        ["a_device", "a_port", "z_device", "z_port"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_neighbours",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("port", sa.String(), nullable=False),
        sa.Column("chassis", sa.String(), nullable=False),
        sa.Column("port_subtype", sa.Integer(), nullable=False),
        sa.Column("port_id", sa.String(), nullable=False),
        sa.Column("port_description", sa.String(), nullable=False),
        sa.Column("system_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_neighbours")),
    )
    op.create_index(
        "uq_inv_neighbours_current",
        "inv_neighbours",
        ["device", "port", "chassis", "port_id"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_ownership",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_ownership")),
    )
    op.create_index(
        "uq_inv_ownership_current",
        "inv_ownership",
        ["device", "path", "service"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_pool_claims",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_pool_claims")),
    )
    op.create_index("ix_inv_pool_claims_holder", "inv_pool_claims", ["key"], unique=False)
    op.create_index(
        "uq_inv_pool_claims_key",
        "inv_pool_claims",
        ["pool", "key"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL AND released_at IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL AND released_at IS NULL"),
    )
    op.create_index(
        "uq_inv_pool_claims_value",
        "inv_pool_claims",
        ["pool", "value"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_pools",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("quarantine", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_pools")),
    )
    op.create_index(
        "uq_inv_pools_current",
        "inv_pools",
        ["name"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_port_claims",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("port", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_port_claims")),
    )
    op.create_index("ix_inv_port_claims_service", "inv_port_claims", ["service"], unique=False)
    op.create_index(
        "uq_inv_port_claims_current",
        "inv_port_claims",
        ["device", "port"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_service_resources",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("port", sa.String(), nullable=False),
        sa.Column("meter", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_service_resources")),
    )
    op.create_index(
        "ix_inv_service_resources_port", "inv_service_resources", ["device", "port"], unique=False
    )
    op.create_index(
        "uq_inv_service_resources_current",
        "inv_service_resources",
        ["service", "device", "port"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_services",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("specification_id", sa.String(), nullable=False),
        sa.Column("specification_version", sa.String(), nullable=False),
        sa.Column("specification_name", sa.String(), nullable=False),
        sa.Column("characteristics", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("operating_status", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("service_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_date", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_services")),
    )
    op.create_index("ix_inv_services_parent", "inv_services", ["parent"], unique=False)
    op.create_index(
        "uq_inv_services_current",
        "inv_services",
        ["id"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL AND known_to IS NULL"),
    )
    op.create_table(
        "inv_sightings",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_inv_sightings")),
    )
    op.create_table(
        "hub_listener",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("surface", sa.String(length=64), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hub_listener_tenant", "hub_listener", ["tenant", "surface"], unique=False)
    _seal_audit()


def _seal_audit() -> None:
    """Let the database itself refuse to change or delete an audit entry."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER aud_entry_no_{act.lower()} BEFORE {act} ON aud_entry "
                "BEGIN SELECT RAISE(ABORT, 'audit entries are only added'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION aud_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit entries are only added'; END $$"
    )
    op.execute(
        "CREATE TRIGGER aud_entry_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON aud_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION aud_entry_refuse()"
    )
