"""When the agent itself fails at a transaction: said loudly, tried again, and not for ever.

After a few faults in a row it counts as poisoned. One that sent nothing fails its order; one that
may have changed a device rests, and is looked at once an hour, until a person has mended the agent.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import fallout, fallout_due
from oss_agent.fulfilment.record import journal, participant_rows, states
from oss_agent.fulfilment.transact import settle
from oss_agent.fulfilment.turn import leases, waits
from oss_agent.spi import alarms, views

_REST = 3600.0
"""Seconds between two looks at a poisoned transaction."""


def note(connection: sa.Connection, p: parts.Parts, mine: states.Transaction, what: str) -> None:
    """Alarm, count, and sleep; or end what is poisoned and has sent nothing.

    It keeps nothing from others meanwhile, no lease unused, no router held for good: the decision
    is an abort unless there is one, for tries that end in a fault would re-arm the routers' own
    timers for ever.
    """
    count = mine.faults + 1
    poisoned = count >= p.limits.faults
    reason = f"a fault of the agent itself: {what}"
    _alarm(connection, p, mine, reason, poisoned=poisoned)
    if participant_rows.of(connection, mine):
        journal.decide(connection, mine, settle.interrupted(p.clock.now(), reason))
    elif poisoned:
        _give_up(connection, p, mine, reason)
        return
    else:
        leases.release(connection, mine.id, p.clock.now())
    rest = _rest(p, mine, reason, poisoned=poisoned)
    # It goes alone next time: the fault may be of one that it carried.
    journal.wait(connection, mine, rest, faults=count, group_limit=1)


def overcome(connection: sa.Connection, p: parts.Parts, mine: states.Transaction) -> None:
    """A run came to its end without a fault: the alarm ends, the count begins anew."""
    journal.update(connection, mine, faults=0)
    p.alarms.clear(connection, _key(mine), p.clock.now())


def _rest(p: parts.Parts, mine: states.Transaction, reason: str, *, poisoned: bool) -> states.Wait:
    at = p.clock.now()
    pause = _REST if poisoned else p.limits.pause(mine.tries)
    rest = states.Wait(
        reason=reason,
        since=waits.since(mine, at),
        wake_at=at + timedelta(seconds=pause),
        who="an operator, with the log",
    )
    if mine.wait is not None and fallout_due.is_kept(mine):
        # What waits for a person's decision is not tried again by a fault of ours.
        return dataclasses.replace(rest, kind=mine.wait.kind)
    return rest


def _give_up(
    connection: sa.Connection, p: parts.Parts, mine: states.Transaction, reason: str
) -> None:
    cause = states.Cause.INTERRUPTED
    message = f"{reason}, again and again. Nothing was sent to any device"
    error = views.ErrorView(code=cause, reason=cause, message=message, at=p.clock.now())
    fallout.end(connection, p, mine, error)


def _alarm(
    connection: sa.Connection,
    p: parts.Parts,
    mine: states.Transaction,
    reason: str,
    *,
    poisoned: bool,
) -> None:
    then = "It rests now: mend the agent" if poisoned else "It is tried again by itself"
    fault = alarms.Fault(
        key=_key(mine),
        severity=views.Severity.CRITICAL if poisoned else views.Severity.MAJOR,
        alarmed_object_type="transaction",
        specific_problem="softwareError",
        text=f"order {mine.order}: {reason}. {then}; the log has the traceback",
        tenant=mine.tenant,
    )
    p.alarms.report(connection, fault, p.clock.now())


def _key(mine: states.Transaction) -> alarms.AlarmKey:
    return alarms.AlarmKey(f"transaction:{mine.id}", "processingErrorAlarm", "softwareError")
