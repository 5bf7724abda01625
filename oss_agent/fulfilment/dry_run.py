"""What an order would do, without claiming anything; only its text is kept, by its hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import approvals, contact, design, parts, plan
from oss_agent.spi import catalogue, device, orders, views
from oss_agent.spi.tree import EMPTY, Tree, path_text

_Claims: TypeAlias = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device's own part now, or the reason why nobody could look."""

    own: Tree
    trouble: str = ""


async def dry_run(p: parts.Parts, tenant: str, item: orders.ItemRequest) -> views.DryRun:
    """One item's plan, against what the devices have now. OrderRejected as the order would be."""
    made = await p.journal.read(lambda c: _design(c, p, tenant, item))
    names = sorted({one.device for one in made.resources})
    drivers = {name: await p.contact.driver(name) for name in names}
    intents = plan.intents(made, drivers)
    seen = await contact.together([_look(p, intent) for intent in intents])
    changes = tuple(
        plan.change(intent, item.action, one.own, drivers[intent.device])
        for intent, one in zip(intents, seen, strict=True)
    )
    touches = await p.journal.read(lambda c: _touches(c, p, item, changes))
    shown = approvals.Plan(plan.digest(changes), plan.natives(changes), len(changes))
    await p.journal.write("shown", lambda c: approvals.keep(c, tenant, shown, p.clock.now()))
    devices = tuple(
        _device(p, change, one, drivers[change.intent.device])
        for change, one in zip(changes, seen, strict=True)
    )
    return views.DryRun(
        item=item.id,
        service_name=made.name,
        changes=any(change.edits for change in changes),
        devices=devices,
        claims=_claims(made, p, item),
        ports=tuple(f"{name}:{port}" for name, port in design.ports(made)),
        touches=touches,
        predicates=plan.promise(made),
        hash=plan.digest(changes),
    )


def _design(
    connection: sa.Connection, p: parts.Parts, tenant: str, item: orders.ItemRequest
) -> catalogue.Design:
    if item.action is views.ItemAction.DELETE:
        return design.standing(connection, p, tenant, item)
    snapshot = p.ledger.snapshot(connection, tenant)
    return p.catalogue.decompose(item, snapshot, design.likely(connection, p, item))


async def _look(p: parts.Parts, intent: plan.Intent) -> _Seen:
    try:
        async with p.contact.participate(intent.device) as talk:
            return _Seen(await talk.read(intent.roots))
    except errors.DeviceError as trouble:
        return _Seen(EMPTY, str(trouble))


def _device(
    p: parts.Parts, change: plan.Change, seen: _Seen, driver: device.Driver
) -> views.DeviceDiff:
    undo = plan.reversibility(driver.capabilities, p.limits.confirm_within)
    if seen.trouble:
        undo = f"not asked, shown as if it had nothing of ours: {seen.trouble}"
    return views.DeviceDiff(
        device=change.intent.device,
        platform=change.intent.platform,
        reversibility=undo,
        diff=change.native,
        reverse=change.native_reverse,
        paths=change.paths,
    )


def _claims(made: catalogue.Design, p: parts.Parts, item: orders.ItemRequest) -> _Claims:
    if item.action is views.ItemAction.DELETE:
        return ()
    return tuple(
        (need.pool, made.pools[need.name], "wished for" if need.wanted else "likely")
        for need in p.catalogue.needs(item)
    )


def _touches(
    connection: sa.Connection,
    p: parts.Parts,
    item: orders.ItemRequest,
    changes: tuple[plan.Change, ...],
) -> tuple[str, ...]:
    """Other services that own our nodes or a node above them."""
    owners = {
        owner
        for change in changes
        for root in change.intent.roots
        for owner in p.ledger.owners(connection, change.intent.device, "netconf", path_text(root))
    }
    return tuple(sorted(owners - {item.service_id}))
