"""Decides how a completed item is undone: which item of an order of ours reverses it, or why none can.

=======  ===========================================  ========================================
was      is undone by                                 cannot be undone
=======  ===========================================  ========================================
add      a delete of the service                      once another order changed the service
modify   a modify back to what was ordered before     once another order changed the service
         it, suspended or resumed as it was
delete   an add of what was there: a new service,     when it was part of a product, which is not put
         with an id of its own                        together again by parts; when it was suspended
=======  ===========================================  ========================================

What changed or ended a product is not undone by its parts either.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import codec, product_rows, tables
from oss_agent.spi import catalogue, orders, views

_BUILDS = (views.ItemAction.ADD, views.ItemAction.MODIFY)


@dataclass(frozen=True, slots=True)
class Built:
    """One completed add or modify of a service: which order did it, and to what."""

    order: str
    position: int
    design: catalogue.Design


@dataclass(frozen=True, slots=True)
class Undo:
    """What reverses an item, and that in words; ``item`` None: there is nothing left to undo."""

    item: orders.ItemRequest | None
    words: str


def undo(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    done: orders.ItemRequest,
    place: tuple[str, int],
) -> Undo:
    """The reverse of a completed item; ``place`` is its order and position.

    OrderRejected (409) says why there is none.
    """
    _refuse_part(connection, done, place)
    service = p.ledger.snapshot(connection, tenant).services.get(done.service_id or "")
    if service is None:
        return Undo(None, f"item {done.id}: nothing is left of it")
    built = _history(connection, tenant, service.id)
    if done.action is views.ItemAction.DELETE:
        return _rebuild(connection, p, done, service, built)
    if service.state is views.ServiceState.TERMINATED:
        return Undo(None, f"item {done.id}: {done.about} {service.id} is terminated already")
    _refuse_changed_since(done, service, built, place)
    if done.action is views.ItemAction.ADD:
        words = f"item {done.id}: {done.about} {service.id} ({service.name}) is deleted"
        return Undo(_item(done, views.ItemAction.DELETE, service), words)
    return _back(done, service, built)


def _refuse_part(
    connection: sa.Connection, done: orders.ItemRequest, place: tuple[str, int]
) -> None:
    """A product that was changed or ended is changed back as a whole, by who knows what it is."""
    part = product_rows.item_at(connection, *place)
    if part is not None and part.action != views.ItemAction.ADD:
        raise _impossible(
            f"item {done.id}: it is part of the {part.action} of product {part.product_id} by "
            f"product order {part.product_order_id}: order that product as it was"
        )


def _refuse_changed_since(
    done: orders.ItemRequest,
    service: views.ServiceView,
    built: tuple[Built, ...],
    place: tuple[str, int],
) -> None:
    if not built or (built[0].order, built[0].position) != place:
        by = f"order {built[0].order}" if built else "another order"
        raise _impossible(f"item {done.id}: {done.about} {service.id} was changed since by {by}")


def _back(done: orders.ItemRequest, service: views.ServiceView, built: tuple[Built, ...]) -> Undo:
    if len(built) < 2:  # noqa: PLR2004  the modify itself, and what it changed
        raise _impossible(f"item {done.id}: what {done.about} {service.id} was before is not known")
    now, before = built[0].design, built[1].design
    changes = difference(now.ordered, before.ordered)
    words = ", ".join(f"{name} {_said(value)}" for name, value in sorted(changes.items()))
    state = views.ServiceState.INACTIVE if before.suspended else views.ServiceState.ACTIVE
    item = _item(
        done,
        views.ItemAction.MODIFY,
        service,
        version=before.specification.version,
        characteristics=changes,
    )
    if now.suspended is not before.suspended:
        item, words = dataclasses.replace(item, service_state=state), f"{words} {state}".lstrip()
    return Undo(
        item, f"item {done.id}: {done.about} {service.id} gets back {words or 'what it was'}"
    )


def difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The characteristics of a modify that makes ``before`` of ``now``; None takes one back. Pure."""
    back = {name: value for name, value in before.items() if now.get(name) != value}
    return back | {name: None for name in now if name not in before}


def _said(value: Any) -> str:
    return "taken back" if value is None else ascii(value)[:60]


def _rebuild(
    connection: sa.Connection,
    p: parts.Parts,
    done: orders.ItemRequest,
    service: views.ServiceView,
    built: tuple[Built, ...],
) -> Undo:
    product = p.ledger.product_of(connection, service.id)
    if product is not None:
        raise _impossible(
            f"item {done.id}: the deleted service {service.id} was part of product {product.id}: "
            "order the product again"
        )
    if not built:
        raise _impossible(f"item {done.id}: what {done.about} {service.id} was is not known")
    before = built[0].design
    if before.suspended:
        raise _impossible(
            f"item {done.id}: the deleted {done.about} {service.id} was suspended: a new one would work"
        )
    item = orders.ItemRequest(
        id=done.id,
        action=views.ItemAction.ADD,
        specification=before.specification.id,
        specification_version=before.specification.version,
        service_id=None,
        service_name=service.name,
        characteristics=dict(before.ordered),
        path="",
        resource=done.resource,
    )
    return Undo(item, f"item {done.id}: {done.about} {service.name} is added again, with a new id")


def _item(
    done: orders.ItemRequest,
    action: views.ItemAction,
    service: views.ServiceView,
    *,
    version: str | None = None,
    characteristics: Mapping[str, Any] | None = None,
) -> orders.ItemRequest:
    return orders.ItemRequest(
        id=done.id,
        action=action,
        specification=service.specification.id,
        specification_version=version or service.specification.version,
        service_id=service.id,
        service_name=service.name,
        characteristics=dict(characteristics or {}),
        path="",
        resource=done.resource,
    )


def _history(connection: sa.Connection, tenant: str, service: str) -> tuple[Built, ...]:
    """What built a service, newest first."""
    item, of = tables.item, tables.transaction
    asked = (
        sa.select(of.c.order_id, of.c.position, of.c.design, item.c.characteristics)
        .join(item, sa.and_(item.c.order_id == of.c.order_id, item.c.position == of.c.position))
        .where(
            item.c.service_id == service,
            item.c.tenant == tenant,
            item.c.action.in_(_BUILDS),
            item.c.state == views.OrderState.COMPLETED,
            of.c.design.is_not(None),
        )
        .order_by(of.c.closed_at.desc(), of.c.accepted.desc())
    )
    return tuple(
        Built(row.order_id, row.position, codec.design_from_json(row.design))
        for row in connection.execute(asked)
    )


def _impossible(why: str) -> errors.OrderRejected:
    return errors.OrderRejected(why, status=409, code="cannotUndo")
