"""What an item's move does to the product that its service is a part of, inside the same unit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import product_content, product_status
from oss_agent.fulfilment.record import product_moves, product_rows
from oss_agent.spi import events, products, views


def follow(
    connection: sa.Connection, p: parts.Parts, order: str, position: int, at: datetime
) -> None:
    """An item of a service order moved: its product order's item with it, and the product.

    The product follows also when it was no product order that changed its service.
    """
    product_moves.follow_items(connection, p.events, order, at)
    moved = product_rows.service_items(connection, order)[position]
    product = p.ledger.product_of(connection, moved.service) if moved.state.final else None
    if product is None:
        return
    item = product_rows.item_at(connection, order, position)
    if moved.withdrawn and moved.action is views.ItemAction.ADD:
        p.ledger.unlink_service(connection, product=product.id, service=moved.service, at=at)
    if item is not None and item.action == views.ItemAction.MODIFY:
        _take_over(connection, p, product, item, moved, order, at)
    _settle(connection, p, product, order, at)


def _take_over(
    connection: sa.Connection,
    p: parts.Parts,
    product: products.ProductView,
    item: sa.Row[Any],
    moved: product_rows.ServiceItem,
    order: str,
    at: datetime,
) -> None:
    """What a modify took from the product, or could not add, is none of it.

    Once all parts have ended, the product is told as it is then: what some of them could not do is
    none of it either.
    """
    gone = moved.action is views.ItemAction.DELETE
    if gone is (moved.state is views.OrderState.COMPLETED) and not moved.changes:
        p.ledger.unlink_service(connection, product=product.id, service=moved.service, at=at)
    if views.OrderState(item.state).final:
        _tell_content(connection, p, product, item, order, at)


def _tell_content(
    connection: sa.Connection,
    p: parts.Parts,
    before: products.ProductView,
    item: sa.Row[Any],
    order: str,
    at: datetime,
) -> None:
    now = product_rows.service_items(connection, order)
    asked = [position for _, position in item.parts if not now[position].withdrawn]
    done = {position for position in asked if now[position].state is views.OrderState.COMPLETED}
    whole = len(done) == len(asked)
    offering = views.SpecificationRef(item.offering_id, item.offering_version, item.offering_name)
    said = [
        product_content.Ended(
            frozenset(item.words.get(str(position), {}).values()), position in done
        )
        for position in asked
    ]
    content = products.ProductRow(
        id=before.id,
        tenant=before.tenant,
        name=item.product_name,
        offering=offering if whole else before.offering,
        characteristics=product_content.content(before.characteristics, item.ordered, said),
        customer=before.customer,
        order=before.order,
        order_item=before.order_item,
    )
    view = p.ledger.put_product(connection, content, at)
    others = any(not now[position].changes for position in done)
    changed = _differing(before, view) + (("realizingService",) if others else ())
    if changed:
        kind, source = events.EventKind.PRODUCT_CHANGE, item.product_order_id
        product_moves.tell_product(connection, p.events, kind, view, source, at, changed)


def _differing(before: products.ProductView, after: products.ProductView) -> tuple[str, ...]:
    """Which attributes of a product are another now, by the names of TMF637."""
    pairs = {"offering": "productOffering", "characteristics": "productCharacteristic"}
    return tuple(
        name for field, name in pairs.items() if getattr(before, field) != getattr(after, field)
    )


def _settle(
    connection: sa.Connection,
    p: parts.Parts,
    product: products.ProductView,
    order: str,
    at: datetime,
) -> None:
    now = p.ledger.products(connection, product.tenant, (product.id,))[product.id]
    after = product_status.status(
        now.status,
        [one.state for one in now.services],
        going_on=bool(product_rows.going_on(connection, now.id)),
        failed=_failed(connection, now),
    )
    for step in product_status.steps(now.status, after):
        view = p.ledger.move_product(connection, product=now.id, status=step, at=at)
        kind = events.EventKind.PRODUCT_STATE
        product_moves.tell_product(connection, p.events, kind, view, order, at)


def _failed(connection: sa.Connection, product: products.ProductView) -> bool:
    """Did the item that was to make the product fail?"""
    items = product_rows.items_of(connection, product.order)
    ended = {row.state for row in items if row.item_id == product.order_item}
    return views.OrderState.FAILED in ended
