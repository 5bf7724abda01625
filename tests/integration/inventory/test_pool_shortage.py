"""A pool that runs out is an alarm before it is full, once, and it ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from inventory.pools import pool_claims, pool_desk, pool_watch, pools
from oss_agent import clock, outbox, store
from oss_agent.app import complaints
from oss_agent.assurance import alarm_rows, alarms, tables
from oss_agent.spi import alarms as spi_alarms
from oss_agent.spi import events
from oss_agent.spi.pools import ForecastView, PoolView
from oss_agent.spi.views import AlarmView

_AT = datetime(2026, 11, 22, tzinfo=UTC)
_BOUNDS = pool_watch.Bounds(used=0.9, days=14.0)
_KEY = spi_alarms.AlarmKey("pool:vni", "qualityOfServiceAlarm", "resourceAtOrNearingCapacity")


class _Clock(clock.SystemClock):
    at = _AT

    def now(self) -> datetime:
        return self.at


class _Scene:
    """A pool of twenty values; ``told`` are the events about its alarm."""

    def __init__(self, rows: store.SqlStore) -> None:
        self.rows, self.time = rows, _Clock()
        self.told: list[events.EventKind] = []
        said = complaints.Complaints(rows, self.time)
        said.go_to(alarms.AlarmDesk(lambda _, event: self.told.append(event.kind)))
        self.watch = pool_watch.PoolWatch(rows, self.time, said.short, {"vni": _BOUNDS})
        self.desk = pool_desk.PoolDesk(rows, self.time)

    async def claim(self, first: int, last: int) -> None:
        def unit(connection: sa.Connection) -> None:
            for n in range(first, last):
                key, at = f"k{n}", self.time.at
                pool_claims.claim(connection, pool="vni", key=key, wanted=None, at=at)

        await self.rows.write(unit)

    async def release(self, first: int, last: int) -> None:
        def unit(connection: sa.Connection) -> None:
            for n in range(first, last):
                pool_claims.release(connection, key=f"k{n}", at=self.time.at)

        await self.rows.write(unit)
        self.time.at += timedelta(hours=1)

    async def alarm(self) -> AlarmView | None:
        await self.watch.look()
        return await self.rows.read(lambda c: alarm_rows.open_of(c, _KEY))

    async def short(self) -> str:
        (pool,) = await self.desk.list("default")
        return pool.short


@pytest.mark.anyio
async def test_a_pool_that_runs_out_is_an_alarm_that_ends_by_itself(
    engine: sa.Engine, database_url: str
) -> None:
    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        outbox.METADATA.create_all(connection)
        pools.seed(connection, [pools.PoolRange("vni", 1, 20)], tenant="default", at=_AT)
    async with store.open_store(database_url) as rows:
        it = _Scene(rows)
        await it.claim(0, 17)
        assert await it.alarm() is None
        await it.claim(17, 18)
        raised = await it.alarm()
        assert raised is not None
        assert "90.0 % of it cannot be had, 2 of 20 are left" in raised.text
        assert (raised.severity, await it.short()) == (
            "major",
            "90.0 % of it cannot be had, 2 of 20 are left",
        )
        assert await it.alarm() == raised, "nothing is new"

        await it.release(0, 1)
        assert await it.alarm() == raised, "85 % is not well below 90 %"
        await it.claim(18, 21)
        full = await it.alarm()
        assert full is not None
        assert (full.id, full.severity) == (raised.id, "critical")

        await it.release(1, 5)
        assert await it.alarm() is None
        assert await it.short() == ""
    assert len(it.told) == 3


def _view(free: int, days: float | None) -> PoolView:
    return PoolView(
        name="vni",
        kind="vni",
        gives="",
        size=100,
        held=100 - free,
        reserved=0,
        resting=0,
        free=free,
        used=round(1 - free / 100, 4),
        quarantine=0.0,
        unseen=0.0,
        forecast=ForecastView(days, None, 30.0, "2.00 more held a day"),
    )


@given(st.integers(0, 100), st.none() | st.floats(0, 40))
def test_what_was_short_is_so_until_it_is_well_below(free: int, days: float | None) -> None:
    new = pool_watch.shortage(_view(free, days), _BOUNDS, short=False)
    old = pool_watch.shortage(_view(free, days), _BOUNDS, short=True)

    assert bool(new) == (free <= 10 or (days is not None and days < 14))
    assert bool(old) == (free <= 15 or (days is not None and days < 21))
