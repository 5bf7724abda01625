"""What an order would do, without claiming anything; only its text is kept, by its hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import adoption, claims, design, plan, surroundings
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import edited, planning
from oss_agent.fulfilment.turn import approvals
from oss_agent.spi import catalogue, device, orders, views
from oss_agent.spi.tree import Tree

_Claims: TypeAlias = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A store's own part now and the rung it offers, or the reason why nobody could look."""

    now: Tree
    rung: device.Rung | None
    trouble: str = ""


async def dry_run(
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    by_hand: catalogue.OutOfBand | None = None,
) -> views.DryRun:
    """One item's plan, against what the devices have now. OrderRejected as the order would be.

    ``by_hand`` is what an operator would choose for the order about edits by hand.
    """
    if item.action is views.ItemAction.NO_CHANGE:
        return _context(item)
    made = await p.journal.read(lambda c: design.imagine(c, p, tenant, item, by_hand))
    drivers = {name: await p.contact.driver(name) for name in made.devices}
    wanted = await planning.intended(p, made, drivers)
    seen = await contact.together([_look(p, one, drivers[one.device]) for one in wanted])
    async with edited.named(p, tenant):
        changes = tuple(
            plan.change(intent, one.now, drivers[intent.device])
            for intent, one in zip(wanted, seen, strict=True)
        )
    beside = await p.journal.read(lambda c: _beside(c, p, tenant, made, changes))
    busy = plan.devices(changes)
    shown = approvals.Plan(plan.digest(changes), plan.natives(changes), len(busy))
    await p.journal.write("shown", lambda c: approvals.keep(c, tenant, shown, p.clock.now()))
    return views.DryRun(
        item=item.id,
        service_name=made.design.name,
        changes=bool(busy),
        devices=tuple(_device(p, *pair) for pair in zip(changes, seen, strict=True)),
        claims=beside.claims,
        ports=tuple(f"{name}:{port}" for name, port in design.ports(made.design)),
        touches=tuple(sorted({one.service for one in beside.neighbours if one.paths})),
        predicates=plan.promise(made.design),
        hash=shown.hash,
        neighbours=beside.neighbours,
        expected_seconds=beside.expected,
        differences=(*adoption.differences(changes), *_unseen(made, changes, seen)),
    )


def _unseen(
    made: design.Made, changes: Sequence[plan.Change], seen: Sequence[_Seen]
) -> tuple[str, ...]:
    """Devices that were not asked: what nobody saw is not adopted."""
    if made.design.policy is not catalogue.OutOfBand.AS_IS:
        return ()
    pairs = zip(changes, seen, strict=True)
    return tuple(
        f"{c.intent.device} was not asked: {one.trouble}" for c, one in pairs if one.trouble
    )


def _context(item: orders.ItemRequest) -> views.DryRun:
    """An item that changes nothing: no device is asked."""
    return views.DryRun(
        item=item.id,
        service_name=item.service_name or "",
        changes=False,
        devices=(),
        claims=(),
        ports=(),
        touches=(),
        predicates=(),
        hash=plan.digest(()),
    )


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a plan says beside its edits."""

    claims: _Claims
    neighbours: tuple[views.NeighbourView, ...]
    expected: float | None


def _beside(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    made: design.Made,
    changes: Sequence[plan.Change],
) -> _Beside:
    return _Beside(
        claims=_claims(connection, p, tenant, made),
        neighbours=surroundings.neighbours(connection, p, tenant, made.service, changes),
        expected=surroundings.expected_seconds(connection, plan.devices(changes)),
    )


async def _look(p: parts.Parts, intent: plan.Intent, driver: device.Driver) -> _Seen:
    """Who cannot be asked is taken to hold what we believe it holds."""
    try:
        async with p.contact.open(intent.device, intent.store) as talk:
            return _Seen(await talk.read(intent.roots), device.rung(talk.session.offers))
    except errors.DeviceError as trouble:
        rung = device.rung(driver.declared(intent.store))
        return _Seen(plan.at_roots(intent), rung, str(trouble))


def _device(p: parts.Parts, change: plan.Change, seen: _Seen) -> views.DeviceDiff:
    undo = plan.reversibility(seen.rung, p.limits.confirm_within)
    if seen.trouble:
        undo = f"not asked, shown as if it had what we put there: {seen.trouble}; {undo}"
    return views.DeviceDiff(
        device=change.intent.device,
        store=change.intent.store,
        platform=change.intent.platform,
        reversibility=undo,
        diff=change.native,
        reverse=change.native_reverse,
        paths=change.paths,
        by_hand=change.by_hand,
    )


def _claims(connection: sa.Connection, p: parts.Parts, tenant: str, made: design.Made) -> _Claims:
    """The pool values it would take: those that the service has already are none."""
    built = design.last_built(connection, tenant, made.service) if made.service else None
    has = built.pools if built is not None else {}
    if made.design.pools == has:
        return ()
    return tuple(
        (need.pool, made.design.pools[need.name], "wished for" if need.wanted else "likely")
        for need in p.catalogue.needs(made.item)
        if not claims.keeps(need, has)
    )
