"""Orders by the thousand: what a turn, a list and an order's own rows are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_IDLE = sa.text("stage IN ('queued', 'waiting')")


def upgrade() -> None:
    op.create_index("ord_item_service", "ord_item", ["service_id", "tenant"])
    op.create_index("ord_resource_order_transaction", "ord_resource_order", ["transaction_id"])
    op.create_index("ord_transaction_order", "ord_transaction", ["order_id", "position"])
    op.create_index(
        "ord_transaction_idle",
        "ord_transaction",
        ["tenant", "accepted"],
        sqlite_where=_IDLE,
        postgresql_where=_IDLE,
    )
    for name, sorted_by in (("by_name", "name"), ("by_start", "start_date")):
        op.create_index(
            f"ix_inv_services_{name}",
            "inv_services",
            ["tenant", sorted_by, "id", "state", "category"],
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        )
