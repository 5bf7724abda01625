"""The role that looks whether open orders will be ready as promised, and says so before they are not.

It reads beside the writer and writes only what is news: an alert, or a promise that moves. Looking
costs at most a twentieth of the time, however many orders are open.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import (
    announce,
    order_rows,
    order_views,
    product_moves,
    product_rows,
)
from oss_agent.fulfilment.turn import estimate, jeopardy, line, outlook, promises
from oss_agent.spi import clock, events, views

_PROMISED: Final = ("expectedCompletionDate",)

_PAGE = 200
"""Orders that one read looks at."""
_AT_ONCE = 10
"""News in one unit: whoever orders meanwhile waits for all of it."""
_REST = 20.0
"""So many times as long as a look took is rested."""
_SLACK = timedelta(seconds=2)
"""A promise is told anew when the wall clock was set by more than this."""


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told of an order; ``was`` is the promise as it stood when it was looked at."""

    order: str
    was: datetime | None
    alert: views.JeopardyView | None
    moved: promises.Promise | None
    why: str = ""


class Watch:
    """The only one who tells of jeopardy and moves promises."""

    def __init__(self, p: parts.Parts) -> None:
        self._p = p

    async def run(self) -> None:
        """Look until cancelled."""
        log = structlog.get_logger()
        while True:
            began, took = self._p.clock.monotonic(), 0.0
            try:
                try:
                    await self.look()
                finally:
                    took = self._p.clock.monotonic() - began
            except errors.StoreUnavailable as trouble:
                log.warning("promises: store unavailable, trying again", reason=str(trouble))
            except Exception:
                # To warn is a courtesy: a fault here must not take the orders themselves down.
                log.exception("promises: a look failed")
            await asyncio.sleep(max(self._p.limits.watch_every, _REST * took))

    async def look(self) -> int:
        """Every open order once; how much news there was."""
        every = await self._p.journal.read(outlook.open_orders)
        in_line = await self._p.journal.read(lambda c: line.of(c, self._p)) if every else {}
        found = 0
        for first in range(0, len(every), _PAGE):
            found += await self._look_at(every[first : first + _PAGE], in_line)
        return found

    async def _look_at(self, orders: Sequence[str], in_line: Mapping[str, line.InLine]) -> int:
        news = await self._p.journal.read(lambda c: self._news(c, orders, in_line))
        for first in range(0, len(news), _AT_ONCE):
            some = news[first : first + _AT_ONCE]
            await self._p.journal.write("news", functools.partial(self._tell, news=some))
        return len(news)

    def _tell(self, connection: sa.Connection, news: Sequence[News]) -> None:
        for one in news:
            tell(connection, self._p, one)

    def _news(
        self,
        connection: sa.Connection,
        orders: Sequence[str],
        in_line: Mapping[str, line.InLine],
    ) -> tuple[News, ...]:
        found = outlook.of(connection, orders, self._p.clock, in_line)
        judged = (judge(one, self._p, self._p.clock.now()) for one in found)
        return tuple(one for one in judged if one is not None)


def judge(seen: outlook.Outlook, p: parts.Parts, now: datetime) -> News | None:
    """What is news of an order: judged as it will stand when it is looked at the next time."""
    row = seen.row
    promised = promises.standing(row, p.clock)
    soon = estimate.estimate(seen.works, now + timedelta(seconds=2 * p.limits.watch_every))
    told = [views.Jeopardy(one["level"]) for one in row.jeopardy]
    alert = jeopardy.alert(soon, _dues(row, promised), told, seen.why, seen.items, now)
    moved = None
    if promised is not None and soon.soonest > promised:
        due = jeopardy.promise(soon.late, seen.ready, now, p.limits.promise_slack)
        moved = promises.lasting(due, p.clock)
    elif promised is not None and abs(promised - row.expected_completion) > _SLACK:
        moved = promises.lasting(promised, p.clock)
    if alert is None and moved is None:
        return None
    return News(row.id, row.expected_completion, alert, moved, seen.why)


def _dues(row: sa.Row[tuple[object, ...]], promised: datetime | None) -> list[jeopardy.Due]:
    """The promise, and the date the client asked for unless it was past when we accepted."""
    dues = [] if promised is None else [jeopardy.Due(jeopardy.PROMISE, promised)]
    wish: datetime | None = row.requested_completion
    if wish is not None and wish > row.order_date:
        dues.append(jeopardy.Due(jeopardy.WISH, wish))
    return dues


def tell(connection: sa.Connection, p: parts.Parts, news: News) -> None:
    """Store it on the order and tell it, unless the order ended or was told of meanwhile."""
    row, at = order_rows.row_of(connection, news.order), p.clock.now()
    if views.OrderState(row.state).final:
        return
    if news.alert is not None and news.alert.level not in [one["level"] for one in row.jeopardy]:
        told = [*row.jeopardy, views.as_json(news.alert)]
        order_rows.set_order(connection, news.order, jeopardy=told)
        _note(connection, row, at, f"in jeopardy ({news.alert.level}): {news.alert.message}")
        kind = events.EventKind.SERVICE_ORDER_JEOPARDY
        _announce(connection, p, kind, news.order, f"{news.alert.level}", at)
    if news.moved is not None and row.expected_completion == news.was:
        _move(connection, p, row, news.moved, news.why, at)


def promise_anew(connection: sa.Connection, p: parts.Parts, order: str, at: datetime) -> None:
    """What was promised, made anew: its date was changed by whoever asked. They tell of the change."""
    for seen in outlook.of(connection, [order], p.clock, line.of(connection, p)):
        if seen.row.expected_completion is not None:
            late = estimate.late(seen.works, at)
            due = jeopardy.promise(late, seen.ready, at, p.limits.promise_slack)
            later = seen.ready > at
            to = promises.Promise(due, None) if later else promises.lasting(due, p.clock)
            order_rows.set_order(connection, order, **to.columns())


def _move(
    connection: sa.Connection,
    p: parts.Parts,
    row: sa.Row[tuple[object, ...]],
    to: promises.Promise,
    why: str,
    at: datetime,
) -> None:
    order_rows.set_order(connection, row.id, **to.columns())
    date = clock.rfc3339(to.at)
    _note(connection, row, at, f"promised for {date} now" + (f": {why}" if why else ""))
    kind = events.EventKind.SERVICE_ORDER_CHANGE
    _announce(connection, p, kind, row.id, f"promise-{date}", at, _PROMISED)
    above = product_rows.of_service_order(connection, row.id)
    if above is not None:
        kind = events.EventKind.PRODUCT_ORDER_CHANGE
        product_moves.tell(connection, p.events, kind, above.id, at, _PROMISED)


def _note(
    connection: sa.Connection, row: sa.Row[tuple[object, ...]], at: datetime, text: str
) -> None:
    order_rows.note(connection, order=row.id, tenant=row.tenant, at=at, text=text)


def _announce(
    connection: sa.Connection,
    p: parts.Parts,
    kind: events.EventKind,
    order: str,
    mark: str,
    at: datetime,
    changed: tuple[str, ...] = (),
) -> None:
    view = order_views.view(connection, order)
    if view is not None:
        announce.of_order(connection, p.events, kind, view, at, mark=mark, changed=changed)


def state_of(connection: sa.Connection, p: parts.Parts, order: str) -> str:
    """Whether what was promised will be kept, or why nothing was, as sentences; "" of what has ended."""
    found = outlook.of(connection, [order], p.clock, line.of(connection, p))
    if not found:
        return ""
    seen = found[0]
    dues = _dues(seen.row, promises.standing(seen.row, p.clock))
    withheld = seen.row.unpromised
    unsaid = promises.Withheld(withheld).words if withheld else ""
    return " ".join(filter(None, (_kept(dues, seen, p.clock), unsaid)))


def _kept(dues: Sequence[jeopardy.Due], seen: outlook.Outlook, time: clock.Clock) -> str:
    if not dues:
        return ""
    expected = estimate.estimate(seen.works, time.now())
    due = min(dues, key=lambda one: one.at)
    level = jeopardy.level(expected, due.at)
    if level is not None:
        return jeopardy.words(level, expected, due, "")
    by = clock.rfc3339(expected.late)
    return f"{due.name} {clock.rfc3339(due.at)} holds: it is expected by {by}."
