"""Under the leases: look at every store, plan, and write the intent down before anything is sent.

A store on which nothing changes takes no part: it is neither locked nor committed. Where nothing
changes at all, a modify or delete is decided at once; an add and a resume are still put to the vote,
because what they promise has to be proven.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import adoption, design, intents, plan
from oss_agent.fulfilment.ordering import conclude
from oss_agent.fulfilment.record import (
    codec,
    journal,
    milestones,
    participant_rows,
    resource_orders,
    states,
)
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import edited
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import approvals, wishes
from oss_agent.spi import catalogue, device, flow, views
from oss_agent.spi.tree import Path


@dataclass(frozen=True, slots=True)
class Share:
    """One transaction's share of what is planned and carried out together; the leader's is first."""

    transaction: states.Transaction
    made: design.Made


@dataclass(frozen=True, slots=True)
class Found:
    """A store's change, the shares it is made of by transaction, and what was there at ``roots``.

    ``snapshot`` is all of its configuration as it was, where something changes.
    """

    change: plan.Change
    shares: Mapping[str, plan.Change]
    roots: tuple[Path, ...]
    snapshot: str


async def intend(p: parts.Parts, shares: Sequence[Share]) -> flow.Next:
    """Plan and write the intent. Raises DeviceError, OrderRejected or Conflict."""
    names = sorted({name for share in shares for name in share.made.devices})
    drivers = {name: await p.contact.driver(name) for name in names}
    stores: defaultdict[plan.Place, list[tuple[Share, plan.Intent]]] = defaultdict(list)
    for share in shares:
        for one in await intended(p, share.made, drivers):
            stores[one.place].append((share, one))
    looks = [_look(p, stores[place], drivers[place[0]]) for place in sorted(stores)]
    found = await contact.together(looks)
    adoption.must_be_there([one.change for one in found])
    return await p.journal.write("intent", lambda c: _write(c, p, shares, found))


async def intended(
    p: parts.Parts, made: design.Made, drivers: Mapping[str, device.Driver]
) -> tuple[plan.Intent, ...]:
    """What every store shall hold of the service, among what others have there."""
    wanted = {} if made.bare else plan.wanted(made.design, drivers)
    policy = made.design.policy
    return await p.journal.read(
        lambda c: intents.gather(c, p, made.service, wanted, drivers, policy)
    )


async def _look(
    p: parts.Parts, wanted: Sequence[tuple[Share, plan.Intent]], driver: device.Driver
) -> Found:
    roots = tree.outermost([root for _, intent in wanted for root in intent.roots])
    intents_by_service = [(share.made.service, intent) for share, intent in wanted]
    async with _session(p, *wanted[0]) as talk:
        now = await talk.read(roots)
        async with edited.named(p, wanted[0][0].transaction.tenant):
            changes = plan.sequence(intents_by_service, now, driver)
        shares = {
            share.transaction.id: one for (share, _), one in zip(wanted, changes, strict=True)
        }
        change = plan.whole(changes, driver)
        return Found(change, shares, roots, await talk.snapshot() if change.edits else "")


def _session(
    p: parts.Parts, share: Share, intent: plan.Intent
) -> contextlib.AbstractAsyncContextManager[contact.Talk]:
    """What is adopted is locked while it is read: nothing of it will be locked afterwards."""
    if adoption.is_one(intent):
        return p.contact.exclusive((share.transaction.id, intent.device, intent.store))
    return p.contact.participate(intent.device, intent.store)


def _write(
    connection: sa.Connection,
    p: parts.Parts,
    shares: Sequence[Share],
    found: Sequence[Found],
) -> flow.Next:
    at = p.clock.now()
    transaction = shares[0].transaction
    changes = [one.change for one in found]
    busy = plan.devices(changes)
    shown = approvals.Plan(plan.digest(changes), plan.natives(changes), len(busy))
    if wishes.yields(connection, transaction, at):
        return flow.Next.END
    if approvals.hold(connection, p, transaction, shown, at):
        return flow.Next.END
    moving = tuple(_participant(p, transaction, one) for one in found if one.change.edits)
    journal.update(connection, transaction, tries=0, **journal.wait_columns(None))
    participant_rows.plan(connection, moving)
    for share in shares:
        _keep(connection, share, found, at)
        _planned(connection, p, share.transaction, at)
        if moving:
            conclude.say(connection, share.transaction, at, f"planned on {', '.join(busy)}")
        if share.made.design.policy is catalogue.OutOfBand.AS_IS:
            conclude.say(connection, share.transaction, at, adoption.told(changes))
    if not moving and not any(share.made.begins for share in shares):
        looked = sorted({one.change.intent.device for one in found})
        _nothing_to_do(connection, p, shares, looked)
    return flow.Next.CONTINUE


def _keep(connection: sa.Connection, share: Share, found: Sequence[Found], at: datetime) -> None:
    """What one transaction's share is: its design, its native text, what its service owns then."""
    name = share.transaction.id
    changes = [one.shares[name] for one in found if name in one.shares]
    made = codec.design_to_json(share.made.design)
    journal.update(connection, share.transaction, design=made, hash=plan.digest(changes))
    intents.keep(connection, share.transaction, changes)
    _show(connection, share.transaction, share.made, changes, at)


def _planned(
    connection: sa.Connection, p: parts.Parts, one: states.Transaction, at: datetime
) -> None:
    reached = milestones.reach(
        connection, one.order, one.position, {milestones.Milestone.PLANNED: at}
    )
    milestones.tell(connection, p.events, one.order, one.position, reached, at)


def _nothing_to_do(
    connection: sa.Connection, p: parts.Parts, shares: Sequence[Share], looked: Sequence[str]
) -> None:
    at, transaction = p.clock.now(), shares[0].transaction
    where = f"looked at {', '.join(looked)}" if looked else "nothing of it is on any device"
    reason = f"nothing to change: {where}, no device is touched"
    proven = states.Decision(states.Verdict.COMMIT, states.Cause.PROVEN, reason, None, "", at)
    carried = [share.transaction for share in shares[1:]]
    otherwise = wishes.instead(connection, transaction, carried, at)
    journal.decide(connection, transaction, otherwise or proven)
    for share in shares:
        conclude.say(connection, share.transaction, at, reason)


def _show(
    connection: sa.Connection,
    transaction: states.Transaction,
    made: design.Made,
    changes: Sequence[plan.Change],
    at: datetime,
) -> None:
    """The native text of each device, both ways, on its resource order."""
    shown: list[resource_orders.Move] = []
    for name in made.devices:
        mine = [one for one in changes if one.intent.device == name and one.edits]
        texts = {
            "change": plan.joined({one.intent.store: one.native for one in mine}),
            "reverse": plan.joined({one.intent.store: one.native_reverse for one in mine}),
        }
        shown.append(resource_orders.Move(name, views.OrderState.IN_PROGRESS, texts))
    resource_orders.move(connection, transaction.id, shown, at)


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
        roots=found.roots,
        snapshot=found.snapshot,
        snapshot_digest=hashlib.sha256(found.snapshot.encode()).hexdigest(),
    )


def persist_of(transaction: states.Transaction) -> str:
    """What a device knows our unconfirmed commit by: it fences a run that was taken over."""
    return f"{transaction.id}.{transaction.token}"
