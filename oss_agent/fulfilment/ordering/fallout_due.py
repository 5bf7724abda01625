"""Decides what a kept item does when it is woken: it ends, sleeps on, or its order's undo is judged."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude, fallout, rollback
from oss_agent.fulfilment.record import fallout_rows, journal, states
from oss_agent.fulfilment.turn import cancels
from oss_agent.spi import fallout as spi
from oss_agent.spi import views


def is_kept(transaction: states.Transaction) -> bool:
    """Does it wait for a person's decision, or for what a decision began?"""
    waits = {states.WaitKind.FALLOUT, states.WaitKind.UNDO}
    return transaction.wait is not None and transaction.wait.kind in waits


def look(connection: sa.Connection, p: parts.Parts, transaction: states.Transaction) -> None:
    """One turn of a kept item."""
    wait = transaction.wait
    if wait is None:
        return
    at = p.clock.now()
    if cancels.flagged(connection, transaction):
        _cancel(connection, p, transaction)
    elif wait.kind is states.WaitKind.UNDO:
        rollback.judge(connection, p, transaction, wait, at)
    elif at >= wait.since + timedelta(seconds=p.limits.fallout_within):
        _give_up(connection, p, transaction)
    elif _all_or_nothing(connection, p, transaction):
        _roll_back(connection, p, transaction, wait, at)
    else:
        until = wait.since + timedelta(seconds=p.limits.fallout_within)
        journal.wait(connection, transaction, dataclasses.replace(wait, wake_at=until))


def _all_or_nothing(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction
) -> bool:
    """An undo that failed once is not tried again without a person."""
    if fallout.policy_of(connection, p, transaction) is not spi.Policy.ROLLBACK:
        return False
    return fallout.failure(connection, p, transaction).code != fallout_rows.UNDO_FAILED


def _roll_back(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    wait: states.Wait,
    at: datetime,
) -> None:
    """Undo what its order had completed, once nothing of it is worked on; a person where it cannot."""
    if rollback.busy(connection, transaction):
        soon = at + timedelta(seconds=p.limits.pause(transaction.tries))
        journal.wait(connection, transaction, dataclasses.replace(wait, wake_at=soon))
        return
    try:
        rollback.begin(connection, p, transaction, at)
    except errors.OrderRejected as obstacle:
        conclude.say(connection, transaction, at, obstacle.reason)
        until = wait.since + timedelta(seconds=p.limits.fallout_within)
        reason = f"{wait.reason}; {obstacle.reason}"
        journal.wait(
            connection, transaction, dataclasses.replace(wait, reason=reason, wake_at=until)
        )


def _cancel(connection: sa.Connection, p: parts.Parts, transaction: states.Transaction) -> None:
    was = fallout.failure(connection, p, transaction)
    message = f"cancelled while it was held; the network was as before already: {was.message}"
    cause = states.Cause.CANCELLED
    error = dataclasses.replace(was, code=cause, reason=cause, message=message)
    conclude.without_change(connection, p, transaction, views.OrderState.CANCELLED, error)


def _give_up(connection: sa.Connection, p: parts.Parts, transaction: states.Transaction) -> None:
    was = fallout.failure(connection, p, transaction)
    days = p.limits.fallout_within / 86_400
    error = dataclasses.replace(was, message=f"{was.message} (nobody decided within {days:g} days)")
    conclude.without_change(connection, p, transaction, views.OrderState.FAILED, error)
