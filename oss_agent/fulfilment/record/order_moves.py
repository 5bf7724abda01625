"""The only way an order's state changes: along the diagram, each step told in the same unit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import (
    announce,
    dependencies,
    fallout_rows,
    life_cycle,
    monitors,
    order_rows,
    order_views,
    product_moves,
)
from oss_agent.spi import events, views


def move(
    connection: sa.Connection,
    sink: events.EventSink,
    order: str,
    after: views.OrderState,
    at: datetime,
    **columns: Any,
) -> None:
    """Move it to ``after``, with ``columns`` set beside the last step; nothing when it is there."""
    row = order_rows.row_of(connection, order)
    steps = life_cycle.path(views.OrderState(row.state), after)
    for number, state in enumerate(steps, start=row.changes + 1):
        dates = _dates(state, row.start_date, at) | (columns if state is after else {})
        order_rows.set_order(connection, order, state=state, changes=number, **dates)
        view = order_views.view(connection, order)
        if view is not None:
            announce.order(
                connection, sink, events.EventKind.SERVICE_ORDER_STATE, view, at, number=number
            )
            monitors.follow(connection, sink, view, row.surface, at)
        product_moves.follow(connection, sink, order, state, at)
    if after.final:
        dependencies.wake(connection, order, [dependencies.WHOLE], at)
        fallout_rows.wake(connection, order, at)


def tell(
    connection: sa.Connection,
    sink: events.EventSink,
    order: str,
    kind: events.EventKind,
    at: datetime,
    changed: tuple[str, ...] = (),
) -> views.ServiceOrderView:
    """Tell of an order as it is now, of what ``changed``; each such event has its own number."""
    number = order_rows.row_of(connection, order).changes + 1
    order_rows.set_order(connection, order, changes=number)
    view = order_views.view(connection, order)
    if view is None:
        raise errors.AgentError(f"order {order} was written and cannot be read back")
    announce.order(connection, sink, kind, view, at, number=number, changed=changed)
    return view


def _dates(state: views.OrderState, begun: datetime | None, at: datetime) -> dict[str, datetime]:
    if state is views.OrderState.IN_PROGRESS and begun is None:
        return {"start_date": at}
    return {"completion_date": at} if state.final else {}
