"""A ``Query`` over product orders as SQL: filter and sort paths are TMF622 attribute names."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from oss_agent import selecting
from oss_agent.fulfilment.record import product_views
from oss_agent.fulfilment.record.product_tables import product_item, product_order
from oss_agent.spi import product_orders, query, views

_ORDER = product_order.c
_ITEM = product_item.c
_DIRECT: Final = {
    # Ids are numbers written as text: po10 comes after po9.
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
            "completionDate": _ORDER.completion_date,
            "requestedStartDate": _ORDER.requested_start,
            "requestedCompletionDate": _ORDER.requested_completion,
        }
    ),
}
_OF_ITEM: Final = {
    "productOrderItem.state": selecting.Attribute(_ITEM.state, words=tuple(views.OrderState)),
    **selecting.texts(
        {
            "productOrderItem.id": _ITEM.item_id,
            "productOrderItem.action": _ITEM.action,
            "productOrderItem.productOffering.id": _ITEM.offering_id,
            "productOrderItem.productOffering.name": _ITEM.offering_name,
            "productOrderItem.product.id": _ITEM.product_id,
            "productOrderItem.product.name": _ITEM.product_name,
        }
    ),
}


def find(
    connection: sa.Connection, asked: query.Query
) -> query.Page[product_orders.ProductOrderView]:
    """The page that was asked for. OrderRejected (400) naming a path nobody knows."""
    rows, total = _selection().page(connection, asked)
    return query.Page(product_views.views_of(connection, rows.all()), total)


def _selection() -> selecting.Selection:
    members = {path: selecting.Member(one, _some_item) for path, one in _OF_ITEM.items()}
    return selecting.Selection(
        product_order.select(), _ORDER.tenant, _DIRECT, _ORDER.number, members
    )


def _some_item(meets: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.select(_ITEM.position).where(_ITEM.product_order_id == _ORDER.id, meets).exists()
