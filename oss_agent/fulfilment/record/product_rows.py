"""Writing the rows of product orders and their items; ``product_views`` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import order_rows, tables
from oss_agent.fulfilment.record.product_tables import product_item, product_order
from oss_agent.spi import catalogue, product_orders, views

_ITEM = tables.item.c
_OF_SERVICE_ORDER = product_order.select().where(
    product_order.c.service_order == sa.bindparam("at_order")
)
_SERVICE_ITEMS = sa.select(
    _ITEM.position,
    _ITEM.item_id,
    _ITEM.action,
    _ITEM.state,
    _ITEM.service_id,
    _ITEM.service_state,
    _ITEM.withdrawn,
).where(_ITEM.order_id == sa.bindparam("at_order"))
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Line:
    """An item as it is stored: its product, and the positions of its parts in the service order."""

    asked: product_orders.ProductItemRequest
    design: catalogue.ProductDesign
    product: str
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """An item of a service order, as far as a product sees it. ``turns``: it suspends or resumes."""

    id: str
    action: views.ItemAction
    state: views.OrderState
    service: str
    turns: bool = False
    withdrawn: bool = False

    @property
    def gone(self) -> bool:
        """Was it taken out of the order, and is nothing of it left to undo?"""
        return self.withdrawn and self.state.final

    @property
    def changes(self) -> bool:
        """Was the service there before, and is meant to stay?"""
        return self.action in {views.ItemAction.MODIFY, views.ItemAction.NO_CHANGE}


def next_id(connection: sa.Connection) -> str:
    """The id of a new product order: ``po1``; a service order's is a bare number."""
    return f"po{order_rows.next_number(connection, 'productOrder')}"


def insert(
    connection: sa.Connection,
    order: str,
    request: product_orders.ProductOrderRequest,
    service_order: str,
    lines: Sequence[Line],
    at: datetime,
) -> None:
    """Store a product order with its items."""
    connection.execute(
        product_order.insert().values(
            id=order,
            number=int(order.removeprefix("po")),
            tenant=request.tenant,
            requester=request.requester,
            external_id=request.external_id,
            idempotency_key=request.idempotency_key,
            body_digest=request.body_digest,
            state=views.OrderState.ACKNOWLEDGED,
            service_order=service_order,
            description=request.description,
            category=request.category,
            priority=request.priority,
            requested_start=request.requested_start,
            requested_completion=request.requested_completion,
            order_date=at,
            told=0,
            extra=dict(request.extra),
        )
    )
    place = {line.asked.asked.id: position for position, line in enumerate(lines, start=1)}
    for line in lines:
        _insert_item(connection, order, place, request.tenant, line)


def _insert_item(
    connection: sa.Connection, order: str, place: Mapping[str, int], tenant: str, line: Line
) -> None:
    asked, offering = line.asked.asked, line.design.offering
    context = asked.action is views.ItemAction.NO_CHANGE
    connection.execute(
        product_item.insert().values(
            product_order_id=order,
            position=place[asked.id],
            tenant=tenant,
            item_id=asked.id,
            action=asked.action,
            state=views.OrderState.COMPLETED if context else views.OrderState.ACKNOWLEDGED,
            offering_id=offering.id,
            offering_version=offering.version,
            offering_name=offering.name,
            product_id=line.product,
            product_name=line.design.name,
            characteristics=dict(asked.characteristics),
            ordered=dict(line.design.ordered),
            parts=[list(part) for part in line.parts],
            extra=dict(line.asked.extra),
            path=asked.path,
            words={
                str(place): dict(part.words)
                for part, (_, place) in zip(line.design.parts, line.parts, strict=True)
            },
            needs={},
            parent=None if line.asked.parent is None else place[line.asked.parent],
        )
    )


def known(
    connection: sa.Connection, request: product_orders.ProductOrderRequest
) -> sa.Row[Any] | None:
    """The order that this request made before. IdempotencyConflict for another body."""
    c = product_order.c
    keys: tuple[tuple[sa.Column[Any], str | None, str, int], ...] = (
        (c.idempotency_key, request.idempotency_key, "Idempotency-Key", 422),
        (c.external_id, request.external_id, "externalId", 409),
    )
    sender = (c.tenant == request.tenant, c.requester == request.requester)
    for column, value, field, status in keys:
        if value is None:
            continue
        row = connection.execute(
            product_order.select().where(*sender, column == value)
        ).one_or_none()
        if row is not None and row.body_digest != request.body_digest:
            raise errors.IdempotencyConflict(
                f"{field} {ascii(value)[:60]} was used for product order {row.id} with another "
                "body: send the same body, or choose another value",
                field=field,
                status=status,
                code="idempotencyConflict",
            )
        if row is not None:
            return row
    return None


def row_of(connection: sa.Connection, order: str) -> sa.Row[Any]:
    """A product order's own row; it exists."""
    return connection.execute(product_order.select().where(product_order.c.id == order)).one()


def of_service_order(connection: sa.Connection, service_order: str) -> sa.Row[Any] | None:
    """The product order that became this service order, if any."""
    return connection.execute(_OF_SERVICE_ORDER, {"at_order": service_order}).one_or_none()


def items_of(connection: sa.Connection, order: str) -> Sequence[sa.Row[Any]]:
    """The items of a product order, by position."""
    mine = product_item.select().where(product_item.c.product_order_id == order)
    return connection.execute(mine.order_by(product_item.c.position)).all()


def going_on(connection: sa.Connection, product: str) -> tuple[str, ...]:
    """The product orders that have not done with a product yet."""
    c = product_item.c
    asked = sa.select(c.product_order_id, c.state).where(c.product_id == product)
    rows = connection.execute(asked.order_by(c.product_order_id))
    return tuple(row.product_order_id for row in rows if not views.OrderState(row.state).final)


def set_order(connection: sa.Connection, order: str, values: Mapping[str, Any]) -> None:
    """Change columns of a product order."""
    connection.execute(
        product_order.update().where(product_order.c.id == order).values(dict(values))
    )


def set_item(connection: sa.Connection, order: str, position: int, state: views.OrderState) -> None:
    """Change an item's state."""
    set_item_columns(connection, order, position, {"state": state})


def set_item_columns(
    connection: sa.Connection, order: str, position: int, values: Mapping[str, Any]
) -> None:
    """Change columns of an item."""
    c = product_item.c
    mine = product_item.update().where(c.product_order_id == order, c.position == position)
    connection.execute(mine.values(dict(values)))


def item_at(connection: sa.Connection, service_order: str, position: int) -> sa.Row[Any] | None:
    """The product order item that an item of a service order is a part of, if any."""
    order = of_service_order(connection, service_order)
    rows = items_of(connection, order.id) if order is not None else ()
    return next((row for row in rows if position in [place for _, place in row.parts]), None)


def service_items(connection: sa.Connection, service_order: str) -> Mapping[int, ServiceItem]:
    """What the items of a service order are now, by position."""
    rows = connection.execute(_SERVICE_ITEMS, {"at_order": service_order})
    return {
        row.position: ServiceItem(
            row.item_id,
            views.ItemAction(row.action),
            views.OrderState(row.state),
            row.service_id,
            turns=row.service_state is not None,
            withdrawn=row.withdrawn,
        )
        for row in rows
    }
