"""Reading the tasks that cancel product orders: those that cancel the service orders they became."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from oss_agent import selecting
from oss_agent.fulfilment.record import cancel_rows, tables
from oss_agent.fulfilment.record.product_tables import product_order
from oss_agent.spi import product_orders, query, views

_TASK = tables.cancel.c
_ATTRIBUTES: Final = {
    # Ids are numbers written as text: 10 comes after 9.
    "id": selecting.Attribute(_TASK.id, sorted_by=_TASK.number),
    "state": selecting.Attribute(_TASK.state, words=tuple(views.TaskState)),
    "cancellationReason": selecting.Attribute(_TASK.reason),
    "productOrder.id": selecting.Attribute(product_order.c.id),
    **selecting.moments(
        {
            "requestedCancellationDate": _TASK.requested,
            "effectiveCancellationDate": _TASK.effective,
        }
    ),
}


def view(
    connection: sa.Connection, tenant: str, key: str
) -> product_orders.ProductCancelView | None:
    """One task of a tenant's product order, or None."""
    row = connection.execute(_all().where(_TASK.id == key, _TASK.tenant == tenant)).one_or_none()
    return None if row is None else _view(row)


def find(
    connection: sa.Connection, asked: query.Query
) -> query.Page[product_orders.ProductCancelView]:
    """The page that was asked for. OrderRejected (400) naming a path nobody knows."""
    of = selecting.Selection(_all(), _TASK.tenant, _ATTRIBUTES, _TASK.number)
    rows, total = of.page(connection, asked)
    return query.Page(tuple(map(_view, rows)), total)


def _all() -> sa.Select[Any]:
    of = product_order.c
    return sa.select(tables.cancel, of.id.label("product_order")).join(
        product_order, of.service_order == _TASK.order_id
    )


def _view(row: sa.Row[Any]) -> product_orders.ProductCancelView:
    return product_orders.ProductCancelView(
        row.id, row.tenant, row.product_order, cancel_rows.of_row(row)
    )
