"""Under the leases: look at every store, plan, and write the intent down before anything is sent.

A store on which nothing changes takes no part: it is neither locked nor committed. Where nothing
changes at all, a modify or delete is decided at once; an add is still put to the vote, because
what it promises has to be proven.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from oss_agent.fulfilment import (
    approvals,
    codec,
    conclude,
    contact,
    design,
    intents,
    journal,
    participant_rows,
    parts,
    plan,
    resource_orders,
    states,
)
from oss_agent.spi import catalogue, device, flow, proof, views


@dataclass(frozen=True, slots=True)
class Found:
    """A store's change, and all of its configuration as it was where it does change."""

    change: plan.Change
    snapshot: str


async def intend(p: parts.Parts, transaction: states.Transaction, made: design.Made) -> flow.Next:
    """Plan and write the intent. Raises DeviceError, OrderRejected or Conflict."""
    drivers = {name: await p.contact.driver(name) for name in made.devices}
    wanted = await intended(p, made, drivers)
    found = await contact.together([_look(p, one, drivers[one.device]) for one in wanted])
    return await p.journal.write("intent", lambda c: _write(c, p, transaction, made, found))


async def intended(
    p: parts.Parts, made: design.Made, drivers: Mapping[str, device.Driver]
) -> tuple[plan.Intent, ...]:
    """What every store shall hold of the service, among what others have there."""
    leaves = made.item.action is views.ItemAction.DELETE
    wanted = {} if leaves else plan.wanted(made.design, drivers)
    policy = made.design.out_of_band
    return await p.journal.read(
        lambda c: intents.gather(c, p, made.service, wanted, drivers, policy)
    )


async def _look(p: parts.Parts, intent: plan.Intent, driver: device.Driver) -> Found:
    async with p.contact.participate(intent.device, intent.store) as talk:
        change = plan.change(intent, await talk.read(intent.roots), driver)
        return Found(change, await talk.snapshot() if change.edits else "")


def _write(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    made: design.Made,
    found: Sequence[Found],
) -> flow.Next:
    at = p.clock.now()
    changes = [one.change for one in found]
    busy = plan.devices(changes)
    shown = approvals.Plan(plan.digest(changes), plan.natives(changes), len(busy))
    if approvals.hold(connection, p, transaction, shown, at):
        return flow.Next.END
    moving = tuple(_participant(p, transaction, one) for one in found if one.change.edits)
    journal.update(
        connection,
        transaction,
        design=codec.design_to_json(_without_the_unmoved(made.design, moving)),
        hash=shown.hash,
        tries=0,
        **journal.wait_columns(None),
    )
    intents.keep(connection, transaction, changes)
    participant_rows.plan(connection, moving)
    _show(connection, transaction, made, changes)
    if moving:
        conclude.say(connection, transaction, at, f"planned on {', '.join(busy)}")
    elif made.item.action is not views.ItemAction.ADD:
        _nothing_to_do(connection, p, transaction, made)
    return flow.Next.CONTINUE


def _without_the_unmoved(
    made: catalogue.Design, moving: Sequence[states.Participant]
) -> catalogue.Design:
    """A device that takes no part was just seen to hold what it shall: nobody reads it again."""
    busy = {one.device for one in moving}
    asked = tuple(
        one for one in made.predicates if one.kind != proof.CONFIG_EQUAL or one.device in busy
    )
    return dataclasses.replace(made, predicates=asked)


def _nothing_to_do(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, made: design.Made
) -> None:
    at = p.clock.now()
    looked = ", ".join(made.devices) or "no device"
    reason = f"nothing to change: looked at {looked}, no device is touched"
    decision = states.Decision(states.Verdict.COMMIT, states.Cause.PROVEN, reason, None, "", at)
    journal.decide(connection, transaction, decision)
    conclude.say(connection, transaction, at, reason)


def _show(
    connection: sa.Connection,
    transaction: states.Transaction,
    made: design.Made,
    changes: Sequence[plan.Change],
) -> None:
    """The native text of each device, both ways, on its resource order."""
    for name in made.devices:
        mine = [one for one in changes if one.intent.device == name and one.edits]
        resource_orders.move(
            connection,
            transaction=transaction.id,
            device=name,
            state=views.OrderState.IN_PROGRESS,
            change=plan.joined({one.intent.store: one.native for one in mine}),
            reverse=plan.joined({one.intent.store: one.native_reverse for one in mine}),
        )


def _participant(
    p: parts.Parts, transaction: states.Transaction, found: Found
) -> states.Participant:
    change = found.change
    return states.Participant(
        transaction=transaction.id,
        attempt=transaction.attempt,
        device=change.intent.device,
        store=change.intent.store,
        tenant=transaction.tenant,
        platform=change.intent.platform,
        state=states.State.PLANNED,
        since=p.clock.now(),
        token=transaction.token,
        persist=persist_of(transaction),
        before=change.before,
        target=change.target,
        roots=change.intent.roots,
        snapshot=found.snapshot,
        snapshot_digest=hashlib.sha256(found.snapshot.encode()).hexdigest(),
    )


def persist_of(transaction: states.Transaction) -> str:
    """What a device knows our unconfirmed commit by: it fences a run that was taken over."""
    return f"{transaction.id}.{transaction.token}"
