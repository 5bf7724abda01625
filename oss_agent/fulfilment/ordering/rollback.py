"""Undoes what an order had completed, because one of its items failed: by an order of our own.

That order has one item for each completed one, newest first, each after the one before it; it runs
through the same transaction as every order. The failed item waits for it and ends failed when all
is undone. What the undo leaves standing is said, and a person decides again.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import compensation
from oss_agent.fulfilment.ordering import conclude, fallout, intake
from oss_agent.fulfilment.record import (
    fallout_rows,
    journal,
    milestones,
    order_rows,
    order_views,
    participant_rows,
    states,
    tables,
)
from oss_agent.spi import fallout as spi_fallout
from oss_agent.spi import orders, views

_LOOK = timedelta(hours=1)
"""Longest sleep behind the order that undoes: its end wakes us, so a look is only a precaution."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rollback would do: the order (None: nothing is left to undo), in words, or why not."""

    request: orders.OrderRequest | None
    undone: tuple[tuple[int, compensation.Undo], ...]
    obstacles: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """A sentence for each completed item, in the order they are undone."""
        return tuple(one.words for _, one in self.undone)


def plan(connection: sa.Connection, p: parts.Parts, mine: states.Transaction) -> Plan:
    """What is undone, and what stands in the way of it; writes nothing."""
    obstacles = [*busy(connection, mine)]
    undone: list[tuple[int, compensation.Undo]] = []
    for position in _completed(connection, mine.order):
        done = order_rows.request_of(connection, mine.order, position)
        try:
            undo = compensation.undo(connection, p, mine.tenant, done, (mine.order, position))
        except errors.OrderRejected as impossible:
            obstacles.append(impossible.reason)
        else:
            undone.append((position, undo))
    request = _request(connection, mine, [one.item for _, one in undone if one.item is not None])
    if request is not None:
        try:
            intake.judged(connection, p, request)
        except errors.OrderRejected as refused:
            obstacles.append(f"the order that would undo it is refused: {refused.reason}")
    return Plan(request, tuple(undone), tuple(obstacles))


def begin(
    connection: sa.Connection, p: parts.Parts, mine: states.Transaction, at: datetime
) -> str | None:
    """Begin it; the id of the order that undoes, None when nothing was left to undo.

    OrderRejected (409) with all that stands in the way; nothing has changed then.
    """
    wanted = plan(connection, p, mine)
    if wanted.obstacles:
        reason = "; ".join(wanted.obstacles)
        raise errors.OrderRejected(
            f"order {mine.order} cannot be rolled back: {reason}", status=409, code="cannotUndo"
        )
    _end_others(connection, p, mine, at)
    for position, undo in wanted.undone:
        if undo.item is None:
            _mark(connection, p, mine.order, position, at)
    if wanted.request is None:
        _end(connection, p, mine, "nothing of it was left to undo")
        return None
    request, found = intake.judged(connection, p, wanted.request)
    order = intake.accept(connection, p, request, found).order.id
    order_rows.set_order(connection, mine.order, undone_by=order)
    was = fallout.failure(connection, p, mine)
    conclude.say(connection, mine, at, f"order {order} undoes: {'; '.join(wanted.words)}")
    conclude.move_item(connection, p, mine, views.OrderState.IN_PROGRESS, at, was)
    why = states.Wait(
        reason=f"order {order}, which undoes what it had completed",
        since=at,
        wake_at=at + _LOOK,
        who=f"whoever can help order {order} on",
        kind=states.WaitKind.UNDO,
    )
    journal.wait(connection, mine, why)
    return order


def judge(
    connection: sa.Connection,
    p: parts.Parts,
    mine: states.Transaction,
    wait: states.Wait,
    at: datetime,
) -> None:
    """What became of the undo: it ends the item, or brings it before a person again."""
    order: str = order_rows.row_of(connection, mine.order).undone_by
    view = order_views.view(connection, order)
    if view is None or not view.state.final:
        journal.wait(connection, mine, dataclasses.replace(wait, wake_at=at + _LOOK))
        return
    _mark_undone(connection, p, mine.order, view, at)
    if view.state is views.OrderState.COMPLETED:
        _end(connection, p, mine, f"what was completed is undone by order {order}")
        return
    why = f": {view.error.message}" if view.error else ""
    cause = fallout_rows.UNDO_FAILED
    was = fallout.failure(connection, p, mine)
    message = f"order {order}, which was to undo what was completed, is {view.state}{why}"
    fallout.keep(
        connection, p, mine, dataclasses.replace(was, code=cause, reason=cause, message=message)
    )


def _end(connection: sa.Connection, p: parts.Parts, mine: states.Transaction, what: str) -> None:
    was = fallout.failure(connection, p, mine)
    error = dataclasses.replace(was, message=f"{was.message} ({what})")
    conclude.without_change(connection, p, mine, views.OrderState.FAILED, error)


def _completed(connection: sa.Connection, order: str) -> tuple[int, ...]:
    """Positions of what is completed and still stands, newest first."""
    item, of = tables.item, tables.transaction
    asked = (
        sa.select(item.c.position, item.c.milestones)
        .join(of, sa.and_(of.c.order_id == item.c.order_id, of.c.position == item.c.position))
        .where(
            item.c.order_id == order,
            item.c.state == views.OrderState.COMPLETED,
            item.c.action != views.ItemAction.NO_CHANGE,
        )
        .order_by(of.c.closed_at.desc(), item.c.position.desc())
    )
    rows = connection.execute(asked)
    return tuple(row.position for row in rows if not order_rows.is_undone(row.milestones))


def _others(connection: sa.Connection, mine: states.Transaction) -> list[states.Transaction]:
    of = tables.transaction
    asked = of.select().where(
        of.c.order_id == mine.order, of.c.id != mine.id, of.c.stage != states.Stage.CLOSED
    )
    rows = connection.execute(asked.order_by(of.c.position))
    return [journal.of_row(row) for row in rows]


def busy(connection: sa.Connection, mine: states.Transaction) -> list[str]:
    """Items that are being worked on: their end must be waited for."""
    found: list[str] = []
    for one in _others(connection, mine):
        settled = all(part.state.final for part in participant_rows.of(connection, one))
        if one.stage is not states.Stage.WAITING or not settled:
            item = order_rows.request_of(connection, one.order, one.position).id
            found.append(f"item {item} is being worked on: try again when it has ended")
    return found


def _end_others(
    connection: sa.Connection, p: parts.Parts, mine: states.Transaction, at: datetime
) -> None:
    """What never began ends cancelled, what failed too ends so: nobody goes on with this order."""
    item = order_rows.request_of(connection, mine.order, mine.position).id
    for one in _others(connection, mine):
        taken = journal.adopt(connection, one.id, at)
        if taken is None:
            continue
        if taken.wait is not None and taken.wait.kind is states.WaitKind.FALLOUT:
            was = fallout.failure(connection, p, taken)
            conclude.without_change(connection, p, taken, views.OrderState.FAILED, was)
            continue
        message = f"item {item} failed and its order is rolled back: nothing was sent for this one"
        error = views.ErrorView("rolledBack", f"item {item} failed", message, at)
        conclude.without_change(connection, p, taken, views.OrderState.CANCELLED, error)


def _request(
    connection: sa.Connection, mine: states.Transaction, items: Sequence[orders.ItemRequest]
) -> orders.OrderRequest | None:
    """The order that undoes: its items one after another."""
    if not items:
        return None
    row = order_rows.row_of(connection, mine.order)
    before: tuple[str, ...] = ()
    chain: list[orders.ItemRequest] = []
    for number, item in enumerate(items):
        path = f"{'orderItem' if item.resource else 'serviceOrderItem'}[{number}]"
        chain.append(dataclasses.replace(item, path=path, after=before))
        before = (item.id,)
    related: dict[str, Any] = {"id": mine.order, "relationshipType": "cross-ref"}
    related["@type"] = "ServiceOrderRelationship"
    resources = orders.of_resources(mine.order)  # TMF652 has no such relationship
    return orders.OrderRequest(
        tenant=mine.tenant,
        requester=row.requester,
        items=tuple(chain),
        body_digest=hashlib.sha256(repr(chain).encode()).hexdigest(),
        description=f"undoes what order {mine.order} had completed",
        fallout=spi_fallout.Policy.FAIL,
        extra={} if resources else {"orderRelationship": [related]},
    )


def _mark_undone(
    connection: sa.Connection,
    p: parts.Parts,
    order: str,
    undo: views.ServiceOrderView,
    at: datetime,
) -> None:
    """The items of the undo have the ids of those that they undo."""
    undone = {one.id for one in undo.items if one.state is views.OrderState.COMPLETED}
    for position in _completed(connection, order):
        if order_rows.request_of(connection, order, position).id in undone:
            _mark(connection, p, order, position, at)


def _mark(
    connection: sa.Connection, p: parts.Parts, order: str, position: int, at: datetime
) -> None:
    mark = {milestones.Milestone.ROLLED_BACK: at}
    reached = milestones.reach(connection, order, position, mark)
    milestones.tell(connection, p.events, order, position, reached, at)
