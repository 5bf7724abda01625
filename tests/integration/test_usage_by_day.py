"""Usage told by the day: each record once, each day when it is over, what comes late as a part more."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from bss_bridge.connectors import killbill, record, rollup, sender, talk
from bss_bridge.events import tables
from oss_agent import outbox, store
from oss_agent.outbox import rows as outbox_rows
from oss_agent.outbox.tables import EVENTS
from oss_agent.spi import clock, events, views
from oss_agent.spi.events import Delivery, EventKind

pytestmark = pytest.mark.anyio
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = ("billing:kb",)


@dataclasses.dataclass
class SetClock:
    """A clock that a test sets."""

    at: datetime = MIDNIGHT

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def boot(self) -> clock.BootTime:
        return clock.BootTime("boot", 0.0)


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[store.SqlStore]:
    async with store.open_store(database_url) as opened:
        await opened.write(outbox.METADATA.create_all)
        await opened.write(tables.METADATA.create_all)
        yield opened


def usage(
    minute: int, octets: int | None = 100, *, service: str = "s1", point: str = "pe1:eth4"
) -> events.Event:
    """Five minutes of octets that begin so many minutes before midnight."""
    begins = MIDNIGHT - timedelta(minutes=minute)
    view = views.UsageView(
        f"{point}/{begins.isoformat()}/1", "default", service, f"acme-{service}", "acme", point,
        begins, begins + timedelta(minutes=5), 1, octets, octets,
        None if octets is not None else "the agent restarted", ("a", "b"),
    )  # fmt: skip
    kind = EventKind.USAGE_CREATE
    return events.Event(f"usage-{view.key}", kind, "default", point, begins, views.as_json(view))


def daily(rows: store.SqlStore, http: httpx.AsyncClient) -> rollup.DailyReceiver:
    asked = talk.Asked((record.Meter.OCTETS_IN,), frozenset())
    bill = killbill.KillBill("http://127.0.0.1:1", asked, killbill.Keys("a:b", "k", "s"))
    mouth = sender.Mouth(http, SetClock())
    return rollup.DailyReceiver(sender.ConnectorReceiver("kb", "default", bill, mouth), rows)


async def counted(rows: store.SqlStore, *told: events.Event) -> rollup.DailyReceiver:
    async with httpx.AsyncClient() as http:
        receiver = daily(rows, http)
        for one in told:
            assert (await receiver.deliver(one)).delivery is Delivery.DONE
        return receiver


async def days(rows: store.SqlStore, at: datetime) -> list[record.DayView]:
    """What is told when a day's end is looked for at a moment."""
    before = len(await _told(rows))
    await rollup.Closer(rows, _append, SetClock(at), NAMES).close()
    found = [record.fact(one.event) for one in (await _told(rows))[before:]]
    return [one.view for one in found if isinstance(one, record.Day)]


async def _told(rows: store.SqlStore) -> Sequence[outbox_rows.Numbered]:
    query = sa.select(EVENTS).order_by(EVENTS.c.number)
    return await rows.read(
        lambda c: [outbox_rows.numbered(row) for row in c.execute(query).mappings()]
    )


def _append(connection: sa.Connection, event: events.Event) -> None:
    assert outbox_rows.append(connection, event), "the same day was told twice"


async def test_a_day_is_told_once_when_it_is_over(rows: store.SqlStore) -> None:
    await counted(
        rows,
        usage(30),
        usage(10),
        usage(10, point="pe2:eth4"),
        usage(10, service="s2", point="pe9:eth1"),
    )
    assert await days(rows, MIDNIGHT + timedelta(minutes=59)) == []
    first, second = await days(rows, MIDNIGHT + timedelta(hours=1))
    assert (first.service, first.day, first.part) == ("s1", "2026-11-21", 1)
    assert (first.octets_in, first.octets_out) == (300, 300)
    assert (second.service, second.octets_in) == ("s2", 100)
    assert await days(rows, MIDNIGHT + timedelta(hours=2)) == []


async def test_a_record_counts_once_however_often_it_is_delivered(rows: store.SqlStore) -> None:
    await counted(rows, usage(10), usage(10), usage(10))
    (day,) = await days(rows, MIDNIGHT + timedelta(hours=1))
    assert day.octets_in == 100
    await counted(rows, usage(10))  # and after its day was told
    assert await days(rows, MIDNIGHT + timedelta(hours=2)) == []


async def test_what_comes_late_is_a_further_part_of_its_day(rows: store.SqlStore) -> None:
    await counted(rows, usage(10))
    await days(rows, MIDNIGHT + timedelta(hours=1))
    await counted(rows, usage(20, 7))
    (late,) = await days(rows, MIDNIGHT + timedelta(hours=30))
    assert (late.day, late.part, late.octets_in) == ("2026-11-21", 2, 7)


async def test_a_period_belongs_to_the_day_in_which_it_begins(rows: store.SqlStore) -> None:
    await counted(rows, usage(2), usage(-1))
    (day,) = await days(rows, MIDNIGHT + timedelta(hours=1))
    assert (day.day, day.octets_in) == ("2026-11-21", 100)


async def test_the_largest_counters_add_up_exactly(rows: store.SqlStore) -> None:
    most = 2**62 - 1
    await counted(rows, usage(10, most), usage(20, most))
    (day,) = await days(rows, MIDNIGHT + timedelta(hours=1))
    assert day.octets_in == 2 * most


async def test_more_days_than_one_unit_closes_are_all_told(
    rows: store.SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "_GROUPS", 2)
    await counted(rows, *(usage(10, service=f"s{n}", point=f"pe{n}:eth4") for n in range(5)))
    assert len(await days(rows, MIDNIGHT + timedelta(hours=1))) == 5


async def test_a_unit_that_fails_leaves_the_day_to_be_told(rows: store.SqlStore) -> None:
    await counted(rows, usage(10))

    def broken(_: sa.Connection, event: events.Event) -> None:
        raise RuntimeError(event.id)

    closer = rollup.Closer(rows, broken, SetClock(MIDNIGHT + timedelta(hours=1)), NAMES)
    with pytest.raises(RuntimeError):
        await closer.close()
    assert len(await days(rows, MIDNIGHT + timedelta(hours=1))) == 1


async def test_a_gap_is_no_zero_and_anothers_day_is_not_ours(rows: store.SqlStore) -> None:
    receiver = await counted(rows)
    assert not receiver.wants(usage(10, None))
    assert receiver.wants(usage(10))
    assert not receiver.wants(dataclasses.replace(usage(10), tenant="other"))
    broken = dataclasses.replace(usage(10), payload={})
    assert receiver.wants(broken)
    assert (await receiver.deliver(broken)).delivery is Delivery.PARKED
    view = record.DayView("billing:kb", "default", "s1", "a", "acme", "2026-11-21", 1, 1, 1)
    for name, mine in (("billing:kb", True), ("billing:other", False)):
        payload = views.as_json(dataclasses.replace(view, receiver=name))
        day = events.Event("d", EventKind.USAGE_DAY, "default", "usageDay:s1", MIDNIGHT, payload)
        assert receiver.wants(day) is mine


async def test_nobody_by_the_day_is_no_role() -> None:
    closer = rollup.Closer(_none(), _append, SetClock(), ())
    async with asyncio.timeout(300):
        await closer.run()


def _none() -> store.SqlStore:
    return store.SqlStore.__new__(store.SqlStore)
