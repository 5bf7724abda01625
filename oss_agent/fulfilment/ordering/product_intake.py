"""Decides whether a product order is taken, and makes it a service order in the same unit.

The catalogue says which service order items each of its items becomes; what is refused is named in
the words of TMF622.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import limits, parts
from oss_agent.fulfilment.ordering import intake, product_seen, product_sequence
from oss_agent.fulfilment.record import product_moves, product_rows, product_views
from oss_agent.spi import catalogue, events, orders, product_orders, products, views


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """A product order that the catalogue took apart, and the products as they were then."""

    request: product_orders.ProductOrderRequest
    seen: product_seen.Products
    designs: tuple[catalogue.ProductDesign, ...]


def named(request: product_orders.ProductOrderRequest) -> tuple[str, ...]:
    """The products that its items name."""
    return tuple(item.product_id for item in request.items if item.product_id)


def check(request: product_orders.ProductOrderRequest, bounds: limits.Limits) -> None:
    """Judge the form of an order. OrderRejected names the field."""
    if not 1 <= len(request.items) <= bounds.items:
        raise _invalid(
            f"an order has 1 to {bounds.items} items, this one has {len(request.items)}",
            "productOrderItem",
        )
    seen: set[str] = set()
    for item in request.items:
        _check_naming(item)
        if item.product_id in seen:
            raise _invalid(
                f"two items name the product {item.product_id}: send them as orders of their own",
                f"{item.asked.path}.product.id",
            )
        seen |= {item.product_id} if item.product_id else set()
    product_sequence.check(request, bounds)


def _check_naming(item: product_orders.ProductItemRequest) -> None:
    asked = item.asked
    adding = asked.action is views.ItemAction.ADD
    if adding is (item.product_id is not None):
        why = "an added product gets its id from us" if adding else f"say what to {asked.action}"
        raise _invalid(why, f"{asked.path}.product.id")


def judge(
    request: product_orders.ProductOrderRequest,
    seen: product_seen.Seen,
    offerings: catalogue.Products,
    bounds: limits.Limits,
    *,
    kept: bool = False,
) -> Judged:
    """Take each item apart. Pure; OrderRejected names the field. ``kept`` as in the catalogue's seam."""
    designs = tuple(
        offerings.decompose_product(item.asked, seen.now(item), kept=kept) for item in request.items
    )
    for item, design in zip(request.items, designs, strict=True):
        if not design.parts and not _context(item):
            raise _nothing(
                f"product {item.product_id} is as this item asks already: leave the item out",
                item.asked.path,
            )
    total = sum(len(design.parts) for design in designs)
    if not total:
        raise _nothing("it mentions products of which no service lives", "productOrderItem")
    if total > bounds.items:
        raise _invalid(
            f"it becomes {total} service order items, and {bounds.items} are the most: divide it",
            "productOrderItem",
        )
    return Judged(request, seen.found, designs)


def _context(item: product_orders.ProductItemRequest) -> bool:
    return item.asked.action is views.ItemAction.NO_CHANGE


def _nothing(reason: str, field: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=field, status=422, code="nothingToDo")


def service_order(judged: Judged, bounds: limits.Limits) -> orders.OrderRequest:
    """The service order that it becomes: all items' parts, in the catalogue's order. Pure."""
    request = judged.request
    parts = product_sequence.of_parts(request, judged.designs, bounds.relations)
    return orders.OrderRequest(
        tenant=request.tenant,
        requester=request.requester,
        items=tuple(dataclasses.replace(part.item, after=part.after) for part in parts),
        body_digest=request.body_digest,
        description=request.description,
        category=request.category,
        priority=request.priority,
        requested_start=request.requested_start,
        requested_completion=request.requested_completion,
        fallout=request.fallout,
    )


def known(
    connection: sa.Connection, request: product_orders.ProductOrderRequest
) -> product_orders.ProductOrderView | None:
    """The order that this request made before. IdempotencyConflict for another body."""
    row = product_rows.known(connection, request)
    return None if row is None else product_views.view(connection, row.id)


def accept(
    connection: sa.Connection,
    p: parts.Parts,
    offerings: catalogue.Products,
    judged: Judged,
    became: orders.OrderRequest,
    found: tuple[views.SpecificationRef, ...],
) -> product_orders.Taken:
    """Product order, service order, products and events in one unit; or the order it already is."""
    request = judged.request
    before = known(connection, request)
    if before is not None:
        return product_orders.Taken(before, created=False)
    _refuse_moved(connection, p, judged)
    _refuse_lost(offerings, judged)
    at = p.clock.now()
    order = product_rows.next_id(connection)
    service = intake.accept(connection, p, _traced(became, order), found).order
    lines = _lines(judged, order, service)
    product_rows.insert(connection, order, request, service.id, lines, at)
    kind = events.EventKind.PRODUCT_ORDER_CREATE
    view = product_moves.tell(connection, p.events, kind, order, at)
    for line in lines:
        _put_product(connection, p, judged, order, line, service, at)
    if service.state.final:  # an order of context alone is over as it is accepted
        product_moves.follow(connection, p.events, service.id, service.state, at)
        view = product_views.view(connection, order) or view
    return product_orders.Taken(view, created=True)


def _traced(became: orders.OrderRequest, order: str) -> orders.OrderRequest:
    reference = {"id": order, "name": order, "externalReferenceType": "productOrder"}
    extra = {"externalReference": [reference | {"@type": "ExternalReference"}]}
    return dataclasses.replace(became, extra=extra)


def look(
    connection: sa.Connection, p: parts.Parts, request: product_orders.ProductOrderRequest
) -> product_seen.Seen:
    """The products that an order names, as they are now. OrderRejected (409) while one is changed."""
    _free(connection, p, request)
    return product_seen.see(connection, p, request.tenant, named(request))


def _free(
    connection: sa.Connection, p: parts.Parts, request: product_orders.ProductOrderRequest
) -> product_seen.Products:
    """The same without their services.

    Another tenant's product counts as absent, and what is done with it is not told.
    """
    seen = p.ledger.products(connection, request.tenant, named(request))
    for item in request.items:
        going = product_rows.going_on(connection, item.product_id or "")
        if going and item.product_id in seen and not _context(item):
            raise _busy(item, f"product order {going[0]} has not done with it")
    return seen


def _refuse_moved(connection: sa.Connection, p: parts.Parts, judged: Judged) -> None:
    """What changed since it was judged is not what was judged."""
    now = _free(connection, p, judged.request)
    for item in judged.request.items:
        moved = item.product_id and now.get(item.product_id) != judged.seen[item.product_id]
        if moved and not _context(item):
            raise _busy(item, "it just changed")


def _refuse_lost(offerings: catalogue.Products, judged: Judged) -> None:
    """The catalogue may have been read again since."""
    for item, design in zip(judged.request.items, judged.designs, strict=True):
        of = design.offering
        try:
            offerings.offering(of.id, of.version)
        except errors.NotFound as gone:
            what = f"product offering {of.id} {of.version}"
            raise intake.left_catalogue(what, f"{item.asked.path}.productOffering") from gone


def _busy(item: product_orders.ProductItemRequest, why: str) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"product {item.product_id} cannot be changed now: {why}. Send it again afterwards",
        field=f"{item.asked.path}.product.id",
        status=409,
        code="conflict",
    )


def _lines(
    judged: Judged, order: str, service: views.ServiceOrderView
) -> Sequence[product_rows.Line]:
    """Which items of the service order are whose parts: they stand one after another."""
    lines: list[product_rows.Line] = []
    place = 0
    pairs = zip(judged.request.items, judged.designs, strict=True)
    for number, (item, design) in enumerate(pairs, start=1):
        named = [(part.part, place + n) for n, part in enumerate(design.parts, start=1)]
        place += len(named)
        product = item.product_id or f"{order.replace('po', 'p', 1)}-{number}"
        lines.append(product_rows.Line(item, design, product, tuple(named)))
    if place != len(service.items):
        raise errors.AgentError(f"{place} parts became {len(service.items)} service order items")
    return lines


def _put_product(
    connection: sa.Connection,
    p: parts.Parts,
    judged: Judged,
    order: str,
    line: product_rows.Line,
    service: views.ServiceOrderView,
    at: datetime,
) -> None:
    """A new product, and the services that realize its parts; one that stands keeps its content."""
    adding = line.asked.asked.action is views.ItemAction.ADD
    if adding:
        p.ledger.put_product(connection, _row(judged, order, line), at)
    for part, position in line.parts:
        item = service.items[position - 1]
        if item.action is views.ItemAction.ADD:
            p.ledger.link_service(
                connection, product=line.product, part=part, service=item.service_id, at=at
            )
    if adding:
        view = p.ledger.products(connection, judged.request.tenant, (line.product,))
        kind = events.EventKind.PRODUCT_CREATE
        product_moves.tell_product(connection, p.events, kind, view[line.product], order, at)


def _row(judged: Judged, order: str, line: product_rows.Line) -> products.ProductRow:
    offering = line.design.offering
    return products.ProductRow(
        id=line.product,
        tenant=judged.request.tenant,
        name=line.design.name,
        offering=views.SpecificationRef(offering.id, offering.version, offering.name),
        characteristics=line.design.ordered,
        customer=judged.request.requester,
        order=order,
        order_item=line.asked.asked.id,
    )


def _invalid(reason: str, field: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=field, code="invalidValue")
