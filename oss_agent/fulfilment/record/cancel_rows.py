"""The rows of the tasks that cancel orders: stored, moved on, found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import selecting
from oss_agent.fulfilment.record import (
    announce,
    codec,
    order_rows,
    product_moves,
    tables,
)
from oss_agent.spi import events, orders, query, views

_C = tables.cancel.c
_OPEN = (views.TaskState.ACKNOWLEDGED, views.TaskState.IN_PROGRESS)
_DUE: Final = (
    tables.cancel.select()
    .where(
        _C.state == views.TaskState.ACKNOWLEDGED,
        sa.or_(_C.requested.is_(None), _C.requested <= sa.bindparam("now")),
    )
    .order_by(_C.number)
)
"""Made once: every turn of the feeder asks it."""
_ATTRIBUTES: Final = {
    # Ids are numbers written as text: 10 comes after 9.
    "id": selecting.Attribute(_C.id, sorted_by=_C.number),
    "state": selecting.Attribute(_C.state, words=tuple(views.TaskState)),
    "serviceOrder.id": selecting.Attribute(_C.order_id),
    "cancellationReason": selecting.Attribute(_C.reason),
    **selecting.moments(
        {"requestedCancellationDate": _C.requested, "effectiveCancellationDate": _C.effective}
    ),
}


def insert(
    connection: sa.Connection, sink: events.EventSink, wish: orders.CancelRequest, at: datetime
) -> views.CancelView:
    """Store a task and tell that it came."""
    number = order_rows.next_number(connection, "cancelServiceOrder")
    connection.execute(
        tables.cancel.insert().values(
            id=str(number),
            number=number,
            tenant=wish.tenant,
            order_id=wish.order,
            state=views.TaskState.ACKNOWLEDGED,
            asked_by=wish.asked_by,
            asked_at=at,
            reason=wish.reason,
            requested=wish.requested,
            extra=dict(wish.extra),
        )
    )
    view = of_row(connection.execute(tables.cancel.select().where(_C.id == str(number))).one())
    announce.cancellation(connection, sink, events.EventKind.CANCEL_SERVICE_ORDER_CREATE, view, at)
    product_moves.tell_cancellation(
        connection, sink, events.EventKind.CANCEL_PRODUCT_ORDER_CREATE, view, at
    )
    return view


def move(
    connection: sa.Connection,
    sink: events.EventSink,
    task: views.CancelView,
    state: views.TaskState,
    at: datetime,
    **columns: Any,
) -> views.CancelView:
    """Move a task on and tell it; an ``error`` is given as a view."""
    error = columns.pop("error", None)
    columns |= {} if error is None else {"error": views.as_json(error)}
    mine = _C.id == task.id
    connection.execute(tables.cancel.update().where(mine).values(state=state, **columns))
    view = of_row(connection.execute(tables.cancel.select().where(mine)).one())
    announce.cancellation(connection, sink, events.EventKind.CANCEL_SERVICE_ORDER_STATE, view, at)
    product_moves.tell_cancellation(
        connection, sink, events.EventKind.CANCEL_PRODUCT_ORDER_STATE, view, at
    )
    return view


def open_of(connection: sa.Connection, order: str) -> views.CancelView | None:
    """The task that an order's cancellation is going on by, or None; there is one at most."""
    mine = tables.cancel.select().where(_C.order_id == order, _C.state.in_(_OPEN))
    row = connection.execute(mine).one_or_none()
    return None if row is None else of_row(row)


def due(connection: sa.Connection, now: datetime) -> tuple[views.CancelView, ...]:
    """Tasks that nobody has looked at yet and whose date has come, oldest first."""
    return tuple(of_row(row) for row in connection.execute(_DUE, {"now": now}))


def view(connection: sa.Connection, tenant: str, key: str) -> views.CancelView | None:
    """One task of a tenant, or None."""
    asked = tables.cancel.select().where(_C.id == key, _C.tenant == tenant)
    row = connection.execute(asked).one_or_none()
    return None if row is None else of_row(row)


def find(
    connection: sa.Connection, asked: query.Query, *, resources: bool = False
) -> query.Page[views.CancelView]:
    """The page that was asked for. OrderRejected (400) naming a path nobody knows.

    Of tasks for orders of ``resources`` by themselves, or of the others.
    """
    theirs = _C.order_id.startswith(orders.OF_RESOURCES)
    mine = tables.cancel.select().where(theirs if resources else ~theirs)
    attributes = _ATTRIBUTES | {"resourceOrder.id": _ATTRIBUTES["serviceOrder.id"]}
    of = selecting.Selection(mine, _C.tenant, attributes, _C.number)
    rows, total = of.page(connection, asked)
    return query.Page(tuple(map(of_row, rows)), total)


def of_row(row: sa.Row[Any]) -> views.CancelView:
    """A row of ``ord_cancel`` as a view."""
    return views.CancelView(
        id=row.id,
        tenant=row.tenant,
        state=views.TaskState(row.state),
        order=row.order_id,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        reason=row.reason,
        requested=row.requested,
        effective=row.effective,
        message=row.message,
        error=codec.error_from_json(row.error),
        extra=row.extra,
    )
