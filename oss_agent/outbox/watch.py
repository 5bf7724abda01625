"""Decides who is late, dead or gone, and what is old enough to be forgotten: a slow look at it all."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.outbox import desk, news, pace, rows
from oss_agent.spi import clock, events, store

Removed = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of these receivers were taken away on purpose, so that nobody waits for them."""
_GONE: Final = "the listener was removed"
_FORGET_EVERY: Final = 3600.0
_UNIT: Final = 500


class Watch:
    """The role beside the dispatcher. Nothing here delivers; its figures are ``pace.Pace``'s."""

    def __init__(
        self,
        at: store.Store,
        removed: Removed,
        now: clock.Clock,
        report: news.Report,
        heed: news.Heed,
        patience: pace.Pace | None = None,
    ) -> None:
        self._store = at
        self._removed = removed
        self._clock = now
        self._report = report
        self._heed = heed
        self._pace = patience or pace.Pace()
        self._late: frozenset[str] = frozenset()
        self._started = False
        self._forget_at = 0.0
        self._log = structlog.stdlib.get_logger(__name__)

    async def run(self) -> None:
        """Role: look for ever."""
        while True:
            try:
                await self.look()
            except errors.StoreUnavailable as error:
                self._log.warning("the outbox's watch waits for the database", reason=str(error))
            await asyncio.sleep(self._pace.look)

    async def look(self) -> None:
        """One look: the removed are given up, the late are told of, the dead are stopped."""
        if not self._started:  # who was late before is not known: all who are not now are well
            self._late, self._started = await self._store.read(rows.everybody), True
        waiting = await self._store.read(rows.waiting)
        gone = await self._removed(await self._store.read(rows.receivers))
        for receiver in gone:
            await self._store.write(functools.partial(self._give_up, receiver=receiver))
        oldest = {name: at for name, at in waiting.items() if name not in gone}
        await self._store.write(functools.partial(self._judge, oldest=oldest))
        await self._forget()

    def _give_up(self, connection: sa.Connection, receiver: str) -> None:
        for entity in rows.give_up(connection, receiver, _GONE, self._clock.now()):
            self._heed(connection, news.Accepted(receiver, entity))
        self._heed(connection, news.Accepted(receiver, ""))
        self._heed(connection, news.Caught(receiver))

    def _judge(self, connection: sa.Connection, oldest: dict[str, datetime]) -> None:
        now = self._clock.now()
        stopped = rows.stopped(connection)
        late = frozenset(
            name
            for name, at in oldest.items()
            if name not in stopped and now - at >= self._pace.late
        )
        for name in sorted(late):
            if not self._stop_the_dead(connection, name, oldest[name], now):
                self._heed(connection, news.Late(name, oldest[name]))
        for name in sorted(self._late - late):
            self._heed(connection, news.Caught(name))
        self._late = late

    def _stop_the_dead(
        self, connection: sa.Connection, receiver: str, oldest: datetime, now: datetime
    ) -> bool:
        since = now - self._pace.give_up
        if oldest > since or not rows.silent_since(connection, receiver, since):
            return False
        reason = f"it has accepted nothing for {self._pace.give_up.total_seconds() / 86400:g} days"
        rows.stop(connection, receiver, reason, now)
        self._report(connection, news.Halt(receiver, events.Delivery.STOPPED, "", "", reason))
        self._heed(connection, news.Caught(receiver))
        return True

    async def _forget(self) -> None:
        """Read on a reader, deleted in small units: looking for them is the long part."""
        now = self._clock.monotonic()
        if now < self._forget_at:
            return
        self._forget_at = now + _FORGET_EVERY
        before = self._clock.now() - self._pace.keep
        while old := await self._store.read(functools.partial(desk.forgettable, before=before)):
            for first in range(0, len(old), _UNIT):
                some = old[first : first + _UNIT]
                await self._store.write(functools.partial(desk.forget, numbers=some))
