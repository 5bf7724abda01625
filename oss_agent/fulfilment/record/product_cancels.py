"""Reading the tasks that cancel product orders: those that cancel the service orders they became."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import cancel_rows, conditions, tables
from oss_agent.fulfilment.record.product_tables import product_order
from oss_agent.spi import product_orders, query, views

_TASK = tables.cancel.c
_PATHS: Mapping[str, sa.ColumnElement[Any]] = MappingProxyType(
    {
        "id": _TASK.id,
        "state": _TASK.state,
        "productOrder.id": product_order.c.id,
        "cancellationReason": _TASK.reason,
        "requestedCancellationDate": _TASK.requested,
        "effectiveCancellationDate": _TASK.effective,
    }
)


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
    matching = [_TASK.tenant == asked.tenant, *(_condition(one) for one in asked.filters)]
    found = _all().where(*matching)
    total = connection.execute(sa.select(sa.func.count()).select_from(found.subquery()))
    ordering = [*(_ordering(one) for one in asked.sort), _TASK.number]
    rows = connection.execute(
        found.order_by(*ordering).offset(asked.offset).limit(asked.limit)
    ).all()
    return query.Page(tuple(_view(row) for row in rows), total.scalar_one())


def _all() -> sa.Select[Any]:
    of = product_order.c
    return sa.select(tables.cancel, of.id.label("product_order")).join(
        product_order, of.service_order == _TASK.order_id
    )


def _condition(asked: query.Filter) -> sa.ColumnElement[bool]:
    words = tuple(views.TaskState) if asked.path == "state" else ()
    return conditions.any_of(_column(asked.path), asked, words)


def _column(path: str) -> sa.ColumnElement[Any]:
    if path not in _PATHS:
        raise conditions.unknown(path, _PATHS)
    return _PATHS[path]


def _ordering(asked: query.Sort) -> sa.ColumnElement[Any]:
    # Ids are numbers written as text: 10 comes after 9.
    column = _TASK.number if asked.path == "id" else _column(asked.path)
    return column.desc() if asked.descending else column.asc()


def _view(row: sa.Row[Any]) -> product_orders.ProductCancelView:
    return product_orders.ProductCancelView(
        row.id, row.tenant, row.product_order, cancel_rows.of_row(row)
    )
