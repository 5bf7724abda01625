"""Decides whether what people wished meanwhile keeps a transaction from going on.

A wish (cancel it, take it out of its order, do something else instead, put it on hold) is a row. Whoever raises it looks for
the decision to commit in the same unit, and whoever decides reads it in the unit that decides: so
what was accepted is done, and what came too late was refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment.record import journal, participant_rows, states, tables
from oss_agent.fulfilment.turn import leases
from oss_agent.spi import clock

_WORDS = {
    states.Cause.CANCELLED: "was cancelled",
    states.Cause.WITHDRAWN: "does without this item by now",
    states.Cause.AMENDED: "was amended",
    states.Cause.HELD: "was put on hold",
}
_OF, _ORDER, _ITEM = tables.transaction.c, tables.order.c, tables.item.c
_STANDING = (
    sa.select(_ORDER.cancel_requested, _ORDER.held_by, _ITEM.withdrawn, _OF.stale, _OF.attempt)
    .join(tables.order, _ORDER.id == _OF.order_id)
    .join(tables.item, sa.and_(_ITEM.order_id == _OF.order_id, _ITEM.position == _OF.position))
    .where(_OF.id == sa.bindparam("at_transaction"))
)
"""Made once: to build a statement costs several times as much as to run it."""


def standing(connection: sa.Connection, one: states.Transaction) -> states.Cause | None:
    """The wish that keeps its current attempt from going on; None: nothing does."""
    row = connection.execute(_STANDING, {"at_transaction": one.id}).one()
    if row.cancel_requested:
        return states.Cause.CANCELLED
    if row.withdrawn:
        return states.Cause.WITHDRAWN
    if row.stale == row.attempt:
        return states.Cause.AMENDED
    return states.Cause.HELD if row.held_by is not None else None


def obstacle(
    connection: sa.Connection, one: states.Transaction, at: datetime
) -> states.Wait | None:
    """The same as a wait, for whoever is about to send; the decision then says what follows."""
    wish = standing(connection, one)
    if wish is None:
        return None
    return states.Wait(f"order {one.order} {_WORDS[wish]}", at, at, "nobody: it is seen to")


def yields(connection: sa.Connection, one: states.Transaction, at: datetime) -> bool:
    """Put it to sleep for no time when somebody wished otherwise: its next run sees to that.

    For whoever would let it wait long, for a person or a device, with the wish made meanwhile.
    """
    wish = standing(connection, one)
    if wish is None:
        return False
    leases.release(connection, one.id, at)
    rest = states.Wait(f"order {one.order}, which {_WORDS[wish]}", at, at, "nobody: it is seen to")
    journal.wait(connection, one, rest, deadline=None, deadline_of=None)
    return True


def instead(
    connection: sa.Connection,
    transaction: states.Transaction,
    carried: Sequence[states.Transaction],
    at: datetime,
) -> states.Decision | None:
    """The abort that is decided because of a wish, whatever else was wanted; None: it goes on.

    Those that share the commit go on without the one that it is about.
    """
    wish = standing(connection, transaction)
    if wish is not None and not carried:
        return _abort(wish, f"the order {_WORDS[wish]}", at)
    for one in (transaction, *carried):
        wish = standing(connection, one)
        if wish is not None:
            reason = f"order {one.order}, which the same commit carries, {_WORDS[wish]}"
            return _abort(states.Cause.BISECTED, reason, at)
    return None


def _abort(cause: states.Cause, reason: str, at: datetime) -> states.Decision:
    return states.Decision(states.Verdict.ABORT, cause, reason, None, "", at)


def in_flight(connection: sa.Connection, one: states.Transaction) -> bool:
    """Has its attempt written down what it will send, or does another carry it?

    Then whoever decides hears of a wish. Anything earlier has sent nothing: it can be taken over.
    """
    if one.stage is states.Stage.MEMBER or participant_rows.of(connection, one):
        return True
    return journal.decision(connection, one) is not None


def decided(connection: sa.Connection, one: states.Transaction) -> states.Decision | None:
    """The decision to commit that stands for it, its leader's when it is carried."""
    leader = None
    if one.stage is states.Stage.MEMBER:
        of = tables.transaction.c
        leader = connection.execute(sa.select(of.leader).where(of.id == one.id)).scalar_one()
    found = journal.load(connection, leader) if leader else one
    made = None if found is None else journal.decision(connection, found)
    commits = made is not None and made.verdict is states.Verdict.COMMIT
    return made if commits else None


def passed(connection: sa.Connection, one: states.Transaction, item: str) -> str:
    """Why nothing leads back for item ``item`` any more, in words; "" when something does."""
    made = decided(connection, one)
    if made is None:
        return ""
    return (
        f"item {item} is past its point of no return: it was decided at "
        f"{clock.rfc3339(made.at)} to go through with it ({made.reason})"
    )
