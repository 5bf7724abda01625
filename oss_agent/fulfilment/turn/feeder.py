"""Decides which transactions start a run now: pure ``ready``, and the role that carries it out.

Intake never starts work; it writes a row. The feeder looks every two seconds and when woken, takes
what is due in order of acceptance, a turn per tenant, within a bounded window, and hands it to the
motor. The run number is raised in the unit that makes a row ready, because the motor ignores a
second start of a number it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.fulfilment import limits, parts
from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.turn import cancels, clock_jumps
from oss_agent.spi import flow

_Found: TypeAlias = "sa.Row[str, str, int, str, datetime | None, datetime]"
_OF = tables.transaction.c
_ROW = sa.select(_OF.id, _OF.tenant, _OF.accepted, _OF.stage, _OF.wake_at, _OF.touched_at)
_AT_WORK = _ROW.where(_OF.stage == states.Stage.RUNNING)
# Written out, not bound: a planner takes a partial index only for a condition that it can read.
_IDLE = _OF.stage.in_([sa.literal_column("'queued'"), sa.literal_column("'waiting'")])
_NEXT_TENANT = (
    sa.select(_OF.tenant)
    .where(_IDLE, _OF.tenant > sa.bindparam("last"))
    .order_by(_OF.tenant)
    .limit(1)
    # Its planner would rather read and sort all that wait: 18 ms of each turn behind 9,000 orders.
    .with_hint(tables.transaction, "INDEXED BY ord_transaction_idle", "sqlite")
)
_FIRST_DUE = (
    _ROW.where(
        _IDLE,
        _OF.tenant == sa.bindparam("at_tenant"),
        sa.or_(
            _OF.stage == states.Stage.QUEUED,
            _OF.wake_at.is_(None),
            _OF.wake_at <= sa.bindparam("now"),
        ),
    )
    .order_by(_OF.accepted)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_RAISE = (
    tables.transaction.update()
    .where(_OF.id.in_(sa.bindparam("due", expanding=True)))
    .values(stage=states.Stage.RUNNING, run=_OF.run + 1)
    .returning(_OF.id, _OF.run)
)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Row:
    """What readiness depends on."""

    id: str
    tenant: str
    accepted: int
    stage: states.Stage
    wake_at: datetime | None
    touched_at: datetime


def ready(rows: Sequence[Row], now: datetime, bounds: limits.Limits) -> tuple[str, ...]:
    """Whose run starts now: due ones, first accepted first within a tenant, tenants in turn.

    The tenant with the fewest transactions in work is served first; at most ``in_flight`` run. A
    running one that gave no sign of life for ``stalled_after`` seconds is due again: nothing is
    'running' without a live owner.
    """
    due = sorted((row for row in rows if _due(row, now, bounds)), key=lambda row: row.accepted)
    waiting = {row.id for row in due}
    busy = Counter(
        row.tenant for row in rows if row.stage is states.Stage.RUNNING and row.id not in waiting
    )
    chosen: list[str] = []
    while due and busy.total() < bounds.in_flight:
        tenants = {row.tenant: row for row in reversed(due)}
        first = min(tenants.values(), key=lambda row: (busy[row.tenant], row.accepted))
        chosen.append(first.id)
        busy[first.tenant] += 1
        due.remove(first)
    return tuple(chosen)


def _due(row: Row, now: datetime, bounds: limits.Limits) -> bool:
    match row.stage:
        case states.Stage.QUEUED:
            return True
        case states.Stage.WAITING:
            return row.wake_at is None or row.wake_at <= now
        case states.Stage.RUNNING:
            # A clock that was set back makes the last sign of life lie ahead: that is no sign.
            return abs(now - row.touched_at) >= timedelta(seconds=bounds.stalled_after)
        case _:
            return False


class Feeder:
    """The role: rows in, runs out. The only caller of ``Flow.enqueue``."""

    def __init__(self, p: parts.Parts, motor: flow.Flow) -> None:
        self._p = p
        self._motor = motor
        self._owed: list[tuple[str, int]] = []
        self._in_doubt = False

    def wake(self) -> None:
        """Look now, not at the next turn."""
        self._p.bell.set()

    async def run(self) -> None:
        """Feed until cancelled."""
        log = structlog.get_logger()
        while True:
            try:
                await self.feed()
            except errors.StoreUnavailable as trouble:
                log.warning("feeder: store unavailable, trying again", reason=str(trouble))
            await self._pause()

    async def feed(self) -> int:
        """One turn; how many runs were started."""
        await self._collect()
        started = 0
        while self._owed:
            await self._motor.enqueue(*self._owed[0])
            del self._owed[0]
            started += 1
        return started

    async def _collect(self) -> None:
        """Raise what is due.

        A unit whose answer was lost may be committed all the same: then every running row is told
        to the motor again, which knows a run by its number.
        """
        if self._in_doubt:
            self._owed = await self._p.journal.read(_running)
            self._in_doubt = False
        try:
            self._owed += await self._p.journal.write("ready", self._take)
        except errors.StoreUnavailable:
            self._in_doubt = True
            raise

    def _take(self, connection: sa.Connection) -> list[tuple[str, int]]:
        clock_jumps.catch_up(connection, self._p.clock)
        cancels.assess_due(connection, self._p)
        now = self._p.clock.now()
        due = ready(candidates(connection, now, self._p.limits), now, self._p.limits)
        if not due:
            return []
        raised = connection.execute(_RAISE, {"due": due, "touched_at": now})
        runs = {row.id: row.run for row in raised}
        return [(name, runs[name]) for name in due]

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._p.limits.feed_every):
                await self._p.bell.wait()
        self._p.bell.clear()


def _running(connection: sa.Connection) -> list[tuple[str, int]]:
    table = tables.transaction
    asked = sa.select(table.c.id, table.c.run).where(table.c.stage == states.Stage.RUNNING)
    return [(row.id, row.run) for row in connection.execute(asked.order_by(table.c.accepted))]


def candidates(connection: sa.Connection, now: datetime, bounds: limits.Limits) -> list[Row]:
    """Those at work, and of each tenant the first that are due: of the others none can be chosen.

    To read all that wait would cost each order as much as there are orders behind it.
    """
    rows = [_row(row) for row in connection.execute(_AT_WORK)]
    if sum(not _due(row, now, bounds) for row in rows) >= bounds.in_flight:
        return rows
    asked = {"now": now, "most": bounds.in_flight}
    for tenant in tenants(connection):
        first = connection.execute(_FIRST_DUE, asked | {"at_tenant": tenant})
        rows += [_row(row) for row in first]
    return rows


def tenants(connection: sa.Connection) -> Iterator[str]:
    """Whoever has something that waits, one look each however much that is."""
    last: str | None = ""
    while last is not None:
        last = connection.execute(_NEXT_TENANT, {"last": last}).scalar()
        if last is not None:
            yield last


def _row(row: _Found) -> Row:
    stage = states.Stage(row.stage)
    return Row(row.id, row.tenant, row.accepted, stage, row.wake_at, row.touched_at)
