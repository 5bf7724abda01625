"""Decides whether an order may still be cancelled, and says so on its task.

The point of no return is a row: the decision to commit. Whoever assesses looks for it in the very
unit that raises the flag, and whoever decides reads the flag in the unit that decides; so an order
whose cancellation was accepted has no item that goes on, and one that was refused has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import (
    cancel_rows,
    journal,
    order_moves,
    order_rows,
    plain,
    states,
    tables,
)
from oss_agent.fulfilment.turn import wishes
from oss_agent.spi import clock, orders, views

_ASSESSING = views.OrderState.ASSESSING_CANCELLATION
_GIVEN_UP = views.OrderState.PENDING_CANCELLATION


def request(
    connection: sa.Connection, p: parts.Parts, wish: orders.CancelRequest, at: datetime
) -> views.CancelView:
    """Store the task; an order that is to be cancelled now is being assessed from here on."""
    row = _order(connection, wish)
    task = cancel_rows.insert(connection, p.events, wish, at)
    when = f" at {clock.rfc3339(wish.requested)}" if wish.requested else ""
    why = f": {wish.reason}" if wish.reason else ""
    _note(connection, task, at, f"{wish.asked_by} asked to cancel it{when} (task {task.id}){why}")
    if wish.requested is None or wish.requested <= at:
        _begin(connection, p, row, at)
    return task


def _order(connection: sa.Connection, wish: orders.CancelRequest) -> sa.Row[Any]:
    table = tables.order
    asked = table.select().where(table.c.id == wish.order, table.c.tenant == wish.tenant)
    row = connection.execute(asked).one_or_none()
    if row is None:
        raise errors.NotFound(f"order {ascii(wish.order)[:40]}")
    if views.OrderState(row.state).final:
        raise _illegal(row.id, f"order {row.id} is {row.state}: there is nothing left to cancel")
    standing = cancel_rows.open_of(connection, row.id)
    if standing is not None:
        raise _illegal(row.id, f"order {row.id} is being cancelled by task {standing.id} already")
    return row


def _illegal(order: str, reason: str) -> errors.OrderRejected:
    field = "resourceOrder.id" if orders.of_resources(order) else "serviceOrder.id"
    return errors.OrderRejected(reason, field=field, status=409, code="illegalState")


def _begin(connection: sa.Connection, p: parts.Parts, row: sa.Row[Any], at: datetime) -> None:
    order_rows.set_order(connection, row.id, state_before=row.state)
    order_moves.move(connection, p.events, row.id, _ASSESSING, at)


def assess_due(connection: sa.Connection, p: parts.Parts) -> None:
    """Judge every cancellation that nobody has judged yet and whose date has come."""
    at = p.clock.now()
    for task in cancel_rows.due(connection, at):
        _assess(connection, p, task, at)


def _assess(
    connection: sa.Connection, p: parts.Parts, task: views.CancelView, at: datetime
) -> None:
    row = order_rows.row_of(connection, task.order)
    if views.OrderState(row.state).final:
        began = cancel_rows.move(connection, p.events, task, views.TaskState.IN_PROGRESS, at)
        _terminate(connection, p, began, f"order {row.id} was {row.state} by then", at)
        return
    if row.state != _ASSESSING:
        _begin(connection, p, row, at)
    task = cancel_rows.move(connection, p.events, task, views.TaskState.IN_PROGRESS, at)
    passed = past_return(connection, task.order)
    if passed:
        refuse(connection, p, task, passed, at)
        return
    order_rows.set_order(connection, task.order, cancel_requested=True)
    order_moves.move(connection, p.events, task.order, _GIVEN_UP, at)
    _note(connection, task, at, "its cancellation is accepted: what was begun is undone")
    journal.wake(connection, task.order, at)


def past_return(connection: sa.Connection, order: str) -> str:
    """Which item is past its point of no return and why, in words; "" when none is."""
    item, of = tables.item, tables.transaction
    asked = (
        sa.select(item.c.item_id, item.c.state, of)
        .join(of, sa.and_(of.c.order_id == item.c.order_id, of.c.position == item.c.position))
        .where(item.c.order_id == order, item.c.action != views.ItemAction.NO_CHANGE)
        .order_by(item.c.position)
    )
    for row in connection.execute(asked):
        if row.state == views.OrderState.COMPLETED:
            return f"item {row.item_id} is completed"
        why = wishes.passed(connection, journal.of_row(row), row.item_id)
        if why:
            return why
    return ""


def refuse(
    connection: sa.Connection, p: parts.Parts, task: views.CancelView, why: str, at: datetime
) -> None:
    """The order goes on as it was before it was assessed; the task ends with the reason."""
    row = order_rows.row_of(connection, task.order)
    before = views.OrderState(row.state_before)
    order_moves.move(connection, p.events, task.order, before, at, state_before=None)
    _terminate(connection, p, task, why, at)


def refuse_open(connection: sa.Connection, p: parts.Parts, order: str, at: datetime) -> None:
    """What was being assessed ended meanwhile: the order was faster."""
    task = cancel_rows.open_of(connection, order)
    if task is None:
        raise errors.AgentError(f"order {order} is being assessed by no task")
    if task.state is views.TaskState.ACKNOWLEDGED:
        task = cancel_rows.move(connection, p.events, task, views.TaskState.IN_PROGRESS, at)
    refuse(connection, p, task, past_return(connection, order) or "every item has ended", at)


def _terminate(
    connection: sa.Connection, p: parts.Parts, task: views.CancelView, why: str, at: datetime
) -> None:
    message = f"not cancelled: {why}. To undo what it does, order the reverse once it has ended"
    error = views.ErrorView("pointOfNoReturn", why, message, at)
    _note(connection, task, at, f"its cancellation is refused: {why}")
    ended = views.TaskState.TERMINATED
    message = plain.line(message)
    cancel_rows.move(connection, p.events, task, ended, at, message=message, error=error)


def done(
    connection: sa.Connection, p: parts.Parts, order: str, outcomes: Sequence[str], at: datetime
) -> None:
    """Every item has ended: the order is cancelled, and its task says what became of each."""
    task = cancel_rows.open_of(connection, order)
    if task is None:
        raise errors.AgentError(f"order {order} is being cancelled by no task")
    order_moves.move(
        connection,
        p.events,
        order,
        views.OrderState.CANCELLED,
        at,
        cancellation_date=at,
        cancellation_reason=task.reason,
        state_before=None,
    )
    message = plain.line(f"order {order} is cancelled. {'; '.join(outcomes)}")
    cancel_rows.move(
        connection, p.events, task, views.TaskState.DONE, at, effective=at, message=message
    )


def flagged(connection: sa.Connection, one: states.Transaction) -> bool:
    """Is its order to be cancelled, or was it taken out of it? Then nothing of it goes on."""
    wish = wishes.standing(connection, one)
    return wish is not None and wish.given_up


def _note(connection: sa.Connection, task: views.CancelView, at: datetime, text: str) -> None:
    order_rows.note(connection, order=task.order, tenant=task.tenant, at=at, text=text)
