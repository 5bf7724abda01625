"""Each service is billed what counted while a port was its own, once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event as sa_event

from inventory.devices import withheld_usage
from inventory.facts import facts
from inventory.looks import observed
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import clock
from oss_agent.assurance import meter, observe, poller, port_table, recognise, role, tables
from oss_agent.spi import snmp
from oss_agent.spi.device import Credential, Endpoint
from oss_agent.spi.views import ServiceState
from tests.integration.polled_world import CFS, T0, Devices, World, sight, usage_of, world

_PACE = meter.Pace(timedelta(seconds=60), timedelta(seconds=5))


def _at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def _counting(w: World) -> meter.Meter:
    return meter.Meter(w.rows, w.ledger, w.sink, _PACE)


async def _moved(w: World, seconds: float, *ports: str) -> None:
    """The service stands on these ports of pe1 from now on."""
    at = tuple(("pe1", port) for port in ports)
    row = replace(CFS, resources=at, meters=at)
    await w.rows.write(lambda c: w.ledger.put_service(c, row, _at(seconds)))


async def _become(w: World, seconds: float, state: ServiceState) -> None:
    await w.rows.write(
        lambda c: w.ledger.move_service(c, service="svc-1", state=state, at=_at(seconds))
    )


def _used(w: World) -> list[tuple[str, str, str, int | None]]:
    """Meter point, begin, end and octets in of what billing was told."""
    return [
        (r["meter_point"], r["period_start"][14:19], r["period_end"][14:19], r["octets_in"])
        for r in usage_of(w.told)
    ]


async def _begun(w: World) -> Sequence[str]:
    return await w.rows.read(
        lambda c: c.execute(sa.select(tables.OPEN.c.meter_point)).scalars().all()
    )


def test_a_service_that_comes_back_to_its_port_is_not_billed_for_who_was_there(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (30, 400)):
                await counting.take(sight(seconds, octets=octets))
            await _moved(w, 40, "eth3")
            for seconds, octets in ((60, 900_000), (120, 901_000)):
                await counting.take(sight(seconds, octets=octets))
            await _moved(w, 130, "eth4")
            for seconds, octets in ((150, 990_000), (210, 990_070)):
                await counting.take(sight(seconds, octets=octets))

            assert _used(w) == [
                ("pe1:eth4", "00:00", "00:30", 300),
                ("pe1:eth3", "01:00", "02:00", 1_000),
                ("pe1:eth4", "02:30", "03:30", 70),
            ]

    asyncio.run(story())


@pytest.mark.parametrize("killed", [False, True])
def test_a_service_that_was_elsewhere_while_nobody_polled_begins_anew(
    tmp_path: Path, *, killed: bool
) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (30, 400)):
                await counting.take(sight(seconds, octets=octets))
            await _moved(w, 40, "eth3")
            await _moved(w, 1_000, "eth4")
            again = _counting(w) if killed else counting
            for seconds, octets in ((1_020, 990_000), (1_080, 990_070)):
                await again.take(sight(seconds, octets=octets))

            first = ("00:40", None) if killed else ("00:30", 300)
            assert _used(w) == [
                ("pe1:eth4", "00:00", *first),
                ("pe1:eth4", "17:00", "18:00", 70),
            ]

    asyncio.run(story())


def _looked(connection: sa.Connection, seconds: float, **macs: int) -> None:
    """A look at pe1: its ports by name, each with a MAC address and a place of its own."""
    ports = tuple(
        facts.InterfaceFact(
            name, number, "up", "up", mac=f"02:00:00:00:00:{number:02x}", place=f"1.{number}"
        )
        for name, number in macs.items()
    )
    look = facts.DeviceFacts("pe1", interfaces=ports, uptime=int(seconds * 100))
    observed.record(connection, look, _at(seconds))


def _ports(seconds: float, **octets: int) -> observe.Sight:
    """A poll of pe1: its ports by name with what each has counted."""
    ports = tuple(
        port_table.Port(name, number, "up", "up", count, count, 0)
        for number, (name, count) in enumerate(octets.items(), 1)
    )
    return observe.Sight("pe1", ports, _at(seconds), 1_000 + int(seconds * 100))


def test_two_ports_of_a_service_that_exchange_their_names_are_billed_each_its_own(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            await w.rows.write(lambda c: _looked(c, 0, eth3=3, eth4=4))
            await _moved(w, 1, "eth3", "eth4")
            await counting.take(_ports(10, eth3=1_000, eth4=50_000))
            await w.rows.write(lambda c: _looked(c, 20, eth4=3, eth3=4))
            await counting.take(_ports(30, eth4=1_300, eth3=50_007))
            await counting.take(_ports(95, eth4=1_305, eth3=50_070))

            assert sorted(_used(w)) == [
                ("pe1:eth3", "00:10", "00:30", 300),
                ("pe1:eth3", "00:30", "01:35", 63),
                ("pe1:eth4", "00:10", "00:30", 7),
                ("pe1:eth4", "00:30", "01:35", 5),
            ]

    asyncio.run(story())


def test_octets_of_before_the_service_came_are_not_its(tmp_path: Path) -> None:
    """The poll was under way when the service became active."""

    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            counting = _counting(w)
            await _moved(w, 10, "eth3")
            for seconds, octets in ((9.9, 100), (30, 70_000), (90, 70_500)):
                await counting.take(sight(seconds, octets=octets))

            assert _used(w) == [("pe1:eth3", "00:30", "01:30", 500)]

    asyncio.run(story())


def test_a_router_that_restarts_costs_what_it_counted_since_it_was_read_last(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (30, 500)):
                await counting.take(sight(seconds, octets=octets))
            for seconds, octets in ((45, 7), (105, 1_007)):
                restarted = replace(sight(seconds, octets=octets), uptime=int(seconds - 40) * 100)
                await counting.take(restarted)

            assert _used(w) == [
                ("pe1:eth4", "00:00", "00:30", 400),
                ("pe1:eth4", "00:30", "00:45", None),
                ("pe1:eth4", "00:45", "01:45", 1_000),
            ]
            kept = await w.rows.read(
                lambda c: c.execute(sa.select(tables.SAMPLES.c.id)).scalars().all()
            )
            assert {s for r in usage_of(w.told) for s in r["samples"]} == set(kept)

    asyncio.run(story())


def test_a_poll_that_closes_nothing_asks_as_little_of_a_large_box_as_of_a_small_one(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            names = [f"e{number}" for number in range(48)]
            counting = _counting(w)
            await _moved(w, 1, *names)
            await counting.take(_ports(10, **dict.fromkeys(names, 5)))
            said: list[str] = []

            def keep(*told: Any) -> None:
                said.append(told[2])

            sa_event.listen(sa.Engine, "before_cursor_execute", keep)
            try:
                await counting.take(_ports(20, **dict.fromkeys(names, 6)))
            finally:
                sa_event.remove(sa.Engine, "before_cursor_execute", keep)
            selects = [one for one in said if one.startswith("SELECT")]
            assert len(selects) == 2

    asyncio.run(story())


def _without_octets(of: observe.Sight) -> observe.Sight:
    ports = tuple(replace(one, octets_in=None, octets_out=None) for one in of.ports)
    return replace(of, ports=ports)


def test_octets_that_one_poll_lacks_are_billed_at_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            counting = _counting(w)
            await counting.take(sight(0, octets=100))
            await counting.take(_without_octets(sight(60)))
            await counting.take(sight(90, octets=1_600))

            assert _used(w) == [("pe1:eth4", "00:00", "01:30", 1_500)]

    asyncio.run(story())


def test_octets_that_no_poll_has_any_more_are_unknown_in_time(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            counting = _counting(w)
            await counting.take(sight(0, octets=100))
            await counting.take(sight(30, octets=400))
            for seconds in (60, 90, 120):
                await counting.take(_without_octets(sight(seconds)))
            await counting.take(sight(130, octets=9_000))

            assert _used(w) == [
                ("pe1:eth4", "00:00", "00:30", 300),
                ("pe1:eth4", "00:30", "02:00", None),
                ("pe1:eth4", "02:00", "02:10", None),
            ]

    asyncio.run(story())


def test_a_clock_that_is_set_back_costs_no_more_than_the_poll_after_it(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((3_600, 100), (3_660, 1_100), (3_690, 1_400)):
                await counting.take(sight(seconds, octets=octets))
            for seconds, octets in ((120, 1_700), (150, 1_900), (180, 2_700)):  # an hour back
                back = replace(sight(seconds, octets=octets), uptime=361_000 + int(seconds * 100))
                await counting.take(back)

            assert _used(w) == [
                ("pe1:eth4", "00:00", "01:00", 1_000),
                ("pe1:eth4", "01:00", "01:30", 300),
                ("pe1:eth4", "01:30", "01:30", None),
                ("pe1:eth4", "02:00", "03:00", 1_000),
            ]
            (gap,) = (r["gap"] for r in usage_of(w.told) if r["gap"])
            assert "our clock was set back" in gap

    asyncio.run(story())


def test_a_service_that_came_before_the_clock_was_set_back_is_billed_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            counting = _counting(w)
            await _become(w, 3_600, ServiceState.INACTIVE)
            await _become(w, 3_700, ServiceState.ACTIVE)
            for seconds, octets in ((120, 1_700), (150, 1_900), (180, 2_700)):
                await counting.take(sight(seconds, octets=octets))

            assert _used(w) == [("pe1:eth4", "02:00", "03:00", 1_000)]

    asyncio.run(story())


_PE1 = frozenset({"pe1"})


def test_a_device_that_is_polled_no_more_tells_what_was_read_and_a_gap_once(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (60, 1_100), (90, 1_600)):
                await counting.take(sight(seconds, octets=octets))
            await counting.away(_PE1, (), _at(95))
            assert len(usage_of(w.told)) == 1
            for seconds in (100, 110):
                await counting.away((), (), _at(seconds))
            assert await _cases(w) == [("pe1:eth4", "svc-1 not-polled", 90)]
            await _become(w, 3_000, ServiceState.TERMINATED)
            for again in (counting, _counting(w)):
                await again.away((), (), _at(3_030))

            assert _used(w) == [
                ("pe1:eth4", "00:00", "01:00", 1_000),
                ("pe1:eth4", "01:00", "01:30", 500),
                ("pe1:eth4", "01:30", "50:00", None),
            ]
            assert await _begun(w) == []
            assert await _cases(w) == []

    asyncio.run(story())


def test_a_device_that_is_polled_again_bills_what_it_counted_meanwhile(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (30, 400)):
                await counting.take(sight(seconds, octets=octets))
            await counting.away((), (), _at(40))
            await _counting(w).away((), (), _at(50))
            await counting.take(sight(900, octets=70_400))

            assert _used(w) == [
                ("pe1:eth4", "00:00", "00:30", 300),
                ("pe1:eth4", "00:30", "15:00", 70_000),
            ]
            assert await _cases(w) == []

    asyncio.run(story())


def test_what_left_a_silent_device_is_told_before_it_answers(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (30, 400)):
                await counting.take(sight(seconds, octets=octets))
            await counting.away(_PE1, _PE1, _at(200))
            assert _used(w) == []
            await _become(w, 300, ServiceState.TERMINATED)
            for seconds in (360, 420):
                await counting.away(_PE1, _PE1, _at(seconds))

            assert _used(w) == [("pe1:eth4", "00:00", "00:30", 300)]
            assert (await _begun(w), await _cases(w)) == ([], [])

    asyncio.run(story())


async def _cases(w: World) -> list[tuple[str, str, int]]:
    """What people are told to be withheld: the port, whose and why, and the second since when."""
    c = inventory_tables.cases
    query = sa.select(c.c.subject, c.c.evidence, c.c.text).where(
        history.current(c), c.c.kind == withheld_usage.KIND
    )
    rows = await w.rows.read(lambda x: x.execute(query).all())
    return [(subject, why, _since(text)) for subject, why, text in rows]


def _since(text: str) -> int:
    since = datetime.fromisoformat(text.rpartition(" ")[2])
    return int((since - T0).total_seconds())


def test_usage_that_waits_for_a_port_in_doubt_is_told_to_people_until_it_ends(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = _counting(w)
            for seconds, octets in ((0, 100), (30, 400)):
                await counting.take(sight(seconds, octets=octets))

            async def doubted(seconds: float, counting: meter.Meter, *, unsure: bool) -> None:
                names, seen = frozenset({"eth4"}), sight(seconds)
                if unsure:
                    return await counting.take(replace(seen, unsure=names))
                kept = tuple(one for one in seen.ports if one.name != "eth4")
                return await counting.take(replace(seen, ports=kept, held=names))

            await doubted(60, counting, unsure=False)
            assert await _cases(w) == []
            await doubted(500, counting, unsure=True)
            told = [("pe1:eth4", "svc-1 in-doubt", 30)]
            assert await _cases(w) == told
            await doubted(530, again := _counting(w), unsure=False)  # a restart waits anew
            await doubted(980, again, unsure=True)
            assert await _cases(w) == told
            await again.take(sight(1_010, octets=70_100))

            assert await _cases(w) == []
            assert _used(w) == [("pe1:eth4", "00:00", "16:50", 70_000)]

    asyncio.run(story())


def test_a_port_in_doubt_for_too_long_is_a_case_of_its_service(tmp_path: Path) -> None:
    """As polls show it: the port's name is another one, and no look tells which."""

    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            observer, counting = w.observer(), _counting(w)

            async def polled(seconds: float, name: str) -> None:
                rows = tuple(
                    port_table.Port(one, n, "up", "up", 5, 5, 0, mac=f"02:00:00:00:00:{n:02x}")
                    for one, n in (("eth3", 3), (name, 4))
                )
                uptime = 1_000 + int(seconds * 100)
                seen = await observer.take(observe.Sight("pe1", rows, _at(seconds), uptime))
                await counting.take(seen)

            longest = round(recognise.PATIENCE.total_seconds())
            await w.rows.write(lambda c: _looked(c, 0, eth3=3, eth4=4))
            for seconds, name in ((1, "eth4"), (30, "wan0"), (29 + longest, "wan0")):
                await polled(seconds, name)
                assert await _cases(w) == []
            await polled(31 + longest, "wan0")
            assert await _cases(w) == [("pe1:eth4", "svc-1 in-doubt", 1)]
            await w.rows.write(lambda c: _looked(c, 60 + longest, eth3=3, wan0=4))
            await polled(61 + longest, "wan0")
            assert await _cases(w) == []

    asyncio.run(story())


@dataclass
class _Router:
    """An agent whose octets rise by ten a second."""

    began: datetime = field(default_factory=lambda: clock.SystemClock().now())

    async def get(self, target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        raise NotImplementedError

    async def poll(self, target: snmp.Target, plan: snmp.PollPlan) -> snmp.Columns:
        machine = clock.SystemClock()
        now, monotonic = machine.now(), machine.monotonic()
        ticks = int((now - self.began).total_seconds() * 100)
        columns: dict[str, list[Any]] = {name: [ticks] for name in plan.columns}
        columns |= {"ifName": [b"eth4"], "ifAdminStatus": [1], "ifOperStatus": [1]}
        columns["ifCounterDiscontinuityTime"] = [0]
        return snmp.Columns(target.device, now, monotonic, ticks, [(1,)], columns)

    async def traps(self) -> AsyncIterator[Sequence[snmp.Trap]]:
        await asyncio.Event().wait()
        yield ()

    def counters(self) -> dict[str, int]:
        return {}


def test_the_poller_says_whom_it_polls_no_more(database_url: str) -> None:
    """Unflagged under its service, and the service ended later: what was read is told, and all ends."""

    async def story() -> None:
        async with world(database_url) as w:
            endpoint = Endpoint("pe1", "x", "127.0.0.1", Credential("a"), snmp_community="public")
            devices = Devices(endpoint)
            it = role.Assurance(
                rows=w.rows,
                inventory=w.ledger,
                devices=devices,
                engine=_Router(),
                sink=w.sink,
                time=clock.SystemClock(),
                pace=role.Pace(poller.Pace(interval=0.05, refresh=0.05, away=0.05)),
            )
            async with asyncio.timeout(300), asyncio.TaskGroup() as group:
                running = group.create_task(it.run())
                while it.poller.counters().get("answered", 0) < 3:  # noqa: ASYNC110  the poller's task
                    await asyncio.sleep(0.01)
                del devices.endpoints["pe1"]
                while not await _cases(w):  # noqa: ASYNC110  it lies in a database
                    await asyncio.sleep(0.01)
                (read,) = usage_of(w.told)
                assert read["gap"] is None
                now = clock.SystemClock().now()
                await w.rows.write(
                    lambda c: w.ledger.move_service(
                        c, service="svc-1", state=ServiceState.TERMINATED, at=now
                    )
                )
                while await _cases(w):  # noqa: ASYNC110  it lies in a database
                    await asyncio.sleep(0.01)
                running.cancel()
            _, gap = usage_of(w.told)
            assert (gap["octets_in"], gap["period_start"]) == (None, read["period_end"])
            assert await _begun(w) == []

    asyncio.run(story())
