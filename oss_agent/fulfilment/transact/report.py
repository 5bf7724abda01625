"""The last phase: what became of the transaction, told to order, inventory and everybody else.

One unit holds it all: item and order state, service and resources, ownership, the configured
ledger, resource orders, events, leases. Either all of it is true afterwards or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude, fallout, outcome
from oss_agent.fulfilment.record import (
    journal,
    milestones,
    order_rows,
    pace,
    participant_rows,
    plain,
    resource_orders,
    states,
)
from oss_agent.fulfilment.turn import carrying, group, leases, waits, wishes
from oss_agent.spi import flow, views


async def report(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Complete, fail, or start over; the transaction's devices are all settled."""
    await p.journal.write("report", lambda c: _report(c, p, transaction))
    return flow.Next.END


def _report(connection: sa.Connection, p: parts.Parts, transaction: states.Transaction) -> None:
    decision = journal.decision(connection, transaction)
    participants = participant_rows.of(connection, transaction)
    if decision is None or not all(one.state.final for one in participants):
        return  # a later run reports; settling is not over
    at = p.clock.now()
    carried = carrying.members(connection, transaction)
    if decision.verdict is states.Verdict.COMMIT:
        # The leader last: with its leases those that it still carries would be let go.
        for one in (*carried, transaction):
            _complete(connection, p, one, at)
    elif carried and _parts(connection, p, transaction, decision, at):
        _bisect(connection, transaction, decision, carried, at)
    elif _may_retry(connection, p, transaction, decision, at):
        _again(connection, p, transaction, decision, at)
    else:
        _fail(connection, p, transaction, decision, participants, at)


def _complete(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    at: datetime,
) -> None:
    item = order_rows.request_of(connection, transaction.order, transaction.position)
    outcome.record(connection, p, transaction, item, at)
    done = [
        resource_orders.Move(name, views.OrderState.COMPLETED)
        for name in resource_orders.devices(connection, transaction.id)
    ]
    resource_orders.move(connection, transaction.id, done, at)
    conclude.say(connection, transaction, at, "completed")
    _passed(connection, p, transaction, at)
    conclude.close(connection, transaction, at)


def _passed(
    connection: sa.Connection, p: parts.Parts, one: states.Transaction, at: datetime
) -> None:
    """Its last milestone; where the order ends with it the change of state tells."""
    mark = {milestones.Milestone.COMPLETED: at}
    reached = milestones.reach(connection, one.order, one.position, mark)
    pace.remember(connection, one)
    conclude.move_item(connection, p, one, views.OrderState.COMPLETED, at)
    if not views.OrderState(order_rows.row_of(connection, one.order).state).final:
        milestones.tell(connection, p.events, one.order, one.position, reached, at)


def _bisect(
    connection: sa.Connection,
    transaction: states.Transaction,
    decision: states.Decision,
    carried: Sequence[states.Transaction],
    at: datetime,
) -> None:
    """One of them was the cause and nobody knows which: the halves run again by themselves."""
    limit = group.half(1 + len(carried))
    for one in (transaction, *carried):
        conclude.say(connection, one, at, f"undone, tried again with fewer: {decision.reason}")
    carrying.let_go(connection, transaction.id, limit=limit)
    why = states.Wait(decision.reason, at, at, "nobody: it is done again")
    leases.release(connection, transaction.id, at)
    attempt = transaction.attempt + 1
    journal.wait(connection, transaction, why, attempt=attempt, group_limit=limit)


def _parts(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    decision: states.Decision,
    at: datetime,
) -> bool:
    """Many never fail together; what interrupted them may be the doing of any one."""
    interrupted = decision.cause is states.Cause.INTERRUPTED
    return interrupted or not _may_retry(connection, p, transaction, decision, at)


def _may_retry(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    decision: states.Decision,
    at: datetime,
) -> bool:
    """A device is waited for until the deadline, an interruption is tolerated a few times.

    A stop or a hold is waited for as long as it takes.
    """
    wish = wishes.standing(connection, transaction)
    if wish is states.Cause.AMENDED:
        return True  # what failed is not what is asked for any more
    if not decision.cause.transient or (wish and wish.given_up):
        return False
    if decision.cause is states.Cause.INTERRUPTED:
        return journal.interruptions(connection, transaction) < p.limits.attempts
    if decision.cause.at_once:
        return True
    return not waits.overdue(transaction, decision.culprit or "", at)


def _again(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    decision: states.Decision,
    at: datetime,
) -> None:
    """A new attempt with rows of its own; what this one did stays in the journal."""
    why = waits.device_wait(decision.reason, decision.who, transaction, p.limits, at)
    if decision.cause.at_once or wishes.standing(connection, transaction) is not None:
        why = states.Wait(decision.reason, at, at, decision.who)
    waits.for_device(connection, transaction, why, p.limits, at, decision.culprit or "")
    journal.update(connection, transaction, attempt=transaction.attempt + 1)
    conclude.say(connection, transaction, at, f"undone, will be tried again: {decision.reason}")


def _fail(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    decision: states.Decision,
    participants: Sequence[states.Participant],
    at: datetime,
) -> None:
    undone = "; ".join(f"{one.device}: {one.outcome}" for one in participants)
    error = views.ErrorView(
        code=decision.cause,
        reason=decision.cause,
        message=plain.line(f"{decision.reason}. {undone}"),
        at=at,
        reference=decision.culprit,
    )
    if not decision.cause.given_up:
        fallout.end(connection, p, transaction, error)
        return
    gone = views.OrderState.CANCELLED
    conclude.without_change(connection, p, transaction, gone, error)


def settle_wait(
    p: parts.Parts, transaction: states.Transaction, left: Sequence[states.Participant]
) -> states.Wait:
    """Devices that are not settled: looked at again soon, for as long as it takes."""
    at = p.clock.now()
    names = ", ".join(f"{one.device} ({one.outcome or one.state})" for one in left)
    return states.Wait(
        reason=f"not settled yet: {names}",
        since=waits.since(transaction, at),
        wake_at=at + timedelta(seconds=p.limits.pause(transaction.tries)),
        who="an operator, at the devices named",
    )
