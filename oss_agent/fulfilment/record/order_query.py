"""A ``Query`` over service orders as SQL: filter and sort paths are TMF641 attribute names."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from oss_agent import selecting
from oss_agent.fulfilment.record import order_views, tables
from oss_agent.spi import orders, query, views

_ORDER = tables.order.c
_ITEM = tables.item.c
_ROWS: Final = tables.order.select().where(~_ORDER.id.startswith(orders.OF_RESOURCES))
_DIRECT: Final = {
    # Ids are numbers written as text: 10 comes after 9.
    "id": selecting.Attribute(_ORDER.id, sorted_by=_ORDER.number),
    "state": selecting.Attribute(_ORDER.state, words=tuple(views.OrderState)),
    **selecting.texts(
        {
            "externalId": _ORDER.external_id,
            "description": _ORDER.description,
            "category": _ORDER.category,
            "priority": _ORDER.priority,
            "relatedParty.id": _ORDER.requester,
            "relatedParty.name": _ORDER.requester,
        }
    ),
    **selecting.moments(
        {
            "orderDate": _ORDER.order_date,
            "startDate": _ORDER.start_date,
            "completionDate": _ORDER.completion_date,
            "expectedCompletionDate": _ORDER.expected_completion,
            "requestedStartDate": _ORDER.requested_start,
            "requestedCompletionDate": _ORDER.requested_completion,
        }
    ),
}
_OF_ITEM: Final = {
    "serviceOrderItem.state": selecting.Attribute(_ITEM.state, words=tuple(views.OrderState)),
    **selecting.texts(
        {
            "serviceOrderItem.id": _ITEM.item_id,
            "serviceOrderItem.action": _ITEM.action,
            "serviceOrderItem.service.id": _ITEM.service_id,
            "serviceOrderItem.service.name": _ITEM.service_name,
            "serviceOrderItem.service.serviceSpecification.id": _ITEM.specification_id,
            "serviceOrderItem.service.serviceSpecification.name": _ITEM.specification_name,
        }
    ),
}


def find(connection: sa.Connection, asked: query.Query) -> query.Page[views.ServiceOrderView]:
    """The page that was asked for. OrderRejected (400) naming a path nobody knows."""
    rows, total = _selection().page(connection, asked)
    return query.Page(order_views.views_of(connection, rows.all()), total)


def _selection() -> selecting.Selection:
    members = {path: selecting.Member(one, _some_item) for path, one in _OF_ITEM.items()}
    return selecting.Selection(_ROWS, _ORDER.tenant, _DIRECT, _ORDER.number, members)


def _some_item(meets: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.select(_ITEM.position).where(_ITEM.order_id == _ORDER.id, meets).exists()
