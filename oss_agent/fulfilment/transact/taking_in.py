"""Somebody edited a service's part while its order was on its way: plan on what is there now.

The rules are those of every plan (``owners``), so that what is adopted is the service's from then
on, and what is only accepted stays nobody's. What was planned is still what is sent: where their
edit would change ours, the order stops instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.intent import design, intents, plan
from oss_agent.fulfilment.record import order_rows, participant_rows
from oss_agent.fulfilment.record.states import Transaction
from oss_agent.fulfilment.transact import planning
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import carrying
from oss_agent.spi.tree import Tree


async def before_commit(one: Progress, current: Tree) -> bool:
    """Take ``current`` in as what our change builds on; False when the two meet."""
    changes = await _anew(one, current)
    if changes is None:
        return False
    target = changes[-1][1].target
    if tree.diff(current, target) != tree.diff(one.one.before, one.one.target):
        return False

    def unit(connection: sa.Connection) -> None:
        at = one.p.clock.now()
        one.one = participant_rows.move(
            connection, one.one, one.one.state, at, before=current, target=target
        )
        _own(connection, changes)

    await one.p.journal.write("taken_in", unit)
    await one.say(f"{one.one.device}: took in what somebody had changed in our part")
    return True


async def after_decision(one: Progress, current: Tree) -> None:
    """What is adopted is the service's now; the store itself is left as it is."""
    changes = await _anew(one, current)
    if changes is not None and tree.same(changes[-1][1].target, current):
        await one.p.journal.write("taken_in", lambda c: _own(c, changes))


async def _anew(one: Progress, current: Tree) -> Sequence[tuple[Transaction, plan.Change]] | None:
    """What each service that the commit carries changes here, seen from ``current``."""
    p, place = one.p, (one.one.device, one.one.store)
    carried = await p.journal.read(lambda c: _carried(c, one))
    found: list[tuple[Transaction, str, plan.Intent]] = []
    for each, made in carried:
        drivers = {name: await p.contact.driver(name) for name in made.devices}
        every = await planning.intended(p, made, drivers)
        found += [(each, made.service, intent) for intent in every if intent.place == place]
    driver = await p.contact.driver(one.one.device)
    try:
        changes = plan.sequence([(name, intent) for _, name, intent in found], current, driver)
    except errors.Conflict:
        return None
    return [(each, change) for (each, _, _), change in zip(found, changes, strict=True)]


def _carried(connection: sa.Connection, one: Progress) -> list[tuple[Transaction, design.Made]]:
    every = (one.transaction, *carrying.members(connection, one.transaction))
    return [(each, _made(connection, one, each)) for each in every]


def _made(connection: sa.Connection, one: Progress, of: Transaction) -> design.Made:
    if of.design is None:
        raise errors.AgentError(f"transaction {of.id} has participants but no design")
    item = order_rows.request_of(connection, of.order, of.position)
    has = one.p.ledger.configured(connection, item.service_id or "")
    devices = {name for name, _ in has} | {each.device for each in of.design.resources}
    return design.Made(item, of.design, tuple(sorted(devices)), ends=())


def _own(connection: sa.Connection, changes: Sequence[tuple[Transaction, plan.Change]]) -> None:
    for transaction, change in changes:
        intents.own(connection, transaction, change)
