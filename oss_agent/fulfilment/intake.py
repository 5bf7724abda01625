"""Decides whether an order is taken: what can be judged without state, and whether it is known.

The same key or external id with the same body is the same order again; with another body it is a
conflict. Both are looked up in the unit that stores, and the database's unique constraints stand
behind that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import (
    announce,
    journal,
    limits,
    order_rows,
    order_views,
    parts,
    states,
    tables,
)
from oss_agent.spi import catalogue, clock, events, orders, views

_WRITES = (views.ItemAction.ADD, views.ItemAction.DELETE)


def check(
    request: orders.OrderRequest, specifications: catalogue.Catalogue, bounds: limits.Limits
) -> tuple[views.SpecificationRef, ...]:
    """Judge what needs no state; the specification of each item. OrderRejected names the field."""
    if not 1 <= len(request.items) <= bounds.items:
        raise errors.OrderRejected(
            f"an order has 1 to {bounds.items} items, this one has {len(request.items)}",
            field="serviceOrderItem",
            code="invalidValue",
        )
    if request.approved and len(request.approved) != len(request.items):
        raise errors.OrderRejected(
            f"it names {len(request.approved)} plans for {len(request.items)} items: one hash an "
            "item, in their order, or none",
            field="Plan-Hash",
            code="invalidValue",
        )
    seen: set[str] = set()
    for item in request.items:
        if item.id in seen:
            raise errors.OrderRejected(
                f"two items have the id {ascii(item.id)[:60]}",
                field=f"{item.path}.id",
                code="invalidValue",
            )
        seen.add(item.id)
        _check_item(item)
    return tuple(specifications.check(item) for item in request.items)


def specified(
    request: orders.OrderRequest, known: Mapping[str, views.ServiceView]
) -> orders.OrderRequest:
    """Fill in the specification of items that name a known service and no specification. Pure."""
    return dataclasses.replace(
        request, items=tuple(_specified(item, known) for item in request.items)
    )


def _specified(
    item: orders.ItemRequest, known: Mapping[str, views.ServiceView]
) -> orders.ItemRequest:
    if item.specification or not item.service_id:
        return item
    service = known.get(item.service_id)
    if service is None:
        raise errors.OrderRejected(
            f"there is no service {ascii(item.service_id)[:60]}",
            field=f"{item.path}.service.id",
            code="unknownService",
        )
    of = service.specification
    return dataclasses.replace(item, specification=of.id, specification_version=of.version)


def _check_item(item: orders.ItemRequest) -> None:
    if item.action not in _WRITES:
        raise errors.OrderRejected(
            f"action {item.action} is not carried out yet: delete the service and add it anew",
            field=f"{item.path}.action",
            status=501,
            code="notImplemented",
        )
    if item.extra.get("serviceOrderItemRelationship"):
        raise errors.OrderRejected(
            "relations between items are not carried out yet: send dependent items as orders of "
            "their own, one after another",
            field=f"{item.path}.serviceOrderItemRelationship",
            status=501,
            code="notImplemented",
        )
    adding = item.action is views.ItemAction.ADD
    if adding is (item.service_id is not None):
        why = "an added service gets its id from us" if adding else "say which service to delete"
        raise errors.OrderRejected(why, field=f"{item.path}.service.id", code="invalidValue")


def known(connection: sa.Connection, request: orders.OrderRequest) -> views.ServiceOrderView | None:
    """The order that this request made before, or None. IdempotencyConflict for another body."""
    table = tables.order
    sender = [table.c.tenant == request.tenant, table.c.requester == request.requester]
    keys = (
        (table.c.idempotency_key, request.idempotency_key, "Idempotency-Key", 422),
        (table.c.external_id, request.external_id, "externalId", 409),
    )
    for column, value, field, status in keys:
        if value is None:
            continue
        row = connection.execute(table.select().where(*sender, column == value)).one_or_none()
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
    specifications: tuple[views.SpecificationRef, ...],
) -> orders.Submitted:
    """Order, items, transactions, history and event in one unit; or the order it already is."""
    before = known(connection, request)
    if before is not None:
        return orders.Submitted(before, created=False)
    at = p.clock.now()
    order = order_rows.insert(connection, request, specifications, at)
    for position in range(1, len(request.items) + 1):
        journal.begin(
            connection,
            order=order,
            position=position,
            accepted=order_rows.next_number(connection, "transaction"),
            tenant=request.tenant,
            at=at,
            wait=_until_start(request, at),
            approved=request.approved[position - 1] if request.approved else None,
        )
    order_rows.note(
        connection,
        order=order,
        tenant=request.tenant,
        at=at,
        text=f"accepted from {request.requester!a}",
    )
    view = order_views.view(connection, order)
    if view is None:
        raise errors.AgentError(f"order {order} was written and cannot be read back")
    announce.order(connection, p.events, events.EventKind.SERVICE_ORDER_CREATE, view, at)
    return orders.Submitted(view, created=True)


def _until_start(request: orders.OrderRequest, at: datetime) -> states.Wait | None:
    start = request.requested_start
    if start is None or start <= at:
        return None
    reason = f"its requestedStartDate {clock.rfc3339(start)}"
    who = f"wait, or ask {request.requester}"
    return states.Wait(reason, at, start, who, states.WaitKind.START)
