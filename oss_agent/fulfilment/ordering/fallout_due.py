"""Decides what a kept item does when it is woken: it ends, sleeps on, or its order's undo is judged."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude, fallout, rollback
from oss_agent.fulfilment.record import journal, states
from oss_agent.fulfilment.turn import cancels
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
    else:
        until = wait.since + timedelta(seconds=p.limits.fallout_within)
        journal.wait(connection, transaction, dataclasses.replace(wait, wake_at=until))


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
