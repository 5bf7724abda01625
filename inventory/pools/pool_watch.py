"""Decides when a pool is short, and tells it: at a part used, or at the days left by its own history.

A pool that was short stays so until it is well below both, so that one value that comes and goes
calls nobody twice. Whether it is short is a row beside the pool, written in the unit that tells.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import sqlalchemy as sa

from inventory.pools import pool_views, pools
from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.spi import clock, store
from oss_agent.spi.pools import PoolView

_EVERY: Final = 300.0
"""Seconds between two looks: each has the database count the claims that stand, and those of ninety days."""
_BELOW: Final = 0.05
"""How much less than its bound must be used before a pool is not short any more."""
_LONGER: Final = 1.5
"""How many times as many days must be left."""
_C = tables.pool_shortages.c
_SHORT = sa.select(tables.pool_shortages).where(history.current(tables.pool_shortages))


@dataclass(frozen=True, slots=True)
class Bounds:
    """A pool is short from ``used`` (0 to 1) on, or when its forecast says fewer ``days``."""

    used: float = 0.9
    days: float = 14.0


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a pool is short, and whether nothing at all is left; "" when it is not short any more."""

    pool: str
    tenant: str
    why: str
    full: bool = False


Tell: TypeAlias = Callable[[sa.Connection, Shortage], None]
"""Told in the unit that writes it."""


def shortage(view: PoolView, bounds: Bounds, *, short: bool) -> str:
    """Why a pool is short, ``short`` when it was before; "" when it is not. Pure."""
    used = round(bounds.used - (_BELOW if short else 0.0), 4)
    days = bounds.days * (_LONGER if short else 1.0)
    if view.free <= 0:
        return "nothing of it is left"
    if view.used >= used:
        return f"{100 * view.used:.1f} % of it cannot be had, {view.free} of {view.size} are left"
    ahead = view.forecast
    if ahead is not None and ahead.days is not None and ahead.days < days:
        return f"it will be full in {ahead.days:g} days ({ahead.why}); {view.free} are left"
    return ""


class PoolWatch:
    """Looks for ever. ``bounds`` by pool; one that is not named has the usual ones."""

    def __init__(
        self, rows: store.Store, time: clock.Clock, tell: Tell, bounds: Mapping[str, Bounds]
    ) -> None:
        self._rows = rows
        self._time = time
        self._tell = tell
        self._bounds = bounds

    async def run(self) -> None:
        """What a database that is away leaves undone, the next look does."""
        while True:
            with contextlib.suppress(errors.StoreUnavailable):
                await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> tuple[Shortage, ...]:
        """Note and tell which pools became short, full, or neither. A look without news writes nothing."""
        news = await self._rows.read(self._news)
        if news:
            await self._rows.write(lambda connection: self._note(connection, news))
        return news

    def _news(self, connection: sa.Connection) -> tuple[Shortage, ...]:
        before = {row["pool"]: row["full"] for row in connection.execute(_SHORT).mappings()}
        found = [
            self._judged(connection, one, short=one.name in before)
            for one in pools.rows(connection)
        ]
        return tuple(
            one
            for one in found
            if bool(one.why) != (one.pool in before) or one.full != before.get(one.pool, False)
        )

    def _judged(self, connection: sa.Connection, pool: pools.Pool, *, short: bool) -> Shortage:
        view = pool_views.view(connection, pool, self._time.now(), ahead=True)
        why = shortage(view, self._bounds.get(pool.name, Bounds()), short=short)
        return Shortage(pool.name, pool.tenant, why, full=view.free <= 0)

    def _note(self, connection: sa.Connection, news: tuple[Shortage, ...]) -> None:
        at = self._time.now()
        for one in news:
            if one.why:
                facts = {"tenant": one.tenant, "why": one.why, "full": one.full}
                history.put(connection, tables.pool_shortages, {"pool": one.pool}, facts, at)
            else:
                history.end(connection, tables.pool_shortages, _C.pool == one.pool, at)
            self._tell(connection, one)
