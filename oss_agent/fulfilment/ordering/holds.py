"""Puts orders on hold and releases them, inside one unit.

What sent nothing yet is held here and now. What is in flight hears of it where it is decided: it is
undone first. What is decided goes on, and an order of which nothing else is left cannot be held.
A hold has no deadline.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import amend, conclude
from oss_agent.fulfilment.record import (
    cancel_rows,
    journal,
    order_rows,
    order_views,
    states,
    tables,
)
from oss_agent.fulfilment.turn import leases, wishes
from oss_agent.spi import views

_KEPT = (states.WaitKind.FALLOUT, states.WaitKind.UNDO)
_LOOK = timedelta(hours=1)
"""Longest sleep of what is on hold: its release wakes it, so a look is only a precaution."""


def hold(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    key: str,
    by: str,
    reason: str,
    at: datetime,
) -> views.ServiceOrderView:
    """Put an order on hold; ``reason`` may be empty. NotFound; OrderRejected (409)."""
    order = changeable(connection, tenant, key)
    if order_rows.row_of(connection, key).held_by is not None:
        raise illegal(f"order {key} is on hold already")
    _refuse_decided(connection, order)
    order_rows.set_order(connection, key, held_by=by, held_reason=reason or None)
    why = f": {reason}" if reason else ""
    order_rows.note(connection, order=key, tenant=tenant, at=at, text=f"put on hold by {by!a}{why}")
    for one in _open(connection, key):
        _stop(connection, p, one, at)
    return _view(connection, key)


def release(
    connection: sa.Connection, p: parts.Parts, tenant: str, key: str, by: str, at: datetime
) -> views.ServiceOrderView:
    """Let an order go on that was put on hold. NotFound; OrderRejected (409)."""
    changeable(connection, tenant, key)
    if order_rows.row_of(connection, key).held_by is None:
        raise illegal(f"order {key} is not on hold: what it waits for ends otherwise")
    order_rows.set_order(connection, key, held_by=None, held_reason=None)
    order_rows.note(connection, order=key, tenant=tenant, at=at, text=f"released by {by!a}")
    for one in _open(connection, key):
        if amend.waits_for(one) is states.WaitKind.HOLD:
            amend.begin_again(connection, p, one, at)
    return _view(connection, key)


def rests(
    connection: sa.Connection, p: parts.Parts, mine: states.Transaction, at: datetime
) -> bool:
    """Put a transaction to rest whose order is on hold, its item ``held``; False: it is not."""
    if wishes.standing(connection, mine) is not states.Cause.HELD:
        return False
    row = order_rows.row_of(connection, mine.order)
    why = f" ({row.held_reason})" if row.held_reason else ""
    rest = states.Wait(
        reason=f"its release: {row.held_by} put the order on hold{why}",
        since=_since(mine, at),
        wake_at=at + _LOOK,
        who=f"{row.held_by}, or an operator: oss-agent order release {mine.order}",
        kind=states.WaitKind.HOLD,
    )
    leases.release(connection, mine.id, at)
    conclude.move_item(connection, p, mine, views.OrderState.HELD, at)
    journal.wait(connection, mine, rest, deadline=None, deadline_of=None)
    return True


def _since(mine: states.Transaction, at: datetime) -> datetime:
    wait = mine.wait
    return wait.since if wait is not None and wait.kind is states.WaitKind.HOLD else at


def _stop(connection: sa.Connection, p: parts.Parts, one: states.Transaction, at: datetime) -> None:
    """Take over what sent nothing; what waits for a person after a failure is held as it is."""
    if amend.waits_for(one) in _KEPT or wishes.in_flight(connection, one):
        return
    mine = journal.adopt(connection, one.id, at)
    if mine is not None:
        rests(connection, p, mine, at)


def _refuse_decided(connection: sa.Connection, order: views.ServiceOrderView) -> None:
    """OrderRejected when every item that has not ended is past its point of no return."""
    passed: list[str] = []
    for one in _open(connection, order.id):
        name = order.items[one.position - 1].id
        passed.append(wishes.passed(connection, one, name))
    if passed and all(passed):
        raise errors.OrderRejected(
            f"nothing of order {order.id} can be held: {passed[0]}",
            field="state",
            status=409,
            code="pointOfNoReturn",
        )


def changeable(connection: sa.Connection, tenant: str, key: str) -> views.ServiceOrderView:
    """An order that has not ended and is not being cancelled. NotFound; OrderRejected (409)."""
    order = order_views.view(connection, key, tenant)
    if order is None:
        raise errors.NotFound(f"order {ascii(key)[:40]}")
    if order.state.final:
        raise illegal(f"order {key} is {order.state}: nothing of it changes any more")
    task = cancel_rows.open_of(connection, key)
    if task is not None and order.state in _GOING:
        raise illegal(f"order {key} is being cancelled by task {task.id}")
    return order


_GOING = {views.OrderState.ASSESSING_CANCELLATION, views.OrderState.PENDING_CANCELLATION}


def illegal(reason: str) -> errors.OrderRejected:
    """The refusal of what the order's state does not allow."""
    return errors.OrderRejected(reason, field="state", status=409, code="illegalState")


def _open(connection: sa.Connection, key: str) -> tuple[states.Transaction, ...]:
    of = tables.transaction
    asked = of.select().where(of.c.order_id == key, of.c.stage != states.Stage.CLOSED)
    rows = connection.execute(asked.order_by(of.c.position))
    return tuple(journal.of_row(row) for row in rows)


def _view(connection: sa.Connection, key: str) -> views.ServiceOrderView:
    view = order_views.view(connection, key)
    if view is None:
        raise errors.AgentError(f"order {key} was written and cannot be read back")
    return view
