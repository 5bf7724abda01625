"""The rows of fulfilment (prefix ``ord_``), by subject: whoever writes queries names them from here.

Resource order items own every device change. What product orders and service tests add to the same
metadata is in ``product_tables`` and ``service_test_tables``.
"""

from oss_agent.fulfilment.record.metadata import METADATA, Moment
from oss_agent.fulfilment.record.order_tables import (
    cancel,
    counter,
    dependency,
    history,
    item,
    order,
    pace,
    resource_item,
    resource_order,
)
from oss_agent.fulfilment.record.transaction_tables import (
    claim,
    decision,
    evidence,
    intent,
    participant,
    transaction,
)
from oss_agent.fulfilment.record.turn_tables import lease, plan, queue, stop

__all__ = [
    "METADATA",
    "Moment",
    "cancel",
    "claim",
    "counter",
    "decision",
    "dependency",
    "evidence",
    "history",
    "intent",
    "item",
    "lease",
    "order",
    "pace",
    "participant",
    "plan",
    "queue",
    "resource_item",
    "resource_order",
    "stop",
    "transaction",
]
