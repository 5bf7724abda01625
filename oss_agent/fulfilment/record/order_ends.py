"""Decides how an order's end is told in a sentence, to who waits for it in another room."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from oss_agent.fulfilment.record import order_views
from oss_agent.spi import views


def ends(connection: sa.Connection, orders: Collection[str]) -> Mapping[str, str]:
    """Of those of these orders that have ended, how; "" of those that were completed."""
    found = ((key, order_views.view(connection, key)) for key in orders)
    return {key: _told(one) for key, one in found if one is not None and one.state.final}


def _told(order: views.ServiceOrderView) -> str:
    if order.state is views.OrderState.COMPLETED:
        return ""
    own = (item.error for item in order.items)
    error = next(filter(None, (order.error, *own)), None)
    why = "" if error is None else f": {error.message or error.reason}"
    return f"order {order.id} is {order.state.value}{why}"
