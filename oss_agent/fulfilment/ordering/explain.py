"""Why an order does not move, in one sentence, from the rows alone; facts after it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import journal, order_views, participant_rows, states, tables
from oss_agent.fulfilment.turn import watch
from oss_agent.spi import clock, views


def explain(
    connection: sa.Connection, p: parts.Parts, tenant: str, order: str
) -> views.Explanation:
    """What it waits for, since when, who can help. NotFound."""
    view = order_views.view(connection, order, tenant)
    if view is None:
        raise errors.NotFound(f"order {ascii(order)[:40]}")
    table, time = tables.transaction, p.clock
    rows = connection.execute(
        table.select().where(table.c.order_id == order).order_by(table.c.position)
    )
    transactions = tuple(journal.of_row(row) for row in rows)
    participants = tuple(
        one for mine in transactions for one in participant_rows.of(connection, mine)
    )
    return views.Explanation(
        order=order,
        state=view.state,
        sentence=_sentence(view, transactions, participants, time),
        waits=tuple((item.id, item.wait) for item in view.items if item.wait is not None),
        participants=tuple(_participant(one, time.boot()) for one in participants),
        history=_history(connection, order),
        promise=watch.state_of(connection, p, order),
    )


def _sentence(
    view: views.ServiceOrderView,
    transactions: tuple[states.Transaction, ...],
    participants: tuple[states.Participant, ...],
    time: clock.Clock,
) -> str:
    if view.state.final:
        why = f": {view.error.message}" if view.error else ""
        return f"order {view.id} is {view.state}{why}."
    if view.state is views.OrderState.ASSESSING_CANCELLATION:
        return f"order {view.id}: whether it can still be cancelled is being looked at."
    for one in sorted(transactions, key=_is_not_kept):
        if one.wait is not None:
            passed = _duration((time.now() - one.wait.since).total_seconds())
            return f"order {view.id} waits {passed} for {one.wait.reason}. Unblock: {one.wait.who}."
    busy = ", ".join(f"{one.device} {one.state}" for one in participants if not one.state.final)
    if busy:
        what = "undone" if view.state is views.OrderState.PENDING_CANCELLATION else "worked on"
        return f"order {view.id} is being {what}: {busy}."
    return f"order {view.id} is {view.state}; the feeder starts it within seconds."


def _is_not_kept(one: states.Transaction) -> bool:
    """What a person has to decide comes first: others may wait for just that."""
    return one.wait is None or one.wait.kind is not states.WaitKind.FALLOUT


def _duration(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def _participant(one: states.Participant, now: clock.BootTime) -> views.ParticipantView:
    reason = one.reason or one.outcome
    if one.state is states.State.HELD and one.deadline is not None and not reason:
        reason = f"unconfirmed, undoes itself in {one.deadline.left(now):.0f} s"
    return views.ParticipantView(one.device, one.state, one.since, reason)


def _history(connection: sa.Connection, order: str) -> tuple[tuple[datetime, str], ...]:
    table = tables.history
    asked = table.select().where(table.c.order_id == order).order_by(table.c.number)
    return tuple((row.at, row.text) for row in connection.execute(asked))
