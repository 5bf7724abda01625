"""A ``Query`` over product orders as SQL: filter and sort paths are TMF622 attribute names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import conditions, product_views
from oss_agent.fulfilment.record.product_tables import product_item, product_order
from oss_agent.spi import product_orders, query, views

_ORDER = product_order.c
_ITEM = product_item.c
_DIRECT: Mapping[str, sa.ColumnElement[Any]] = MappingProxyType(
    {
        "id": _ORDER.id,
        "externalId": _ORDER.external_id,
        "state": _ORDER.state,
        "description": _ORDER.description,
        "category": _ORDER.category,
        "priority": _ORDER.priority,
        "orderDate": _ORDER.order_date,
        "completionDate": _ORDER.completion_date,
        "requestedStartDate": _ORDER.requested_start,
        "requestedCompletionDate": _ORDER.requested_completion,
        "relatedParty.id": _ORDER.requester,
        "relatedParty.name": _ORDER.requester,
    }
)
_OF_ITEM: Mapping[str, sa.ColumnElement[Any]] = MappingProxyType(
    {
        "productOrderItem.id": _ITEM.item_id,
        "productOrderItem.action": _ITEM.action,
        "productOrderItem.state": _ITEM.state,
        "productOrderItem.productOffering.id": _ITEM.offering_id,
        "productOrderItem.productOffering.name": _ITEM.offering_name,
        "productOrderItem.product.id": _ITEM.product_id,
        "productOrderItem.product.name": _ITEM.product_name,
    }
)


def find(
    connection: sa.Connection, asked: query.Query
) -> query.Page[product_orders.ProductOrderView]:
    """The page that was asked for. OrderRejected (400) naming a path nobody knows."""
    matching = [
        _ORDER.tenant == asked.tenant,
        *(_condition(one) for one in asked.filters),
        *(sa.or_(*map(_condition, group)) for group in asked.either),
    ]
    total = connection.execute(
        sa.select(sa.func.count()).select_from(product_order).where(*matching)
    ).scalar_one()
    rows = connection.execute(
        product_order.select()
        .where(*matching)
        .order_by(*(_ordering(one) for one in asked.sort), _ORDER.number)
        .offset(asked.offset)
        .limit(asked.limit)
    ).all()
    return query.Page(product_views.views_of(connection, rows), total)


def _condition(asked: query.Filter) -> sa.ColumnElement[bool]:
    words = tuple(views.OrderState) if asked.path.endswith("state") else ()
    if asked.path in _DIRECT:
        return conditions.any_of(_DIRECT[asked.path], asked, words)
    if asked.path in _OF_ITEM:
        some = sa.select(_ITEM.position).where(
            _ITEM.product_order_id == _ORDER.id,
            conditions.any_of(_OF_ITEM[asked.path], asked, words),
        )
        return some.exists()
    raise conditions.unknown(asked.path, (*_DIRECT, *_OF_ITEM))


def _ordering(asked: query.Sort) -> sa.ColumnElement[Any]:
    if asked.path not in _DIRECT:
        raise conditions.unknown(asked.path, tuple(_DIRECT))
    # Ids are numbers written as text: po10 comes after po9.
    column = _ORDER.number if asked.path == "id" else _DIRECT[asked.path]
    return column.desc() if asked.descending else column.asc()
