"""Changes a product order that has not ended, and the service order that it became: all or nothing.

What an item asks for now is taken apart as at its acceptance. It has to come to the same parts:
each is amended where it differs. What would come to others is refused by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import changing, product_intake, product_seen
from oss_agent.fulfilment.record import order_views, product_moves, product_rows, product_views
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
    below = order_views.view(connection, seen.service_order)
    if below is None:
        raise errors.AgentError(f"service order {seen.service_order} is not there")
    rows = {row.item_id: row for row in product_rows.items_of(connection, seen.id)}
    changes: list[orders.ItemChange] = []
    for one in wish.items:
        changes += _item(connection, p, offerings, seen, rows[one.id], one, below, at)
    service = orders.Amendment(
        below, wish.by, wish.attributes, items=tuple(changes), hold=wish.hold
    )
    changing.amend_order(connection, p, service, at)
    values = dict(wish.attributes) | ({} if wish.extra is None else {"extra": dict(wish.extra)})
    if values:
        product_rows.set_order(connection, seen.id, values)
    if values or wish.items:
        kind = events.EventKind.PRODUCT_ORDER_CHANGE
        changed = changing.named(wish.attributes, seen.extra, wish.extra)
        changed += ("productOrderItem",) if wish.items else ()
        return product_moves.tell(connection, p.events, kind, seen.id, at, changed)
    return product_views.view(connection, seen.id) or seen


def _item(
    connection: sa.Connection,
    p: parts.Parts,
    offerings: catalogue.Products,
    seen: product_orders.ProductOrderView,
    row: sa.Row[Any],
    change: product_orders.ProductItemChange,
    below: views.ServiceOrderView,
    at: datetime,
) -> list[orders.ItemChange]:
    """What its parts ask for now; the item, and the product that it makes, say so too."""
    asked = _asked(row, change)
    _refuse_context(asked)
    product = asked.product_id
    known = product_seen.see(connection, p, seen.tenant, (product,) if product else ())
    request = product_orders.ProductOrderRequest(seen.tenant, seen.requester, (asked,), "")
    (design,) = product_intake.judge(request, known, offerings, p.limits).designs
    became = [(name, below.items[position - 1]) for name, position in row.parts]
    _refuse_other_parts(design.parts, became, asked)
    extra = {} if change.extra is None else {"extra": dict(change.extra)}
    said, ordered = dict(change.characteristics), dict(design.ordered)
    columns = {"characteristics": said, "ordered": ordered} | extra
    product_rows.set_item_columns(connection, seen.id, row.position, columns)
    if row.action == views.ItemAction.ADD:
        p.ledger.put_product(connection, _content(seen, row, design), at)
    pairs = zip(design.parts, became, strict=True)
    return [orders.ItemChange(item.id, part.item.characteristics) for part, (_, item) in pairs]


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


def _refuse_other_parts(
    wanted: Sequence[catalogue.ServicePart],
    became: Sequence[tuple[str, views.OrderItemView]],
    asked: product_orders.ProductItemRequest,
) -> None:
    now = [(part.part, part.item.action) for part in wanted]
    then = [(name, item.action) for name, item in became]
    if now != then:
        names = ", ".join(sorted({name for name, _ in {*now} ^ {*then}})) or "their order"
        raise errors.OrderRejected(
            f"it would become other services than it became ({names}): cancel the order and send "
            "another",
            field=f"{asked.asked.path}.product.productCharacteristic",
            status=422,
            code="notPatchable",
        )


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
