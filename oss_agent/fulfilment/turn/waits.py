"""Decides what a transaction does that cannot go on now: sleep as a row, or give up at a deadline.

Nothing waits inside a run: a worker that sleeps blocks the next order. The
row says why, since when, until when at the latest, and who can help.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import journal, states
from oss_agent.fulfilment.turn import leases

LEASE = "lease"
"""What a deadline is of while other orders have a device."""


def cause_of(error: errors.AgentError) -> states.Cause:
    """What an error means for the attempt; CommitUnknown counts as unreachable until read back."""
    match error:
        case errors.DeviceBusy():
            return states.Cause.BUSY
        case errors.DeviceRefused():
            return states.Cause.REFUSED
        case errors.ChangeRejected():
            return states.Cause.REJECTED
        case errors.Conflict():
            return states.Cause.CONFLICT
        case _:
            return states.Cause.UNREACHABLE


def helper(error: errors.AgentError) -> str:
    """Who or what can end the wait, in words."""
    match error:
        case errors.DeviceBusy(holder=str(holder)):
            return f"{holder}, who holds the lock of {error.device}"
        case errors.DeviceBusy():
            return f"whoever holds the lock of {error.device}"
        case errors.DeviceError():
            return f"whoever can bring {error.device} back"
        case _:
            return "an operator"


def lease_wait(
    blocker: leases.Blocker, transaction: states.Transaction, bounds: limits.Limits, at: datetime
) -> states.Wait:
    """Waiting for a lease: a release wakes whoever is behind, so a look is only a precaution.

    Each is later than the last: hundreds behind one device, each looking every two seconds, would
    keep the motor from the orders of all other devices. Conflict when it has waited too long.
    """
    if overdue(transaction, LEASE, at):
        raise errors.Conflict(
            f"device {blocker.device} was not free within {bounds.lease_deadline:g} s: "
            f"{_who(blocker)} has it or is before us; see what that one waits for",
            holder=blocker.order,
        )
    verb = "lease held by" if blocker.holds else "before us in the queue:"
    return states.Wait(
        reason=f"device {blocker.device}: {verb} {_who(blocker)}",
        since=since(transaction, at),
        wake_at=at + timedelta(seconds=bounds.pause(transaction.tries)),
        who=f"{_who(blocker)} (wait, or cancel it)" if blocker.order else _who(blocker),
    )


def turn_wait(
    order: str, transaction: states.Transaction, bounds: limits.Limits, at: datetime
) -> states.Wait:
    """Waiting for an order that changes the same service: its end wakes us, a look is a precaution.

    Conflict when it has waited too long.
    """
    if overdue(transaction, LEASE, at):
        raise errors.Conflict(
            f"order {order} changes the same service, was accepted before, and did not end within "
            f"{bounds.lease_deadline:g} s; see what that one waits for",
            holder=order,
        )
    return states.Wait(
        reason=f"order {order} changes the same service and was accepted before",
        since=since(transaction, at),
        wake_at=at + timedelta(seconds=bounds.pause(transaction.tries)),
        who=f"order {order} (wait, or cancel it)",
        kind=states.WaitKind.TURN,
    )


def _who(blocker: leases.Blocker) -> str:
    return f"order {blocker.order}" if blocker.order else "a run of its driver's laws"


def device_wait(
    reason: str, who: str, transaction: states.Transaction, bounds: limits.Limits, at: datetime
) -> states.Wait:
    """Waiting for a device that is down or locked, each time a little longer."""
    return states.Wait(
        reason=reason,
        since=since(transaction, at),
        wake_at=at + timedelta(seconds=bounds.pause(transaction.tries)),
        who=who,
    )


def since(transaction: states.Transaction, at: datetime) -> datetime:
    """A wait that is renewed goes on; it does not begin again."""
    return transaction.wait.since if transaction.wait is not None else at


def overdue(transaction: states.Transaction, of: str, at: datetime) -> bool:
    """Has it waited as long as it may for this very device or lease?"""
    if transaction.deadline_of != of or transaction.deadline is None:
        return False
    return at >= transaction.deadline


def for_device(
    connection: sa.Connection,
    transaction: states.Transaction,
    why: states.Wait,
    bounds: limits.Limits,
    at: datetime,
    of: str,
) -> None:
    """Sleep until device ``of`` may be back: without leases, so that others are not held up."""
    leases.release(connection, transaction.id, at)
    _sleep(connection, transaction, why, of, at + timedelta(seconds=bounds.device_deadline))


def for_others(
    connection: sa.Connection,
    transaction: states.Transaction,
    why: states.Wait,
    bounds: limits.Limits,
    at: datetime,
) -> None:
    """Sleep until a lease is free, for as long as that may take; a stop has no deadline."""
    if why.kind is states.WaitKind.STOP:
        journal.wait(connection, transaction, why, deadline=None, deadline_of=None)
        return
    _sleep(connection, transaction, why, LEASE, at + timedelta(seconds=bounds.lease_deadline))


def _sleep(
    connection: sa.Connection,
    transaction: states.Transaction,
    why: states.Wait,
    of: str,
    latest: datetime,
) -> None:
    """A deadline is for one thing: what is waited for next has its own."""
    going_on = transaction.deadline_of == of and transaction.deadline is not None
    deadline = transaction.deadline if going_on else latest
    journal.wait(connection, transaction, why, deadline=deadline, deadline_of=of)
