"""A ``Query`` over service orders as SQL: filter and sort paths are TMF641 attribute names."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import order_views, tables
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
_COMPARE: Mapping[query.Operator, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        query.Operator.EQ: operator.eq,
        query.Operator.NE: operator.ne,
        query.Operator.GT: operator.gt,
        query.Operator.GTE: operator.ge,
        query.Operator.LT: operator.lt,
        query.Operator.LTE: operator.le,
        query.Operator.LIKE: lambda column, pattern: column.like(pattern, escape="\\"),
    }
)


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
        return _any_of(_DIRECT[asked.path], asked)
    if asked.path in _OF_ITEM:
        some = sa.select(_ITEM.position).where(
            _ITEM.order_id == _ORDER.id, _any_of(_OF_ITEM[asked.path], asked)
        )
        return some.exists()
    raise _unknown(asked.path)


def _any_of(column: sa.ColumnElement[Any], asked: query.Filter) -> sa.ColumnElement[bool]:
    compare = _COMPARE[asked.operator]
    values = [_value(column, asked, text) for text in asked.values]
    if asked.operator is query.Operator.NE:
        # Absent is not equal either; SQL would leave such a row out.
        return sa.or_(column.is_(None), sa.and_(*(compare(column, value) for value in values)))
    return sa.or_(*(compare(column, value) for value in values))


def _value(column: sa.ColumnElement[Any], asked: query.Filter, text: str) -> Any:
    if asked.operator is query.Operator.LIKE and not isinstance(column.type, tables.Moment):
        return text
    if column in {_ORDER.state, _ITEM.state} and text not in set(views.OrderState):
        known = ", ".join(views.OrderState)
        raise errors.OrderRejected(
            f"{asked.path}: there is no state {text[:80]!r}; there are: {known}",
            field=asked.path,
            code="invalidQuery",
        )
    if not isinstance(column.type, tables.Moment):
        return text
    try:
        moment = datetime.fromisoformat(text.strip('"').replace(" ", "+"))
    except ValueError as bad:
        raise errors.OrderRejected(
            f"{asked.path}: not a date and time as 2026-01-31T10:00:00Z",
            field=asked.path,
            code="invalidQuery",
        ) from bad
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ordering(asked: query.Sort) -> sa.ColumnElement[Any]:
    if asked.path not in _DIRECT:
        raise _unknown(asked.path)
    # Ids are numbers written as text: 10 comes after 9.
    column = _ORDER.number if asked.path == "id" else _DIRECT[asked.path]
    return column.desc() if asked.descending else column.asc()


def _unknown(path: str) -> errors.OrderRejected:
    known = ", ".join(sorted((*_DIRECT, *_OF_ITEM)))
    return errors.OrderRejected(
        f"nothing is called {ascii(path)[:60]}; known: {known}", field=path, code="invalidQuery"
    )
