"""``spi.pools.Pools`` over the store: the operator's reservations, and the watch over what is over.

A reservation's key is the operator's word behind ``reservation.``, so that none is a service's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from inventory.pools import pool_absence, pool_claims, pool_free, pool_sql, pool_views, pools
from inventory.rows import history, tables
from inventory.services import resource_events
from oss_agent import errors
from oss_agent.spi import audit, clock, events, store
from oss_agent.spi.moments import AsOf
from oss_agent.spi.pools import ClaimView, PoolView

_EVERY: Final = 60.0
"""Seconds between two looks at reservations that are over and at rests that nobody saw through."""
_BATCH: Final = 500
"""Claims that one unit looks at, at most: others wait for the same writer."""
_PREFIX: Final = "reservation."
_C = tables.pool_claims.c
_OVER = (
    sa.select(tables.pool_claims)
    .where(history.current(tables.pool_claims), pool_sql.EXPIRED)
    .limit(_BATCH)
)
_RESTING = sa.select(tables.pool_claims).where(pool_sql.UNSEEN)
_UNSEEN = _RESTING.order_by(_C.released_at.desc()).limit(_BATCH)
_STILL = _RESTING.where(_C.row.in_(sa.bindparam("rows", expanding=True)))


class PoolDesk:
    """Looks and reservations. ``sink`` is told what becomes of values, as of other resources."""

    def __init__(
        self,
        store: store.Store,
        clock: clock.Clock,
        sink: events.EventSink | None = None,
        told: audit.Audit = audit.nobody_listens,
    ) -> None:
        self._store = store
        self._audit = told
        self._clock = clock
        self._resources = resource_events.Teller(sink)

    async def list(self, tenant: str, when: AsOf | None = None) -> tuple[PoolView, ...]:
        """Every pool, now or as of a moment, without forecasts."""
        at = self._clock.now()
        return await self._store.read(lambda c: pool_views.listing(c, tenant, at, when))

    async def get(self, tenant: str, name: str, when: AsOf | None = None) -> PoolView:
        """One pool, with its forecast, as of a moment without; NotFound."""
        at = self._clock.now()

        def read(connection: sa.Connection) -> PoolView:
            pool = pool_views.found(connection, tenant, name, when)
            return pool_views.view(connection, pool, at, ahead=when is None, when=when)

        return await self._store.read(read)

    async def forecasts(self, tenant: str) -> tuple[PoolView, ...]:
        """Every pool with its forecast, the one that is full first at the head."""
        at = self._clock.now()

        def read(connection: sa.Connection) -> tuple[PoolView, ...]:
            mine = [one for one in pools.rows(connection) if one.tenant == tenant]
            seen = [pool_views.view(connection, one, at, ahead=True) for one in mine]
            return tuple(sorted(seen, key=_days))

        return await self._store.read(read)

    async def claims(
        self, tenant: str, name: str, when: AsOf | None = None
    ) -> tuple[ClaimView, ...]:
        """What of a pool is not free, now or as of a moment, by value; NotFound."""
        at = self._clock.now()

        def read(connection: sa.Connection) -> tuple[ClaimView, ...]:
            pool = pool_views.found(connection, tenant, name, when)
            return pool_views.claims(connection, pool, at, when)

        return await self._store.read(read)

    async def reserve(
        self,
        tenant: str,
        name: str,
        *,
        key: str,
        wanted: str | None,
        seconds: float,
        by: str = "",
    ) -> ClaimView:
        """Keep a value until an order names it, or the time is over."""
        at, of = self._clock.now(), _PREFIX + key
        until = at + timedelta(seconds=seconds)

        def unit(connection: sa.Connection) -> ClaimView:
            pool = pool_views.found(connection, tenant, name)
            with self._resources.around(connection, _some(of), at):
                pool_claims.claim(connection, pool=name, key=of, wanted=wanted, at=at, until=until)
            held = connection.execute(pool_sql.HELD, {**pool.at(at), "at_key": of})
            view = pool_views.claim(pool, held.mappings().one())
            detail = {"key": key, "value": view.value, "until": until.isoformat()}
            self._audit(connection, audit.Deed(tenant, at, by, "reserve", f"pool:{name}", detail))
            return view

        return await self._store.write(unit)

    async def forgo(self, tenant: str, name: str, *, key: str, by: str = "") -> None:
        """Give a reservation back before its time. Safe twice."""
        at, of = self._clock.now(), _PREFIX + key

        def unit(connection: sa.Connection) -> None:
            pool = pool_views.found(connection, tenant, name)
            asked = {**pool.at(at), "at_key": of}
            held = connection.execute(pool_sql.HELD, asked).mappings().all()
            with self._resources.around(connection, _some(of), at):
                history.end_rows(connection, tables.pool_claims, held, at)
                pool_free.ended(connection, held)
            if held:
                detail = {"key": key, "value": pool_claims.text_of(held[0])}
                deed = audit.Deed(tenant, at, by, "forgo", f"pool:{name}", detail)
                self._audit(connection, deed)

        await self._store.write(unit)

    async def run(self) -> None:
        """Look for ever; what a database that is away leaves undone, the next look does."""
        while True:
            with contextlib.suppress(errors.StoreUnavailable):
                await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> int:
        """End reservations that are over, and note which rests the devices are seen to be without.

        Returns how many claims that was. What devices have is looked through beside the writer, and
        a look that finds nothing writes nothing.
        """
        at = self._clock.now()
        over, gone = await self._store.read(lambda c: (_is_any_over(c, at), _gone(c)))
        if not over and not gone:
            return 0
        return await self._store.write(lambda c: self._settle(c, gone, at))

    def _settle(self, connection: sa.Connection, gone: Mapping[int, str], at: datetime) -> int:
        over = connection.execute(_OVER, {"now": at}).mappings().all()
        keys = frozenset(row["key"] for row in over)
        with self._resources.around(connection, resource_events.Some(keys=keys), at):
            history.end_rows(connection, tables.pool_claims, over, at)
            pool_free.ended(connection, over)
        # Whatever was claimed again meanwhile is another row.
        still = connection.execute(_STILL, {"rows": list(gone)}).mappings().all()
        facts = [(row, {"absent_at": at, "absence": gone[row["row"]]}) for row in still]
        history.replace(connection, tables.pool_claims, facts, at)
        return len(over) + len(still)


def _is_any_over(connection: sa.Connection, at: datetime) -> bool:
    return connection.execute(_OVER, {"now": at}).first() is not None


def _gone(connection: sa.Connection) -> dict[int, str]:
    """What shows of resting values that they are gone, by row."""
    rows = connection.execute(_UNSEEN).mappings().all()
    seen = [
        (row["row"], pool_absence.evidence(connection, row, pool_claims.text_of(row)))
        for row in rows
    ]
    return {row: what for row, what in seen if what is not None}


def _some(key: str) -> resource_events.Some:
    return resource_events.Some(keys=frozenset({key}))


def _days(view: PoolView) -> tuple[bool, float, str]:
    days = view.forecast.days if view.forecast is not None else None
    return (days is None, days or 0.0, view.name)
