"""From an item to its design, with what it needs reserved: one unit, all of it or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import amendment, claims, service_rows
from oss_agent.fulfilment.record import by_hand, codec, order_rows, states, tables
from oss_agent.spi import catalogue, orders, proof, views

_LIVING = (views.ServiceState.ACTIVE, views.ServiceState.INACTIVE)
_ITEM, _OF = tables.item.c, tables.transaction.c
_LAST_BUILT = (
    sa.select(_OF.design, _ITEM.characteristics)
    .join(
        tables.item,
        sa.and_(_ITEM.order_id == _OF.order_id, _ITEM.position == _OF.position),
    )
    .where(
        _ITEM.service_id == sa.bindparam("at_service"),
        _ITEM.tenant == sa.bindparam("at_tenant"),
        _ITEM.action.in_((views.ItemAction.ADD, views.ItemAction.MODIFY)),
        _ITEM.state == views.OrderState.COMPLETED,
    )
    .order_by(_OF.closed_at.desc(), _OF.accepted.desc())
    .limit(1)
)
_EVERY_BUILT = (
    sa.select(
        _ITEM.tenant,
        _ITEM.service_id,
        _OF.design,
        _ITEM.characteristics,
        sa.func.row_number()
        .over(
            partition_by=(_ITEM.tenant, _ITEM.service_id),
            order_by=(_OF.closed_at.desc(), _OF.accepted.desc()),
        )
        .label("from_last"),
    )
    .join(
        tables.item,
        sa.and_(_ITEM.order_id == _OF.order_id, _ITEM.position == _OF.position),
    )
    .where(
        _ITEM.service_id.in_(sa.bindparam("at_services", expanding=True)),
        _ITEM.action.in_((views.ItemAction.ADD, views.ItemAction.MODIFY)),
        _ITEM.state == views.OrderState.COMPLETED,
    )
    .subquery()
)
_LAST_BUILT_OF = sa.select(_EVERY_BUILT).where(_EVERY_BUILT.c.from_last == 1)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Made:
    """An item's design. ``devices`` are all it may change: also those that the service leaves.

    ``ends`` are what becomes of the service there: device, resource-facing service, action; of
    one that is suspended and stays so there are none.
    """

    item: orders.ItemRequest
    design: catalogue.Design
    devices: tuple[str, ...]
    ends: tuple[tuple[str, str, views.ItemAction], ...]

    @property
    def begins(self) -> bool:
        """Does it bring something to a device? Then what it promises has to be proven."""
        return any(action is views.ItemAction.ADD for _, _, action in self.ends)

    @property
    def bare(self) -> bool:
        """Is nothing of the service on any device once it is done?"""
        return self.item.action is views.ItemAction.DELETE or self.design.suspended

    @property
    def service(self) -> str:
        """Whose design it is; "" for one that a dry-run only imagines."""
        return self.item.service_id or ""


def reserve(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> Made:
    """The item's design; what it needs beyond what its service has is reserved now.

    Again for the same item: the same values. What a person chose about edits by hand is in it.
    OrderRejected or Conflict when the state of the network does not allow it; the unit then leaves
    nothing behind.
    """
    chosen = by_hand.chosen(connection, transaction.id)
    made = _reserve(connection, p, transaction, at, adopts=_adopts(chosen))
    return dataclasses.replace(made, design=dataclasses.replace(made.design, by_hand=chosen))


def _adopts(chosen: catalogue.OutOfBand | None) -> bool:
    return chosen is catalogue.OutOfBand.AS_IS


def _reserve(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    at: datetime,
    *,
    adopts: bool,
) -> Made:
    """The same as its specification has it."""
    item = order_rows.request_of(connection, transaction.order, transaction.position)
    tenant, service = transaction.tenant, item.service_id or ""
    built = _built(connection, p, tenant, item)
    going = amendment.going(item, built)
    if going is not None:
        _keep_only(connection, p, transaction, service, going, at)
        return _made(connection, p, item, going, built)
    item = _whole(connection, p, tenant, item, built)
    has = built.pools if built is not None else {}
    pools = claims.claim(connection, p, transaction, item, has, at)
    design = _decompose(connection, p, tenant, item, pools, built, adopts=adopts)
    if built is None:
        service_rows.plan(connection, p, transaction, service, design, at)
    _take_ports(connection, p, transaction, service, design, built, at)
    return _made(connection, p, item, design, built)


def _take_ports(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    design: catalogue.Design,
    built: catalogue.Design | None,
    at: datetime,
) -> None:
    """The ports of the design; those that an earlier one of this order took are free."""
    wanted, order = ports(design), transaction.order
    keep = (*wanted, *(ports(built) if built is not None else ()))
    p.ledger.free_ports(connection, service=service, order=order, keep=keep, at=at)
    p.ledger.take_ports(connection, service=service, order=order, ports=wanted, at=at)


def _keep_only(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    built: catalogue.Design,
    at: datetime,
) -> None:
    """What this order took when it still asked for something else is free again."""
    claims.give_back_of(connection, p, transaction, at)
    keep = ports(built)
    p.ledger.free_ports(connection, service=service, order=transaction.order, keep=keep, at=at)


def imagine(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    by_hand: catalogue.OutOfBand | None = None,
) -> Made:
    """The same for a dry-run: nothing is claimed, pool values are those a claim would get now."""
    made = _imagine(connection, p, tenant, item, adopts=_adopts(by_hand))
    return dataclasses.replace(made, design=dataclasses.replace(made.design, by_hand=by_hand))


def _imagine(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    *,
    adopts: bool,
) -> Made:
    """The same as its specification has it."""
    built = _built(connection, p, tenant, item)
    going = amendment.going(item, built)
    if going is not None:
        return _made(connection, p, item, going, built)
    item = _whole(connection, p, tenant, item, built)
    has = built.pools if built is not None else {}
    pools: dict[str, str] = {}
    for need in p.catalogue.needs(item):
        if claims.keeps(need, has):
            pools[need.name] = has[need.name]
        else:
            pools[need.name] = claims.likely(connection, p, tenant, item, need, pools.values())
    design = _decompose(connection, p, tenant, item, pools, built, adopts=adopts)
    return _made(connection, p, item, design, built)


def _built(
    connection: sa.Connection, p: parts.Parts, tenant: str, item: orders.ItemRequest
) -> catalogue.Design | None:
    """The design by which the item's service stands; None of an add."""
    if item.action is views.ItemAction.ADD:
        return None
    return standing(connection, p, tenant, item)


def standing(
    connection: sa.Connection, p: parts.Parts, tenant: str, item: orders.ItemRequest
) -> catalogue.Design:
    """The design by which a living service stands: that of its last completed add or modify.

    OrderRejected when there is no such service, or it is neither active nor suspended.
    """
    service = p.ledger.service(connection, tenant, item.service_id or "")
    field = item.field("id")
    if service is None or service.category != item.category:
        raise errors.OrderRejected(
            f"there is no {item.about} {item.service_id}",
            field=field,
            status=422,
            code=f"unknown{item.about.capitalize()}",
        )
    if service.state not in _LIVING:
        raise errors.OrderRejected(
            f"{item.about} {service.id} is {service.state}: only an active or a suspended one can be "
            "modified or terminated",
            field=field,
            status=422,
            code="notActive",
        )
    built = last_built(connection, tenant, service.id)
    if built is None:
        raise errors.OrderRejected(
            f"{item.about} {service.id} was not built by an order of ours",
            status=422,
            code="notOurs",
        )
    return built


def last_built(connection: sa.Connection, tenant: str, service: str) -> catalogue.Design | None:
    """The design of a service's last completed add or modify, with what was ordered; or None."""
    mine = {"at_service": service, "at_tenant": tenant}
    row = connection.execute(_LAST_BUILT, mine).one_or_none()
    return None if row is None else _as_built(row.design, row.characteristics)


def last_built_of(
    connection: sa.Connection, services: Collection[str]
) -> Mapping[tuple[str, str], catalogue.Design]:
    """The same of several services, by tenant and service; without those that have none."""
    rows = connection.execute(_LAST_BUILT_OF, {"at_services": sorted(services)})
    found = {
        (row.tenant, row.service_id): _as_built(row.design, row.characteristics) for row in rows
    }
    return {key: design for key, design in found.items() if design is not None}


def _as_built(form: Any, characteristics: Any) -> catalogue.Design | None:
    if form is None:
        return None
    design = codec.design_from_json(form)
    # Designs from before there was modify do not say what was ordered; their item still does.
    said = design.ordered or characteristics
    return dataclasses.replace(design, ordered=said, by_hand=None)


def ordered(connection: sa.Connection, tenant: str, service: str) -> Mapping[str, Any]:
    """What was ordered of a service, as a modify lays its changes over it."""
    built = last_built(connection, tenant, service)
    if built is not None:
        return built.ordered
    item = tables.item
    adding = sa.select(item.c.characteristics).where(
        item.c.service_id == service,
        item.c.tenant == tenant,
        item.c.action == views.ItemAction.ADD,
    )
    row = connection.execute(adding).one_or_none()
    return row.characteristics if row is not None else {}


def ports(design: catalogue.Design) -> tuple[tuple[str, str], ...]:
    """Every (device, port) the design takes exclusively."""
    return tuple((one.device, port) for one in design.resources for port in one.ports)


def _whole(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    built: catalogue.Design | None,
) -> orders.ItemRequest:
    """What a modify asks for, judged again: an order before it may have changed the service."""
    if built is None:
        return item
    service = p.ledger.service(connection, tenant, item.service_id or "")
    if service is None:
        raise errors.AgentError(f"service {item.service_id} was there a moment ago")
    whole = amendment.merged(item, service, built.ordered)
    p.catalogue.check(whole)
    return whole


def _decompose(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    pools: Mapping[str, str],
    built: catalogue.Design | None,
    *,
    adopts: bool,
) -> catalogue.Design:
    devices, name = p.catalogue.devices(item), item.service_name or ""
    snapshot = p.ledger.around(connection, tenant, devices=devices, name=name, adopting=adopts)
    design = p.catalogue.decompose(item, snapshot, pools)
    suspended = amendment.suspended(item, built)
    return dataclasses.replace(design, ordered=dict(item.characteristics), suspended=suspended)


def _made(
    connection: sa.Connection,
    p: parts.Parts,
    item: orders.ItemRequest,
    design: catalogue.Design,
    built: catalogue.Design | None,
) -> Made:
    leaves = item.action is views.ItemAction.DELETE
    before = _configured(built)
    after = {} if leaves else _configured(design)
    left = sorted(before.keys() - after.keys())
    # What proves that it works would prove that it still does: there only its absence counts.
    works = design.predicates if after else ()
    has = p.ledger.configured(connection, item.service_id) if item.service_id else {}
    named = {one.device for one in (*design.resources, *(built.resources if built else ()))}
    _refuse_read_only(connection, p, {*named, *(name for name, _ in has)})
    return Made(
        item=item,
        design=dataclasses.replace(design, predicates=(*works, *_gone(left))),
        devices=tuple(sorted({*named, *(name for name, _ in has)})),
        ends=tuple(
            (name, rfs, _action(name in before, name in after))
            for name, rfs in sorted({**before, **after}.items())
        ),
    )


def _refuse_read_only(connection: sa.Connection, p: parts.Parts, devices: Collection[str]) -> None:
    """Before anything is sent anywhere: what a driver was not proven on it does not write to."""
    for device, doubt in sorted(p.ledger.read_only(connection, devices).items()):
        raise errors.OrderRejected(
            f"device {device} is read-only: {doubt}; run the driver's laws on it (oss-agent device "
            f"prove {device}), or bring back the version before",
            status=422,
            code="deviceReadOnly",
        )


def _configured(design: catalogue.Design | None) -> Mapping[str, str]:
    """The devices that hold something of the service by this design, each with its RFS."""
    if design is None or design.suspended:
        return {}
    return {one.device: one.rfs for one in design.resources}


def _action(before: bool, after: bool) -> views.ItemAction:  # noqa: FBT001  (a table of two facts)
    """What becomes of the service at one end: it comes, goes, or is changed."""
    if before and after:
        return views.ItemAction.MODIFY
    return views.ItemAction.ADD if after else views.ItemAction.DELETE


def _gone(left: Sequence[str]) -> tuple[proof.Predicate, ...]:
    """On a device that the service leaves, its absence is what is proven."""
    return tuple(proof.Predicate(proof.CONFIG_EQUAL, name) for name in left)
