"""Decides whether an order is taken: what can be judged without state, and whether it is known.

The same key or external id with the same body is the same order again; with another body it is a
conflict. Both are looked up in the unit that stores, and the database's unique constraints stand
behind that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import limits, parts
from oss_agent.fulfilment.intent import amendment, design
from oss_agent.fulfilment.ordering import nesting
from oss_agent.fulfilment.record import (
    announce,
    by_hand,
    dependencies,
    journal,
    monitors,
    order_moves,
    order_rows,
    order_views,
    tables,
)
from oss_agent.fulfilment.turn import promises, sequence
from oss_agent.spi import catalogue, events, orders, views

_NAMING = (views.ItemAction.MODIFY, views.ItemAction.NO_CHANGE)
"""Actions that mean nothing without the service they name."""
_STATES = (None, views.ServiceState.ACTIVE, views.ServiceState.INACTIVE)


_ORDER = tables.order.c
_SENDER = sa.select(_ORDER.id, _ORDER.body_digest).where(
    _ORDER.tenant == sa.bindparam("at_tenant"), _ORDER.requester == sa.bindparam("at_requester")
)
_BY_KEY = _SENDER.where(_ORDER.idempotency_key == sa.bindparam("value"))
_BY_EXTERNAL_ID = _SENDER.where(_ORDER.external_id == sa.bindparam("value"))
"""Made once: every order asks them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known of the services that an order names: how they are, and what was ordered."""

    services: Mapping[str, views.ServiceView]
    ordered: Mapping[str, Mapping[str, Any]]


def check(request: orders.OrderRequest, bounds: limits.Limits) -> None:
    """Judge the form of an order. OrderRejected names the field."""
    if not 1 <= len(request.items) <= bounds.items:
        raise errors.OrderRejected(
            f"an order has 1 to {bounds.items} items, this one has {len(request.items)}",
            field=request.array,
            code="invalidValue",
        )
    if request.approved and len(request.approved) != len(request.items):
        raise errors.OrderRejected(
            f"it names {len(request.approved)} plans for {len(request.items)} items: one hash an "
            "item, in their order, or none",
            field="Plan-Hash",
            code="invalidValue",
        )
    for item in request.items:
        _check_item(item)
    _check_adoption(request)
    _refuse_twice(request.items, "id", [item.id for item in request.items])
    about = request.items[0].about
    _refuse_twice(request.items, f"{about}.id", [item.service_id for item in request.items])
    nesting.check(request.items, bounds.depth)
    sequence.check(nesting.in_turn(request), bounds.relations)


def specified(request: orders.OrderRequest, known: Known) -> orders.OrderRequest:
    """Fill in what items need not say of the service they name: specification and name. Pure.

    OrderRejected when an item says nothing of its service and the service is not known.
    """
    return dataclasses.replace(
        request, items=tuple(_specified(item, known) for item in request.items)
    )


def _specified(item: orders.ItemRequest, known: Known) -> orders.ItemRequest:
    service = known.services.get(item.service_id or "")
    if service is None:
        _refuse_unknown(item)
        return item
    of = service.specification
    ours = item.specification in {"", of.id}
    return dataclasses.replace(
        item,
        specification=item.specification or of.id,
        specification_version=item.specification_version or (of.version if ours else None),
        service_name=item.service_name or service.name,
    )


def _refuse_unknown(item: orders.ItemRequest) -> None:
    needed = item.action in _NAMING or not item.specification
    if item.service_id and needed:
        raise _not_there(item)


def _not_there(item: orders.ItemRequest) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"there is no {item.about} {ascii(item.service_id)[:60]}",
        field=item.field("id"),
        code=f"unknown{item.about.capitalize()}",
    )


def specifications(
    request: orders.OrderRequest, known: Known, of: catalogue.Catalogue, *, kept: bool = False
) -> tuple[views.SpecificationRef, ...]:
    """Judge the content of each item, of a modify what it comes to in all; their specifications.

    ``kept`` as in ``Catalogue.check``.
    """
    return tuple(_specification(item, known, of, kept=kept) for item in request.items)


def _specification(
    item: orders.ItemRequest, known: Known, of: catalogue.Catalogue, *, kept: bool
) -> views.SpecificationRef:
    if item.action is not views.ItemAction.NO_CHANGE or item.service_id is None:
        return of.check(_whole(item, known), kept=kept)
    service = known.services[item.service_id]
    if service.state is views.ServiceState.TERMINATED:
        raise _not_there(item)
    if item.specification != service.specification.id:
        raise errors.OrderRejected(
            f"{item.about} {service.id} is a {service.specification.id}",
            field=f"{item.field('specification')}.id",
            code="invalidValue",
        )
    return service.specification


def _whole(item: orders.ItemRequest, known: Known) -> orders.ItemRequest:
    if item.action is not views.ItemAction.MODIFY or item.service_id is None:
        return item
    service = known.services[item.service_id]
    whole = amendment.merged(item, service, known.ordered[item.service_id])
    if whole.specification_version == service.specification.version:
        return whole
    # A move to another version is judged as a new service: a retired one takes no more of them.
    return dataclasses.replace(whole, action=views.ItemAction.ADD)


def look_up(connection: sa.Connection, p: parts.Parts, request: orders.OrderRequest) -> Known:
    """What is known of the services that it names; of the resources, where it is of these."""
    tenant, named = request.tenant, {item.service_id for item in request.items if item.service_id}
    alike = [name for name in named if orders.by_itself(name) is request.resources]
    found = {name: p.ledger.service(connection, tenant, name) for name in alike}
    known = {name: view for name, view in found.items() if view is not None}
    return Known(known, {name: design.ordered(connection, tenant, name) for name in known})


def judged(
    connection: sa.Connection, p: parts.Parts, request: orders.OrderRequest, *, kept: bool = False
) -> tuple[orders.OrderRequest, tuple[views.SpecificationRef, ...]]:
    """The same as for a sender's order, for one of our own, inside the unit that stores it.

    ``kept`` as in ``Catalogue.check``.
    """
    check(request, p.limits)
    known_services = look_up(connection, p, request)
    request = specified(request, known_services)
    return request, specifications(request, known_services, p.catalogue, kept=kept)


def _refuse_twice(
    items: Sequence[orders.ItemRequest], field: str, named: Sequence[str | None]
) -> None:
    for number, (item, name) in enumerate(zip(items, named, strict=True)):
        if name is not None and name in named[:number]:
            raise errors.OrderRejected(
                f"two items have the {field} {ascii(name)[:60]}: send them as orders of their own",
                field=f"{item.path}.{field}",
                code="invalidValue",
            )


def _check_state(item: orders.ItemRequest) -> None:
    field = item.field("state")
    if item.service_state is not None and item.action is not views.ItemAction.MODIFY:
        raise errors.OrderRejected(
            f"only a modify suspends or resumes a service, not an item of action {item.action}",
            field=field,
            code="invalidValue",
        )
    if item.service_state not in _STATES:
        raise errors.OrderRejected(
            f"a modify suspends (inactive) or resumes (active): not {item.service_state}",
            field=field,
            code="invalidValue",
        )


def _check_adoption(request: orders.OrderRequest) -> None:
    """An adoption is one new service by itself: to undo it would be to take it off the network."""
    adds = [item.action is views.ItemAction.ADD and not item.resource for item in request.items]
    if request.by_hand == catalogue.OutOfBand.AS_IS and adds != [True]:
        raise errors.OrderRejected(
            "what is there as it is becomes a service by an order of one item that adds one",
            field=request.array,
            code="invalidValue",
        )


def _check_item(item: orders.ItemRequest) -> None:
    _check_state(item)
    adding = item.action is views.ItemAction.ADD
    if adding is (item.service_id is not None):
        gets = f"an added {item.about} gets its id from us"
        why = gets if adding else f"say what to {item.action}"
        raise errors.OrderRejected(why, field=item.field("id"), code="invalidValue")


def known(connection: sa.Connection, request: orders.OrderRequest) -> views.ServiceOrderView | None:
    """The order that this request made before, or None. IdempotencyConflict for another body."""
    sender = {"at_tenant": request.tenant, "at_requester": request.requester}
    keys = (
        (_BY_KEY, request.idempotency_key, "Idempotency-Key", 422),
        (_BY_EXTERNAL_ID, request.external_id, "externalId", 409),
    )
    for asked, value, field, status in keys:
        if value is None:
            continue
        row = connection.execute(asked, sender | {"value": value}).one_or_none()
        if row is None:
            continue
        if row.body_digest != request.body_digest:
            raise errors.IdempotencyConflict(
                f"{field} {ascii(value)[:60]} was used for order {row.id} with another body: "
                "send the same body, or choose another value",
                field=field,
                status=status,
                code="idempotencyConflict",
            )
        return order_views.view(connection, row.id)
    return None


def accept(
    connection: sa.Connection,
    p: parts.Parts,
    request: orders.OrderRequest,
    found: tuple[views.SpecificationRef, ...],
) -> orders.Submitted:
    """Order, items, transactions, history and event in one unit; or the order it already is."""
    before = known(connection, request)
    if before is not None:
        return orders.Submitted(before, created=False)
    _refuse_lost(p, request, found)
    at = p.clock.now()
    if request.by_hand == catalogue.OutOfBand.AS_IS:
        request = dataclasses.replace(request, surface=orders.ADOPTION)
    columns = _promised(connection, p, request, found, at)
    numbers = order_rows.numbers(connection, len(request.items))
    written = order_rows.insert(connection, request, numbers, found, at, columns)
    order = numbers.key(request)
    _begin(connection, request, numbers, at)
    dependencies.insert(connection, order, request)
    works = any(item.action is not views.ItemAction.NO_CHANGE for item in request.items)
    if works:
        _choose(connection, request, order, at)
    order_rows.note(
        connection,
        order=order,
        tenant=request.tenant,
        at=at,
        text=f"accepted from {request.requester!a}",
    )
    view = order_views.of_new(written.order, written.items)
    announce.order(connection, p.events, events.EventKind.SERVICE_ORDER_CREATE, view, at)
    monitors.begin(connection, p.events, view, request.surface, at)
    if not works:
        view = _done(connection, p, order, view, at)
    return orders.Submitted(view, created=True)


def _promised(
    connection: sa.Connection,
    p: parts.Parts,
    request: orders.OrderRequest,
    found: tuple[views.SpecificationRef, ...],
    at: datetime,
) -> Mapping[str, Any]:
    """The order's columns of what was promised, or of why nothing was."""
    promised = promises.made(connection, p, request, found, at)
    if isinstance(promised, promises.Withheld):
        return {"unpromised": promised}
    return promised.columns()


def _choose(
    connection: sa.Connection, request: orders.OrderRequest, order: str, at: datetime
) -> None:
    """Keep what the sender said about edits by hand."""
    if request.by_hand is not None:
        by_hand.choose(
            connection,
            tenant=request.tenant,
            order=order,
            policy=catalogue.OutOfBand(request.by_hand),
            by=request.requester,
            at=at,
        )


def _refuse_lost(
    p: parts.Parts, request: orders.OrderRequest, found: Sequence[views.SpecificationRef]
) -> None:
    """The catalogue may have been read again since the order was judged; no reload comes between now."""
    for item, of in zip(request.items, found, strict=True):
        if not p.catalogue.has(of, resource=item.resource):
            raise left_catalogue(f"{item.about} specification {of.id} {of.version}", item.path)


def left_catalogue(what: str, field: str) -> errors.OrderRejected:
    """The refusal of what was offered a moment ago."""
    return errors.OrderRejected(
        f"{what} left the catalogue while this order was judged: send it again, it is judged by "
        "what is offered now",
        field=field,
        status=409,
        code="conflict",
    )


def _begin(
    connection: sa.Connection,
    request: orders.OrderRequest,
    numbers: order_rows.Numbers,
    at: datetime,
) -> None:
    """A transaction for each item; that of mere context is closed from the start."""
    begun = [
        journal.Begun(
            position=place + 1,
            accepted=numbers.transaction + place,
            approved=request.approved[place] if request.approved else None,
            closed=item.action is views.ItemAction.NO_CHANGE,
        )
        for place, item in enumerate(request.items)
    ]
    journal.begin(connection, numbers.key(request), request.tenant, begun, at)


def _done(
    connection: sa.Connection,
    p: parts.Parts,
    order: str,
    accepted: views.ServiceOrderView,
    at: datetime,
) -> views.ServiceOrderView:
    """An order of context alone is completed as it is accepted."""
    order_moves.move(connection, p.events, order, views.OrderState.COMPLETED, at)
    return order_views.view(connection, order) or accepted
