"""Phase 1: reserve, take the leases, look at the devices, plan, and write the intent down.

Nothing has been sent to a device for changing when this phase ends; everything needed to undo what
will be sent is on disk by then.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import (
    approvals,
    codec,
    conclude,
    contact,
    design,
    journal,
    leases,
    order_rows,
    participant_rows,
    parts,
    plain,
    plan,
    resource_orders,
    states,
    stop_rows,
    waits,
)
from oss_agent.spi import catalogue, flow, views
from oss_agent.spi.tree import Tree, path_text


@dataclass(frozen=True, slots=True)
class Found:
    """What a device holds before anything changes: our own part, and all of it."""

    own: Tree
    snapshot: str


@dataclass(frozen=True, slots=True)
class Ready:
    """An item with its design and its devices' leases."""

    item: views.ItemAction
    service: str
    design: catalogue.Design


async def prepare(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Reserve, look, plan, write the intent; or wait; or reject."""
    if await p.journal.read(lambda c: participant_rows.of(c, transaction)):
        return flow.Next.CONTINUE
    try:
        ready = await p.journal.write("reserve", lambda c: _reserve(c, p, transaction))
    except errors.Fenced:
        raise
    except (errors.OrderRejected, errors.Conflict) as refusal:
        await _refuse(p, transaction, refusal)
        return flow.Next.END
    if ready is None:
        return flow.Next.END
    try:
        return await _intend(p, transaction, ready)
    except errors.DeviceError as trouble:
        await _put_off(p, transaction, trouble)
    except errors.Fenced:
        raise
    except (errors.OrderRejected, errors.Conflict) as refusal:
        await _refuse(p, transaction, refusal)
    return flow.Next.END


def _reserve(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction
) -> Ready | None:
    at = p.clock.now()
    row = order_rows.row_of(connection, transaction.order)
    if row.cancel_requested:
        gone = _error(p, states.Cause.CANCELLED, "cancelled before anything was sent")
        conclude.without_change(connection, p, transaction, views.OrderState.CANCELLED, gone)
        return None
    if approvals.overdue(connection, p, transaction, at):
        late = _error(p, states.Cause.REFUSED, "nobody approved its plan in time")
        conclude.without_change(connection, p, transaction, views.OrderState.FAILED, late)
        return None
    item = order_rows.request_of(connection, transaction.order, transaction.position)
    made = design.reserve(connection, p, transaction, at)
    conclude.move_item(connection, p, transaction, views.OrderState.IN_PROGRESS, at)
    resource_orders.open_all(
        connection,
        order=transaction.order,
        transaction=transaction.id,
        tenant=transaction.tenant,
        action=item.action,
        ends=[(one.device, one.rfs) for one in made.resources],
        at=at,
    )
    devices = sorted({one.device for one in made.resources})
    stopped = stop_rows.keeps(connection, p, transaction, devices, at)
    if stopped is not None:
        journal.wait(connection, transaction, stopped)
        return None
    blockers = leases.take(connection, transaction, devices, at)
    if blockers:
        why = waits.lease_wait(blockers[0], transaction, p.limits, at)
        journal.wait(connection, transaction, why)
        return None
    return Ready(item.action, item.service_id or "", made)


async def _intend(p: parts.Parts, transaction: states.Transaction, ready: Ready) -> flow.Next:
    names = sorted({one.device for one in ready.design.resources})
    drivers = {name: await p.contact.driver(name) for name in names}
    intents = plan.intents(ready.design, drivers)
    found = await contact.together([_look(p, intent) for intent in intents])
    changes = tuple(
        plan.change(intent, ready.item, seen.own, drivers[intent.device])
        for intent, seen in zip(intents, found, strict=True)
    )
    return await p.journal.write(
        "intent", lambda c: _write_intent(c, p, transaction, ready, changes, found)
    )


async def _look(p: parts.Parts, intent: plan.Intent) -> Found:
    async with p.contact.participate(intent.device) as talk:
        return Found(await talk.read(intent.roots), await talk.snapshot())


def _write_intent(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    ready: Ready,
    changes: tuple[plan.Change, ...],
    found: tuple[Found, ...],
) -> flow.Next:
    at = p.clock.now()
    for change in changes:
        _refuse_foreign(connection, p, change, ready)
    made = approvals.Plan(
        plan.digest(changes),
        plan.natives(changes),
        len({change.intent.device for change in changes}),
    )
    if approvals.hold(connection, p, transaction, made, at):
        return flow.Next.END
    journal.update(
        connection,
        transaction,
        design=codec.design_to_json(ready.design),
        hash=plan.digest(changes),
        tries=0,
        **journal.wait_columns(None),
    )
    pairs = zip(changes, found, strict=True)
    participant_rows.plan(
        connection, tuple(_participant(p, transaction, change, seen) for change, seen in pairs)
    )
    for change in changes:
        resource_orders.move(
            connection,
            transaction=transaction.id,
            device=change.intent.device,
            state=views.OrderState.IN_PROGRESS,
            change=change.native,
            reverse=change.native_reverse,
        )
    conclude.say(connection, transaction, at, f"planned on {len(changes)} devices")
    return flow.Next.CONTINUE


def _participant(
    p: parts.Parts, transaction: states.Transaction, change: plan.Change, seen: Found
) -> states.Participant:
    return states.Participant(
        transaction=transaction.id,
        attempt=transaction.attempt,
        device=change.intent.device,
        tenant=transaction.tenant,
        platform=change.intent.platform,
        state=states.State.PLANNED,
        since=p.clock.now(),
        token=transaction.token,
        persist=persist_of(transaction),
        before=change.before,
        target=change.target,
        roots=change.intent.roots,
        snapshot=seen.snapshot,
        snapshot_digest=hashlib.sha256(seen.snapshot.encode()).hexdigest(),
    )


def persist_of(transaction: states.Transaction) -> str:
    """What a device knows our unconfirmed commit by: it fences a run that was taken over."""
    return f"{transaction.id}.{transaction.token}"


def _refuse_foreign(
    connection: sa.Connection, p: parts.Parts, change: plan.Change, ready: Ready
) -> None:
    """Our nodes must be ours: nobody else's, and not configured by hand."""
    name = change.intent.device
    for root in change.intent.roots:
        owners = set(p.ledger.owners(connection, name, "netconf", path_text(root)))
        others = sorted(owners - {ready.service})
        if others:
            raise errors.Conflict(
                f"{name} {path_text(root)} belongs to service {', '.join(others)}",
                holder=others[0],
            )
        there = change.before.at(root) is not None
        if there and not owners:
            raise errors.Conflict(
                f"{name} already has {path_text(root)} and no service owns it: "
                "remove it there, or choose another name"
            )


async def _put_off(
    p: parts.Parts, transaction: states.Transaction, trouble: errors.DeviceError
) -> None:
    """A device that may come back is waited for; one that needs a person fails the item."""
    cause = waits.cause_of(trouble)

    def unit(connection: sa.Connection) -> None:
        at = p.clock.now()
        if not cause.transient or waits.overdue(transaction, at):
            error = _error(p, cause, str(trouble), trouble.device)
            conclude.without_change(connection, p, transaction, views.OrderState.FAILED, error)
            return
        who = waits.helper(trouble)
        why = waits.device_wait(f"device {trouble}", who, transaction, p.limits, at)
        waits.for_device(connection, transaction, why, p.limits, at)

    await p.journal.write("put_off", unit)


async def _refuse(
    p: parts.Parts,
    transaction: states.Transaction,
    refusal: errors.OrderRejected | errors.Conflict,
) -> None:
    """The state of the network does not allow it: rejected before work, failed once begun."""

    def unit(connection: sa.Connection) -> None:
        states_now = order_rows.item_states(connection, transaction.order)
        begun = states_now[transaction.position - 1] is not views.OrderState.ACKNOWLEDGED
        state = views.OrderState.FAILED if begun else views.OrderState.REJECTED
        code = refusal.code if isinstance(refusal, errors.OrderRejected) else states.Cause.CONFLICT
        error = dataclasses.replace(
            _error(p, states.Cause.CONFLICT, refusal.reason, _reference(refusal)), code=code
        )
        conclude.without_change(connection, p, transaction, state, error)

    await p.journal.write("refuse", unit)


def _reference(refusal: errors.OrderRejected | errors.Conflict) -> str | None:
    field = refusal.field if isinstance(refusal, errors.OrderRejected) else refusal.holder
    return field or None


def _error(
    p: parts.Parts, cause: states.Cause, message: str, reference: str | None = None
) -> views.ErrorView:
    return views.ErrorView(
        code=cause, reason=cause, message=plain.line(message), at=p.clock.now(), reference=reference
    )
