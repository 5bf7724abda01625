"""What is left of open orders and what stands in their way, read from their rows as values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from oss_agent.fulfilment.record import dependencies, pace, states, tables
from oss_agent.fulfilment.turn import estimate, line, promises
from oss_agent.spi import clock, views

_OPEN = (
    views.OrderState.ACKNOWLEDGED,
    views.OrderState.IN_PROGRESS,
    views.OrderState.PENDING,
    views.OrderState.HELD,
)
"""What is being cancelled keeps no promise any more."""
_AT_WORK = (states.Stage.RUNNING, states.Stage.MEMBER)
_Rows: TypeAlias = Mapping[str, list[sa.Row[Any]]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """An open order: its row, the work that is left, and of which items.

    ``why`` is what it waits for, "" when it is worked on; ``ready`` since when it could be worked on.
    """

    row: sa.Row[Any]
    works: tuple[estimate.Work, ...]
    items: tuple[str, ...]
    why: str
    ready: datetime


def open_orders(connection: sa.Connection) -> tuple[str, ...]:
    """Orders with work left, by their transactions: those that have ended cost nothing."""
    c = tables.transaction.c
    stages = [one for one in states.Stage if one is not states.Stage.CLOSED]
    asked = sa.select(c.order_id).where(c.stage.in_(stages)).distinct()
    return tuple(connection.execute(asked.order_by(c.order_id)).scalars())


def of(
    connection: sa.Connection,
    orders: Collection[str],
    time: clock.Clock,
    in_line: Mapping[str, line.InLine],
) -> tuple[Outlook, ...]:
    """Those of these orders that are open; a fixed number of statements. ``in_line`` is by transaction."""
    c = tables.order.c
    asked = tables.order.select().where(c.id.in_(orders), c.state.in_(_OPEN))
    rows = connection.execute(asked).all()
    items = _items(connection, [row.id for row in rows])
    before = _before(connection, list(items), time)
    paces: dict[pace.Key, pace.Pace] = {}
    for tenant in {row.tenant for row in rows}:
        names = {i.specification_id for row in rows for i in items.get(row.id, ())}
        paces |= pace.of(connection, tenant, names)
    return tuple(
        _outlook(row, items[row.id], before[row.id], paces, in_line, time.now())
        for row in rows
        if row.id in items
    )


def _items(connection: sa.Connection, orders: Sequence[str]) -> _Rows:
    """Open items with their transactions."""
    item, of_ = tables.item, tables.transaction
    asked = (
        sa.select(item, of_.c.id, of_.c.stage, of_.c.attempt, of_.c.touched_at)
        .add_columns(of_.c.wait_reason, of_.c.wait_until, of_.c.wait_kind)
        .join(of_, sa.and_(of_.c.order_id == item.c.order_id, of_.c.position == item.c.position))
        .where(item.c.order_id.in_(orders), of_.c.stage != states.Stage.CLOSED)
        .order_by(item.c.order_id, item.c.position)
    )
    found: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in connection.execute(asked):
        found[row.order_id].append(row)
    return found


@dataclass(frozen=True, slots=True)
class _Before:
    """What the items of an order come after: by position, own positions and others' promises."""

    own: Mapping[int, list[int]]
    others: Mapping[int, list[datetime]]


def _before(
    connection: sa.Connection, orders: Sequence[str], time: clock.Clock
) -> defaultdict[str, _Before]:
    order, d = tables.order, tables.dependency.c
    asked = (
        sa.select(order, d.order_id, d.position, d.on_position)
        .join(tables.dependency, d.on_order == order.c.id)
        .where(d.order_id.in_(orders))
    )
    found: defaultdict[str, _Before] = defaultdict(
        lambda: _Before(defaultdict(list), defaultdict(list))
    )
    for row in connection.execute(asked):
        mine = found[row.order_id]
        due = None if views.OrderState(row.state).final else promises.standing(row, time)
        if row.id == row.order_id and row.on_position != dependencies.WHOLE:
            mine.own[row.position].append(row.on_position)
        elif due is not None:
            mine.others[row.position].append(due)
    return found


def _outlook(
    row: sa.Row[Any],
    items: Sequence[sa.Row[Any]],
    before: _Before,
    paces: Mapping[pace.Key, pace.Pace],
    in_line: Mapping[str, line.InLine],
    now: datetime,
) -> Outlook:
    ready: datetime = max(row.order_date, row.requested_start or row.order_date)
    # not its order date: a wall clock that was set back has that before it
    start: datetime = row.requested_start or now
    works = tuple(
        estimate.Work(
            position=item.position,
            pace=paces.get((row.tenant, item.specification_id, item.action), pace.Pace()),
            not_before=max([start, *_dates(item), *before.others.get(item.position, ())]),
            after=tuple(before.own.get(item.position, ())),
            in_line=in_line.get(item.id, {}),
            **_progress(item, ready, now),
        )
        for item in items
    )
    until = [date for item in items for date in _dates(item)]
    why = next((item.wait_reason for item in items if item.wait_reason), "")
    return Outlook(row, works, tuple(one.item_id for one in items), why, max([ready, *until]))


def _dates(item: sa.Row[Any]) -> tuple[datetime, ...]:
    """What its wait says; its start date is the order's own, which may have been amended since."""
    until: datetime | None = item.wait_until
    if until is None or item.wait_kind == states.WaitKind.START:
        return ()
    return (until,)


def _progress(item: sa.Row[Any], ready: datetime, now: datetime) -> dict[str, Any]:
    """How many steps have ended, and seconds in the one it is in: what is done again begins anew."""
    if item.stage == states.Stage.WAITING:
        return {"done": 1}
    if item.stage not in _AT_WORK:
        return {"passed": (now - ready).total_seconds()}
    done, passed = line.at_work(item, now)
    return {"done": done, "passed": passed}
