"""What a surface shows of a resource order.

It is one device change of a service order's transaction, or an order of resources by themselves,
which is an order like any other (``spi.orders``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from oss_agent.spi.views import ItemAction, OrderState, ServiceOrderView


@dataclass(frozen=True, slots=True)
class ResourceOrderView:
    """A resource order as TMF652 shows it: ``rfs`` on ``device``, for service order ``order``."""

    id: str
    tenant: str
    order: str
    transaction: str
    state: OrderState
    order_date: datetime
    completion_date: datetime | None
    device: str
    rfs: str
    action: ItemAction
    item_state: OrderState


AnyResourceOrder: TypeAlias = ResourceOrderView | ServiceOrderView
"""Either kind; the ids of those that were sent begin with ``orders.OF_RESOURCES``."""
