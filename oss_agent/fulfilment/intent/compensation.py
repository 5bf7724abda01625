"""Decides how a completed item is undone: which item of an order of ours reverses it, or why none can.

=======  ===========================================  ========================================
was      is undone by                                 cannot be undone
=======  ===========================================  ========================================
add      a delete of the service                      once another order changed the service
modify   a modify back to what was ordered before     once another order changed the service, or
         it, with the pool values of then,            somebody else has a pool value that this one
         suspended or resumed as it was               exchanged for another
delete   an add of what was there: a new service,     when it was part of a product, which is not put
         with an id of its own                        together again by parts; when it was suspended
=======  ===========================================  ========================================

What changed or ended a product is not undone by its parts either.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import amendment, claims
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
    return _back(connection, p, tenant, done, service, built)


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


def _back(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    done: orders.ItemRequest,
    service: views.ServiceView,
    built: tuple[Built, ...],
) -> Undo:
    if len(built) < 2:  # noqa: PLR2004  the modify itself, and what it changed
        raise _impossible(f"item {done.id}: what {done.about} {service.id} was before is not known")
    now, before = built[0].design, built[1].design
    changes = difference(now.ordered, before.ordered)
    state = views.ServiceState.INACTIVE if before.suspended else views.ServiceState.ACTIVE
    item = _item(
        done,
        views.ItemAction.MODIFY,
        service,
        version=before.specification.version,
        characteristics=changes,
    )
    had = {name: value for name, value in before.pools.items() if now.pools.get(name) != value}
    item, lost = _with_values(connection, p, tenant, item, service, now, had)
    said = [*_wishes(changes, had), *_values(item.claims, had, lost)]
    words = ", ".join(said)
    if now.suspended is not before.suspended:
        item, words = dataclasses.replace(item, service_state=state), f"{words} {state}".lstrip()
    return Undo(
        item, f"item {done.id}: {done.about} {service.id} gets back {words or 'what it was'}"
    )


def _with_values(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    service: views.ServiceView,
    now: catalogue.Design,
    had: Mapping[str, str],
) -> tuple[orders.ItemRequest, Mapping[str, str]]:
    """The item with the values of pools that it ``had``, and why it has not the others.

    OrderRejected when it would have to keep what the modify exchanged one for.
    """
    item = dataclasses.replace(item, claims=dict(had))
    whole = amendment.merged(item, service, now.ordered)
    lost: dict[str, str] = {}
    for need in p.catalogue.needs(whole) if had else ():
        if need.name not in had:
            continue
        try:
            claims.likely(connection, p, tenant, whole, need, ())
        except errors.Conflict as taken:
            if need.name in now.pools:
                raise _impossible(
                    f"item {item.id}: {item.about} {service.id} had {need.name} {had[need.name]}: "
                    f"{taken.reason}"
                ) from taken
            lost[need.name] = taken.reason
    kept = {name: value for name, value in had.items() if name not in lost}
    return dataclasses.replace(item, claims=kept), lost


def _wishes(changes: Mapping[str, Any], had: Mapping[str, str]) -> Iterator[str]:
    """The changes in words; of a wish that is taken back the value that comes says it all."""
    for name, value in sorted(changes.items()):
        if value is not None or name not in had:
            yield f"{name} {_said(value)}"


def _values(
    kept: Mapping[str, str], had: Mapping[str, str], lost: Mapping[str, str]
) -> Iterator[str]:
    """What becomes of the values that it had, in words."""
    for name in sorted(had):
        yield f"{name} {kept[name]}" if name in kept else f"another {name} ({lost[name]})"


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
