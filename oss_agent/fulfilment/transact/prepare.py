"""Phase 1: reserve, take the leases, look at the devices, plan, and write the intent down.

Nothing has been sent to a device for changing when this phase ends; everything needed to undo what
will be sent is on disk by then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import design
from oss_agent.fulfilment.ordering import conclude, fallout, fallout_due, holds, information
from oss_agent.fulfilment.record import (
    dependencies,
    journal,
    order_rows,
    participant_rows,
    plain,
    precedence,
    resource_orders,
    states,
)
from oss_agent.fulfilment.transact import planning
from oss_agent.fulfilment.turn import (
    approvals,
    carrying,
    group,
    leases,
    sequence,
    stop_rows,
    waits,
    wishes,
)
from oss_agent.spi import flow, views


async def prepare(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Reserve, look, plan, write the intent; or wait; or reject."""
    if fallout_due.is_kept(transaction):
        await p.journal.write("fallout", lambda c: fallout_due.look(c, p, transaction))
        return flow.Next.END
    if await p.journal.read(lambda c: _is_prepared(c, transaction)):
        return flow.Next.CONTINUE
    try:
        shares = await p.journal.write("reserve", lambda c: _reserve(c, p, transaction))
    except errors.Fenced:
        raise
    except (errors.OrderRejected, errors.Conflict) as refusal:
        await _refuse(p, transaction, refusal)
        return flow.Next.END
    if not shares:
        return flow.Next.END
    try:
        return await planning.intend(p, shares)
    except errors.DeviceError as trouble:
        await _put_off(p, transaction, trouble, alone=len(shares) == 1)
    except errors.Fenced:
        raise
    except (errors.OrderRejected, errors.Conflict) as refusal:
        act = _part if len(shares) > 1 else _refuse
        await act(p, transaction, refusal)
    return flow.Next.END


async def _part(
    p: parts.Parts,
    transaction: states.Transaction,
    refusal: errors.OrderRejected | errors.Conflict,
) -> None:
    """They cannot be planned together, whoever it is that cannot: each goes by itself."""
    await p.journal.write("part", lambda c: _apart(c, p, transaction, refusal.reason))


def _apart(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, reason: str
) -> None:
    carrying.let_go(connection, transaction.id, limit=1)
    at = p.clock.now()
    why = states.Wait(f"a turn of its own: {reason}", at, at, "nobody: it is done again")
    journal.wait(connection, transaction, why, group_limit=1)


def _is_prepared(connection: sa.Connection, transaction: states.Transaction) -> bool:
    """Is the intent written, or nothing left to intend because it is decided already?"""
    if participant_rows.of(connection, transaction):
        return True
    return journal.decision(connection, transaction) is not None


def _reserve(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction
) -> tuple[planning.Share, ...]:
    journal.must_be_ours(connection, transaction)
    at = p.clock.now()
    missing = dependencies.missing(connection, transaction.order, transaction.position)
    ending = _ending(connection, p, transaction, missing, at)
    if ending is not None:
        state, error = ending
        if state is views.OrderState.FAILED:
            fallout.end(connection, p, transaction, error)
        else:
            conclude.without_change(connection, p, transaction, state, error)
        return ()
    stays = holds.rests(connection, p, transaction, at)
    if stays or information.asks(connection, p, transaction, at):
        return ()
    first = sequence.behind(connection, transaction, missing, at)
    if first is not None:
        # That may have joined its order later, and stand behind it in the line for a device.
        leases.release(connection, transaction.id, at)
        journal.wait(connection, transaction, first, deadline=None, deadline_of=None)
        return ()
    made = design.reserve(connection, p, transaction, at)
    later = sequence.early(connection, transaction, at)
    if later is not None:
        # What it needs is its own from now on; the plan is made when its date has come.
        journal.wait(connection, transaction, later, deadline=None, deadline_of=None)
        return ()
    conclude.move_item(connection, p, transaction, views.OrderState.IN_PROGRESS, at)
    why = _obstacle(connection, p, transaction, made.devices, at)
    if why is not None:
        waits.for_others(connection, transaction, why, p.limits, at)
        return ()
    _open(connection, transaction, made, at)
    return (planning.Share(transaction, made), *_carried(connection, p, transaction, made, at))


def _ending(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    missing: Sequence[dependencies.Missing],
    at: datetime,
) -> tuple[views.OrderState, views.ErrorView] | None:
    """What an item ends as before anything is begun for it, and why; None: it goes on."""
    wish = wishes.standing(connection, transaction)
    if wish is not None and wish.given_up:
        gone = _error(p, wish, f"{wish} before anything was sent")
        return views.OrderState.CANCELLED, gone
    lost = sequence.given_up(missing)
    if lost is not None:
        return views.OrderState.CANCELLED, _without(p, transaction, lost)
    unsaid = information.overdue(connection, p, transaction, at)
    if unsaid is not None:
        return views.OrderState.CANCELLED, unsaid
    if approvals.overdue(connection, p, transaction, at):
        late = _error(p, states.Cause.UNAPPROVED, "nobody approved its plan in time")
        return views.OrderState.FAILED, late
    return None


def _open(
    connection: sa.Connection, transaction: states.Transaction, made: design.Made, at: datetime
) -> None:
    resource_orders.open_all(
        connection,
        order=transaction.order,
        transaction=transaction.id,
        tenant=transaction.tenant,
        ends=made.ends,
        at=at,
    )


def _carried(
    connection: sa.Connection,
    p: parts.Parts,
    leader: states.Transaction,
    made: design.Made,
    at: datetime,
) -> list[planning.Share]:
    """The shares of those that come along; one that is refused now is refused in its own turn."""
    carrying.let_go(connection, leader.id)
    found: list[planning.Share] = []
    for one in group.gather(connection, p, leader, made.devices, at):
        try:
            with connection.begin_nested():
                reserved = _alike(made, design.reserve(connection, p, one, at))
                _open(connection, one, reserved, at)
        except (errors.OrderRejected, errors.Conflict):
            carrying.let_go(connection, leader.id, only=one)
        else:
            found.append(planning.Share(one, reserved))
    return found


def _alike(leads: design.Made, comes: design.Made) -> design.Made:
    """Conflict unless the leader's leases and policy are those that it needs, as it stands by now."""
    if set(comes.devices) != set(leads.devices):
        raise errors.Conflict("it changes other devices by now than those it waits for")
    if comes.design.policy is not leads.design.policy:
        raise errors.Conflict("others' edits of its part are treated otherwise")
    return comes


def _obstacle(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> states.Wait | None:
    """A stop, a change of the same service before, or somebody else's lease; None: all devices are ours."""
    stopped = stop_rows.keeps(connection, p, transaction, devices, at)
    first = None if stopped else precedence.before(connection, transaction)
    if first is not None:
        stopped = waits.turn_wait(first, transaction, p.limits, at)
    if stopped is not None:
        leases.release(connection, transaction.id, at)  # whoever is stopped stops nobody else
        return stopped
    blockers = leases.take(connection, transaction, devices, at)
    return waits.lease_wait(blockers[0], transaction, p.limits, at) if blockers else None


async def _put_off(
    p: parts.Parts, transaction: states.Transaction, trouble: errors.DeviceError, *, alone: bool
) -> None:
    """A device that may come back is waited for; one that needs a person fails the item.

    Unless it carries others: then nobody knows yet whose trouble it is.
    """
    cause = waits.cause_of(trouble)

    def unit(connection: sa.Connection) -> None:
        at = p.clock.now()
        if wishes.yields(connection, transaction, at):
            return
        lasts = not cause.transient or waits.overdue(transaction, trouble.device, at)
        if lasts and not alone:
            _apart(connection, p, transaction, str(trouble))
            return
        if lasts:
            error = _error(p, cause, str(trouble), trouble.device)
            fallout.end(connection, p, transaction, error)
            return
        who = waits.helper(trouble)
        why = waits.device_wait(f"device {trouble}", who, transaction, p.limits, at)
        waits.for_device(connection, transaction, why, p.limits, at, trouble.device)

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
        code = refusal.code if isinstance(refusal, errors.OrderRejected) else states.Cause.CONFLICT
        error = dataclasses.replace(
            _error(p, states.Cause.CONFLICT, refusal.reason, _reference(refusal)), code=code
        )
        if begun:
            fallout.end(connection, p, transaction, error)
        else:
            rejected = views.OrderState.REJECTED
            conclude.without_change(connection, p, transaction, rejected, error)

    await p.journal.write("refuse", unit)


def _reference(refusal: errors.OrderRejected | errors.Conflict) -> str | None:
    field = refusal.field if isinstance(refusal, errors.OrderRejected) else refusal.holder
    return field or None


def _without(
    p: parts.Parts, transaction: states.Transaction, lost: dependencies.Missing
) -> views.ErrorView:
    what = lost.named(transaction.order)
    message = f"it comes after {what}, which is {lost.state}: nothing was sent for it"
    return views.ErrorView("dependencyFailed", f"{what} is {lost.state}", message, p.clock.now())


def _error(
    p: parts.Parts, cause: states.Cause, message: str, reference: str | None = None
) -> views.ErrorView:
    return views.ErrorView(
        code=cause, reason=cause, message=plain.line(message), at=p.clock.now(), reference=reference
    )
