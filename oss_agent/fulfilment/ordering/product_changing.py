"""Changes a product order that has not ended, and the service order that it became: all or nothing.

What an item asks for now is taken apart as at its acceptance, by the versions that it keeps and from
the product as it was then. Parts that differ are amended, those that it does without are taken out
of the service order, new ones are brought into it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import (
    changing,
    product_difference,
    product_intake,
    product_recast,
    product_seen,
)
from oss_agent.fulfilment.record import order_views, product_moves, product_rows, product_views
from oss_agent.fulfilment.turn import watch
from oss_agent.spi import catalogue, events, orders, product_orders, products, views


def amend_order(
    connection: sa.Connection,
    p: parts.Parts,
    offerings: catalogue.Products,
    wish: product_orders.ProductAmendment,
    at: datetime,
) -> product_orders.ProductOrderView:
    """The order as it is then. OrderRejected or Conflict: nothing of it was changed."""
    seen = wish.expected
    if product_views.view(connection, seen.id, seen.tenant) != seen:
        raise errors.Conflict(f"product order {seen.id} has changed since it was read")
    rows = {row.item_id: row for row in product_rows.items_of(connection, seen.id)}
    changed = [_item(connection, p, offerings, seen, rows[one.id], one, at) for one in wish.items]
    # What is new is there before anything goes: an order that nothing is left of would end.
    for one in changed:
        product_recast.bring_in(connection, p, seen, one, at)
    _amend_below(connection, p, wish, changed, at)
    for one in changed:
        product_recast.take_out(connection, p, seen, one, wish.by, at)
    values = dict(wish.attributes) | ({} if wish.extra is None else {"extra": dict(wish.extra)})
    if values:
        product_rows.set_order(connection, seen.id, values)
    if values or wish.items:
        kind = events.EventKind.PRODUCT_ORDER_CHANGE
        names = changing.named(wish.attributes, seen.extra, wish.extra)
        names += ("productOrderItem",) if wish.items else ()
        return product_moves.tell(connection, p.events, kind, seen.id, at, names)
    return product_views.view(connection, seen.id) or seen


def _amend_below(
    connection: sa.Connection,
    p: parts.Parts,
    wish: product_orders.ProductAmendment,
    changed: Sequence[product_recast.Item],
    at: datetime,
) -> None:
    """The service order itself, and of its items those that stay."""
    below = order_views.view(connection, wish.expected.service_order)
    if below is None:
        raise errors.AgentError(f"service order {wish.expected.service_order} is not there")
    items = tuple(
        orders.ItemChange(part.item.id, wanted.item.characteristics)
        for one in changed
        for wanted, part in one.difference.stays
    )
    service = orders.Amendment(below, wish.by, wish.attributes, items=items, hold=wish.hold)
    changing.amend_order(connection, p, service, at)
    if not all(one.difference.same_services for one in changed):
        watch.promise_anew(connection, p, below.id, at)


def _item(
    connection: sa.Connection,
    p: parts.Parts,
    offerings: catalogue.Products,
    seen: product_orders.ProductOrderView,
    row: sa.Row[Any],
    change: product_orders.ProductItemChange,
    at: datetime,
) -> product_recast.Item:
    """What it asks for now; the item, and the product that it makes, say so too."""
    asked = _asked(row, change)
    _refuse_context(asked)
    has = _parts(connection, seen, row)
    known = _as_accepted(connection, p, seen, asked.product_id, has)
    request = product_orders.ProductOrderRequest(seen.tenant, seen.requester, (asked,), "")
    (design,) = product_intake.judge(request, known, offerings, p.limits, kept=True).designs
    extra = {} if change.extra is None else {"extra": dict(change.extra)}
    said, ordered = dict(change.characteristics), dict(design.ordered)
    columns = {"characteristics": said, "ordered": ordered} | extra
    product_rows.set_item_columns(connection, seen.id, row.position, columns)
    if row.action == views.ItemAction.ADD:
        p.ledger.put_product(connection, _content(seen, row, design), at)
    return product_recast.Item(row, design, product_difference.difference(design.parts, has))


def _parts(
    connection: sa.Connection, seen: product_orders.ProductOrderView, row: sa.Row[Any]
) -> list[product_difference.Part]:
    """What it is carried out by. OrderRejected where it suspends or resumes."""
    now = product_rows.service_items(connection, seen.service_order)
    has = [product_difference.Part(name, place, now[place]) for name, place in row.parts]
    if any(one.item.turns for one in has):
        raise errors.OrderRejected(
            f"item {row.item_id} suspends or resumes the product: cancel the order and send another",
            field=f"{row.path}.product.productCharacteristic",
            status=422,
            code="notPatchable",
        )
    return [one for one in has if not one.item.withdrawn]


def _as_accepted(
    connection: sa.Connection,
    p: parts.Parts,
    seen: product_orders.ProductOrderView,
    product: str | None,
    has: Sequence[product_difference.Part],
) -> product_seen.Seen:
    """The product before this order did anything to it: what it made is not there, what it ended is."""
    now = product_seen.see(connection, p, seen.tenant, (product,) if product else ())
    view = now.found.get(product or "")
    if view is None:
        return now
    made = {one.item.service for one in has if one.item.action is views.ItemAction.ADD}
    living = {one.part: one for one in view.services if one.alive and one.id not in made}
    ended = {
        one.name: products.RealizingService(
            one.name, one.item.service, "", views.ServiceState.ACTIVE
        )
        for one in has
        if one.item.action is views.ItemAction.DELETE and one.name not in living
    }
    services = tuple((living | ended).values())
    found = {view.id: dataclasses.replace(view, services=services)}
    return product_seen.Seen(found, product_seen.ordered(connection, seen.tenant, found))


def _refuse_context(item: product_orders.ProductItemRequest) -> None:
    if item.asked.action is views.ItemAction.NO_CHANGE:
        raise errors.OrderRejected(
            "noChange only mentions a product: it asks for nothing that could be changed",
            field=f"{item.asked.path}.product.productCharacteristic",
            code="notPatchable",
        )


def _asked(
    row: sa.Row[Any], change: product_orders.ProductItemChange
) -> product_orders.ProductItemRequest:
    """The item as its sender would have sent it now."""
    adds = row.action == views.ItemAction.ADD
    item = catalogue.ProductItem(
        id=row.item_id,
        action=views.ItemAction(row.action),
        offering=row.offering_id,
        offering_version=row.offering_version,
        name=row.product_name,
        characteristics=change.characteristics,
        path=row.path,
    )
    return product_orders.ProductItemRequest(item, None if adds else row.product_id)


def _content(
    seen: product_orders.ProductOrderView, row: sa.Row[Any], design: catalogue.ProductDesign
) -> products.ProductRow:
    return products.ProductRow(
        id=row.product_id,
        tenant=seen.tenant,
        name=row.product_name,
        offering=views.SpecificationRef(row.offering_id, row.offering_version, row.offering_name),
        characteristics=design.ordered,
        customer=seen.requester,
        order=seen.id,
        order_item=row.item_id,
    )
