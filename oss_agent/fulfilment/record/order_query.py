"""A ``Query`` over service orders as SQL: filter and sort paths are TMF641 attribute names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import conditions, order_views, tables
from oss_agent.spi import query, views

_ORDER = tables.order.c
_ITEM = tables.item.c
_DIRECT: Mapping[str, sa.ColumnElement[Any]] = MappingProxyType(
    {
        "id": _ORDER.id,
        "externalId": _ORDER.external_id,
        "state": _ORDER.state,
        "description": _ORDER.description,
        "category": _ORDER.category,
        "priority": _ORDER.priority,
        "orderDate": _ORDER.order_date,
        "startDate": _ORDER.start_date,
        "completionDate": _ORDER.completion_date,
        "expectedCompletionDate": _ORDER.expected_completion,
        "requestedStartDate": _ORDER.requested_start,
        "requestedCompletionDate": _ORDER.requested_completion,
        "relatedParty.name": _ORDER.requester,
    }
)
_OF_ITEM: Mapping[str, sa.ColumnElement[Any]] = MappingProxyType(
    {
        "serviceOrderItem.id": _ITEM.item_id,
        "serviceOrderItem.action": _ITEM.action,
        "serviceOrderItem.state": _ITEM.state,
        "serviceOrderItem.service.id": _ITEM.service_id,
        "serviceOrderItem.service.name": _ITEM.service_name,
        "serviceOrderItem.service.serviceSpecification.id": _ITEM.specification_id,
        "serviceOrderItem.service.serviceSpecification.name": _ITEM.specification_name,
    }
)
_STATES = (_ORDER.state, _ITEM.state)


def find(connection: sa.Connection, asked: query.Query) -> query.Page[views.ServiceOrderView]:
    """The page that was asked for. OrderRejected (400) naming a path nobody knows."""
    matching = [
        _ORDER.tenant == asked.tenant,
        *(_condition(one) for one in asked.filters),
        *(sa.or_(*map(_condition, group)) for group in asked.either),
    ]
    total = connection.execute(
        sa.select(sa.func.count()).select_from(tables.order).where(*matching)
    ).scalar_one()
    rows = connection.execute(
        tables.order.select()
        .where(*matching)
        .order_by(*(_ordering(one) for one in asked.sort), _ORDER.number)
        .offset(asked.offset)
        .limit(asked.limit)
    ).all()
    return query.Page(order_views.views_of(connection, rows), total)


def _condition(asked: query.Filter) -> sa.ColumnElement[bool]:
    if asked.path in _DIRECT:
        return _matches(_DIRECT[asked.path], asked)
    if asked.path in _OF_ITEM:
        some = sa.select(_ITEM.position).where(
            _ITEM.order_id == _ORDER.id, _matches(_OF_ITEM[asked.path], asked)
        )
        return some.exists()
    raise conditions.unknown(asked.path, (*_DIRECT, *_OF_ITEM))


def _matches(column: sa.ColumnElement[Any], asked: query.Filter) -> sa.ColumnElement[bool]:
    words = tuple(views.OrderState) if any(column is state for state in _STATES) else ()
    return conditions.any_of(column, asked, words)


def _ordering(asked: query.Sort) -> sa.ColumnElement[Any]:
    if asked.path not in _DIRECT:
        raise conditions.unknown(asked.path, (*_DIRECT, *_OF_ITEM))
    # Ids are numbers written as text: 10 comes after 9.
    column = _ORDER.number if asked.path == "id" else _DIRECT[asked.path]
    return column.desc() if asked.descending else column.asc()
