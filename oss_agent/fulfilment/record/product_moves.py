"""The only way a product order's state changes: with its service order, in the same unit, told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import (
    announce,
    life_cycle,
    order_rows,
    product_life,
    product_rows,
    product_views,
)
from oss_agent.spi import events, product_orders, products, views

_KIND = events.EventKind


def follow(
    connection: sa.Connection,
    sink: events.EventSink,
    service_order: str,
    state: views.OrderState,
    at: datetime,
) -> None:
    """The service order is ``state`` now: move the product order that became it, if there is one."""
    row = product_rows.of_service_order(connection, service_order)
    if row is None:
        return
    for step in product_life.steps(views.OrderState(row.state), state):
        ended: dict[str, Any] = {"completion_date": at} if step.final else {}
        error = order_rows.row_of(connection, service_order).error
        product_rows.set_order(connection, row.id, {"state": step, "error": error} | ended)
        tell(connection, sink, _KIND.PRODUCT_ORDER_STATE, row.id, at)


def follow_items(
    connection: sa.Connection, sink: events.EventSink, service_order: str, at: datetime
) -> None:
    """Items of the service order moved: so do those of the product order that became it."""
    row = product_rows.of_service_order(connection, service_order)
    if row is None:
        return
    now = product_rows.service_items(connection, service_order)
    moved = False
    for item in product_rows.items_of(connection, row.id):
        if item.action == views.ItemAction.NO_CHANGE:
            continue  # it was completed when it was accepted, and is nobody's work
        below = [now[position] for _, position in item.parts]
        derived = product_life.item_state([one.state for one in below if not one.gone])
        begun = item.state != views.OrderState.ACKNOWLEDGED
        after = life_cycle.onward(derived, begun=begun)
        if after != item.state:
            product_rows.set_item(connection, row.id, item.position, after)
            moved = True
    if moved:
        tell(connection, sink, _KIND.PRODUCT_ORDER_CHANGE, row.id, at, ("productOrderItem",))


def tell(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    order: str,
    at: datetime,
    changed: tuple[str, ...] = (),
) -> product_orders.ProductOrderView:
    """Tell of a product order as it is now; each event has a number of its own."""
    number = product_rows.row_of(connection, order).told + 1
    product_rows.set_order(connection, order, {"told": number})
    view = product_views.view(connection, order)
    if view is None:
        raise errors.AgentError(f"product order {order} was written and cannot be read back")
    mark = str(number)
    announce.tell(
        connection, sink, kind, view, at, entity="productOrder", mark=mark, changed=changed
    )
    return view


def tell_cancellation(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    task: views.CancelView,
    at: datetime,
) -> None:
    """The task that cancels a service order moved: tell it of the product order, if there is one."""
    row = product_rows.of_service_order(connection, task.order)
    if row is None:
        return
    told = product_orders.ProductCancelView(task.id, task.tenant, row.id, task)
    mark = f"{kind}-{task.state}"
    announce.tell(connection, sink, kind, told, at, entity="cancelProductOrder", mark=mark)


def tell_product(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: products.ProductView,
    order: str,
    at: datetime,
    changed: tuple[str, ...] = (),
) -> None:
    """Tell of a product: what ``order`` (any order's id) made of it."""
    mark = f"{kind}-{view.status}-{order}"
    announce.tell(connection, sink, kind, view, at, entity="product", mark=mark, changed=changed)
