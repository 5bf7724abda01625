"""Product orders as views: their rows and items, and the items of the service order each became."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import codec, tables
from oss_agent.fulfilment.record.product_tables import product_item, product_order
from oss_agent.spi import product_orders, views


def view(
    connection: sa.Connection, order: str, tenant: str | None = None
) -> product_orders.ProductOrderView | None:
    """An order as TMF622 shows it; None when it is absent or, with ``tenant``, another's."""
    asked = product_order.select().where(product_order.c.id == order)
    if tenant is not None:
        asked = asked.where(product_order.c.tenant == tenant)
    found = views_of(connection, connection.execute(asked).all())
    return found[0] if found else None


def views_of(
    connection: sa.Connection, rows: Sequence[sa.Row[Any]]
) -> tuple[product_orders.ProductOrderView, ...]:
    """Rows of ``ord_product_order`` as views, in order; a fixed number of statements."""
    below = [row.service_order for row in rows]
    parts, known = _parts(connection, below), _known_below(connection, below)
    items = _items(connection, [row.id for row in rows])
    return tuple(
        dataclasses.replace(
            _view(row, items[row.id], parts[row.service_order]),
            cancellation_date=known[row.service_order].cancellation_date,
            cancellation_reason=known[row.service_order].cancellation_reason,
            expected_completion=known[row.service_order].expected_completion,
        )
        for row in rows
    )


def _known_below(connection: sa.Connection, service_orders: Sequence[str]) -> Mapping[str, Any]:
    """What service orders promise, when and why they were cancelled, by id: we only show it."""
    c = tables.order.c
    asked = sa.select(c.id, c.cancellation_date, c.cancellation_reason, c.expected_completion)
    rows = connection.execute(asked.where(c.id.in_(service_orders)))
    return {row.id: row for row in rows}


def _parts(
    connection: sa.Connection, service_orders: Sequence[str]
) -> Mapping[str, Mapping[int, Any]]:
    """The ids and states of service order items, by order and position."""
    c = tables.item.c
    asked = sa.select(c.order_id, c.position, c.item_id, c.state, c.withdrawn)
    found: defaultdict[str, dict[int, Any]] = defaultdict(dict)
    for row in connection.execute(asked.where(c.order_id.in_(service_orders))):
        found[row.order_id][row.position] = row
    return found


def _items(connection: sa.Connection, orders: Sequence[str]) -> Mapping[str, list[sa.Row[Any]]]:
    c = product_item.c
    asked = product_item.select().where(c.product_order_id.in_(orders))
    found: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in connection.execute(asked.order_by(c.product_order_id, c.position)):
        found[row.product_order_id].append(row)
    return found


def _view(
    row: sa.Row[Any], items: Sequence[sa.Row[Any]], below: Mapping[int, Any]
) -> product_orders.ProductOrderView:
    ids = {item.position: item.item_id for item in items}
    return product_orders.ProductOrderView(
        id=row.id,
        tenant=row.tenant,
        state=views.OrderState(row.state),
        order_date=row.order_date,
        requester=row.requester,
        items=tuple(_item(item, below, ids) for item in items),
        service_order=row.service_order,
        external_id=row.external_id,
        description=row.description,
        category=row.category,
        priority=row.priority,
        requested_start=row.requested_start,
        requested_completion=row.requested_completion,
        completion_date=row.completion_date,
        error=codec.error_from_json(row.error),
        extra=row.extra,
    )


def _item(
    row: sa.Row[Any], below: Mapping[int, Any], ids: Mapping[int, str]
) -> product_orders.ProductOrderItemView:
    return product_orders.ProductOrderItemView(
        id=row.item_id,
        action=views.ItemAction(row.action),
        state=views.OrderState(row.state),
        offering=views.SpecificationRef(row.offering_id, row.offering_version, row.offering_name),
        product_id=row.product_id,
        product_name=row.product_name,
        characteristics=row.characteristics,
        service_items=tuple(
            one.item_id
            for one in (below[position] for _, position in row.parts)
            if not one.withdrawn
        ),
        extra=row.extra,
        parent=None if row.parent is None else ids[row.parent],
        needs=_needs(row, below),
    )


def _needs(row: sa.Row[Any], below: Mapping[int, Any]) -> product_orders.Needs | None:
    """What its services wait to be told: what was asked for of one that is pending no more was said."""
    open_ = [
        asked
        for position, asked in row.needs.items()
        if below[int(position)].state == views.OrderState.PENDING
    ]
    if not open_:
        return None
    return product_orders.Needs(
        names=tuple(dict.fromkeys(name for asked in open_ for name in asked["names"])),
        since=datetime.fromisoformat(min(asked["since"] for asked in open_)),
        until=datetime.fromisoformat(min(asked["until"] for asked in open_)),
    )
