"""Polls and traps to alarms, service status, usage and events, on a real store and inventory."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event as sa_event

from drivers.snmp import engine, receiver
from inventory.facts import facts, snmp_facts
from inventory.looks import discovery, observed, rounds
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import clock, errors, settings
from oss_agent.assurance import (
    alarm_port,
    alarm_rows,
    correlate,
    meter,
    observe,
    poller,
    port_table,
    recognise,
    role,
    tables,
    usage,
    usage_rows,
)
from oss_agent.spi import alarms, ledger, query, snmp
from oss_agent.spi.device import Credential, Endpoint
from oss_agent.spi.onboarding import About
from oss_agent.spi.views import OperatingStatus, ServiceState, Severity
from oss_agent.testing.simulated_snmp.agent import SimulatedAgent
from oss_agent.testing.simulated_snmp.router import Port, Router
from tests.integration.polled_world import T0 as _T0
from tests.integration.polled_world import Devices, World, world
from tests.integration.polled_world import sight as _sight
from tests.integration.polled_world import usage_of as _usage

_QUICK = poller.Pace(interval=0.05, refresh=0.05, verify_after=0.2, least_gap=0.01)
_NEVER = 1e9
"""Seconds. An interval: a device has its slot in it, and with a thousand that came in one of so many runs."""
_LATER = 3.0
"""Seconds after a trap that are not over before it is heard, where the machine stands still for a while."""


class Engine:
    """A network in a dictionary; ``silent`` devices do not answer; ``pause`` holds a poll."""

    def __init__(self) -> None:
        self.oper = {"eth3": 1, "eth4": 1}
        self.silent = False
        self.polls = 0
        self.pause: asyncio.Event | None = None
        self.began = time.monotonic()
        self.at: list[float] = []
        self.then: list[tuple[str, int]] = []
        """what becomes of a port once a poll has seen the others so"""
        self.heard: asyncio.Queue[Sequence[snmp.Trap]] = asyncio.Queue()

    async def get(self, target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        raise NotImplementedError

    async def poll(self, target: snmp.Target, plan: snmp.PollPlan) -> snmp.Columns:
        self.polls += 1
        seen, at, monotonic = list(self.oper.items()), datetime.now(UTC), time.monotonic()
        uptime = int((monotonic - self.began) * 100)
        self.at.append(monotonic)
        self.oper |= dict([self.then.pop(0)] if self.then else [])
        if self.pause is not None:
            await self.pause.wait()
        if self.silent:
            raise snmp.SnmpTimeout(f"{target.device}: no answer")
        columns: dict[str, list[snmp.Value]] = {name: [0 for _ in seen] for name in plan.columns}
        columns["ifName"] = [name.encode() for name, _ in seen]
        columns["ifAdminStatus"] = [1 for _ in seen]
        columns["ifOperStatus"] = [oper for _, oper in seen]
        index = [(i,) for i in range(1, len(seen) + 1)]
        return snmp.Columns(target.device, at, monotonic, uptime, index, columns)

    async def traps(self) -> AsyncIterator[Sequence[snmp.Trap]]:
        while True:
            yield await self.heard.get()

    def counters(self) -> dict[str, int]:
        return {}


_ETH4 = correlate.port_key("pe1", "eth4")


def test_a_port_down_is_one_alarm_one_status_change_and_heals(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            for seconds, oper in enumerate(["up", "down", "down", "down"]):
                await observer.take(_sight(seconds, oper))

            alarm = await w.open_alarm(_ETH4)
            assert alarm.affected_services == ("svc-1",)
            assert "acme-hq of acme" in alarm.text
            assert (alarm.count, alarm.state, alarm.severity) == (1, "raised", Severity.CRITICAL)
            assert await w.status() is OperatingStatus.FAILED
            assert w.kinds() == ["AlarmCreateEvent", "ServiceOperatingStatusChangeEvent"]
            assert w.told[1].payload["operating_status"] == "failed"
            assert w.told[1].payload["cause"] == alarm.text

            for seconds in (10, 11):
                await observer.take(_sight(seconds))

            assert await w.open_alarm(_ETH4) is None
            assert await w.status() is OperatingStatus.RUNNING
            assert w.kinds()[2:] == ["AlarmStateChangeEvent", "ServiceOperatingStatusChangeEvent"]
            assert len({event.id for event in w.told}) == 4

    asyncio.run(story())


def test_a_core_port_is_an_alarm_without_any_service(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            await observer.take(_sight(0))
            await observer.take(_sight(1, eth3="down"))

            alarm = await w.open_alarm(correlate.port_key("pe1", "eth3"))
            assert (alarm.service_affecting, alarm.affected_services) == (False, ())
            assert await w.status() is OperatingStatus.RUNNING
            assert w.kinds() == ["AlarmCreateEvent"]

    asyncio.run(story())


def test_both_ends_down_stay_failed_until_both_are_up(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            await observer.take(_sight(0, "down"))
            await observer.take(replace(_sight(1, "down"), device="pe2"))
            await observer.take(_sight(2))
            assert await w.status() is OperatingStatus.FAILED
            await observer.take(replace(_sight(3), device="pe2"))
            assert await w.status() is OperatingStatus.RUNNING

    asyncio.run(story())


def test_after_a_restart_nothing_is_raised_twice_and_no_ghost_stays(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            await w.observer().take(_sight(0, "down"))
            told = len(w.told)
            await w.observer().take(_sight(1, "down"))
            assert len(w.told) == told
            await w.observer().take(_sight(2))
            assert await w.open_alarm(_ETH4) is None
            assert await w.status() is OperatingStatus.RUNNING

    asyncio.run(story())


def test_a_service_port_that_vanished_is_down_unless_the_poll_was_cut_short(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            gone = replace(_sight(1), ports=_sight(1).ports[:1])
            observer = w.observer()
            await observer.take(_sight(0))
            await observer.take(replace(gone, whole=False))
            assert await w.status() is OperatingStatus.RUNNING
            await observer.take(gone)
            assert await w.status() is OperatingStatus.FAILED
            await observer.take(_sight(2))
            assert await w.status() is OperatingStatus.RUNNING

    asyncio.run(story())


_MAC = "02:00:00:00:00:04"
_LAN = port_table.Port("eth3", 1, "up", "up", mac="02:00:00:00:00:03")


def _look(connection: sa.Connection, seconds: float, *ports: tuple[str, int]) -> None:
    """A look at pe1: eth3, and these by name and ifIndex with eth4's MAC address."""
    seen = tuple(facts.InterfaceFact(name, index, "up", "up", mac=_MAC) for name, index in ports)
    lan = facts.InterfaceFact("eth3", 1, "up", "up", mac=_LAN.mac)
    look = facts.DeviceFacts("pe1", interfaces=(lan, *seen), uptime=int(seconds * 100))
    observed.record(connection, look, _T0 + timedelta(seconds=seconds))


def _polled(seconds: float, *ports: port_table.Port) -> observe.Sight:
    at = _T0 + timedelta(seconds=seconds)
    return observe.Sight("pe1", (_LAN, *ports), at, 1_000 + int(seconds * 100))


def _row(name: str, index: int, state: str = "up") -> port_table.Port:
    return port_table.Port(name, index, state, state, mac=_MAC)


def test_a_port_made_anew_beside_what_is_left_of_it_is_told_as_down_at_no_moment(
    database_url: str,
) -> None:
    """As net-snmp shows it until it is restarted: the poll tells them apart before any look does."""

    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            await w.rows.write(lambda c: _look(c, 0, ("eth4", 5)))
            await observer.take(_polled(1, _row("eth4", 5)))
            seen = await observer.take(_polled(2, _row("eth4", 5, "down"), _row("eth4", 9)))

            assert [port.name for port in seen.ports] == ["eth3", "eth4#5", "eth4"]
            assert await w.status() is OperatingStatus.RUNNING
            assert w.told == []
            await observer.take(_polled(3, _row("eth4", 5, "down"), _row("eth4", 9, "down")))
            assert await w.status() is OperatingStatus.FAILED

    asyncio.run(story())


def _wants_a_look(connection: sa.Connection) -> bool:
    return (
        connection.execute(sa.select(inventory_tables.sightings.c.stirred_at)).scalar() is not None
    )


def test_a_port_that_may_be_renamed_is_judged_after_the_look(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            await w.rows.write(lambda c: _look(c, 0, ("eth4", 5)))
            await observer.take(_polled(1, _row("eth4", 5)))
            for seconds, state in ((2, "up"), (30, "down")):
                seen = await observer.take(_polled(seconds, _row("wan0", 5, state)))
                assert seen.held == {"eth4"}
            assert await w.rows.read(_wants_a_look)
            assert (await w.status(), w.told) == (OperatingStatus.RUNNING, [])

            await w.rows.write(lambda c: _look(c, 31, ("wan0", 5)))
            await observer.take(_polled(40, _row("wan0", 5, "down")))
            alarm = await w.open_alarm(correlate.port_key("pe1", "wan0"))
            assert alarm.affected_services == ("svc-1",)
            await observer.take(_polled(50, _row("wan0", 5)))
            assert await w.status() is OperatingStatus.RUNNING

    asyncio.run(story())


def test_a_port_in_doubt_that_no_look_tells_of_is_an_alarm_in_time(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            observer = w.observer()
            await w.rows.write(lambda c: _look(c, 0, ("eth4", 5)))
            await observer.take(_polled(1, _row("eth4", 5)))
            longest = round(recognise.PATIENCE.total_seconds())
            for seconds in (2, longest + 1):
                await observer.take(_polled(seconds, _row("wan0", 5)))
                assert await w.open_alarm(_ETH4) is None
            seen = await observer.take(_polled(longest + 2, _row("wan0", 5)))

            assert not seen.held
            assert seen.unsure == {"eth4"}
            alarm = await w.open_alarm(_ETH4)
            assert "was in doubt for 7 min" in alarm.evidence[-1]
            assert await w.status() is OperatingStatus.FAILED

    asyncio.run(story())


def test_a_port_in_doubt_is_waited_for_longer_than_two_looks_take() -> None:
    looks = 2 * (rounds.Pace().least_gap + discovery.Limits().deadline)
    assert recognise.PATIENCE.total_seconds() > looks + settings.Settings().snmp.poll_interval


def test_a_look_that_read_before_a_poll_and_writes_after_it_is_no_last_word(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            observer = w.observer()
            port = inventory_tables.interfaces.c
            told = sa.select(port.oper_status).where(
                history.current(inventory_tables.interfaces), port.name == "eth4"
            )
            await w.rows.write(lambda c: _look(c, 0, ("eth4", 5)))
            await observer.take(_polled(1, _row("eth4", 5, "down")))
            await w.rows.write(lambda c: _look(c, 30, ("eth4", 5)))
            await observer.take(_polled(31, _row("eth4", 5, "down")))
            assert await w.rows.read(lambda c: c.execute(told).scalar_one()) == "down"

    asyncio.run(story())


def test_ports_that_may_have_exchanged_their_names_bill_nothing_before_a_look(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            observer = w.observer()
            counting = meter.Meter(w.rows, w.ledger, w.sink, meter.Pace(timedelta(seconds=60)))
            exchanged = (replace(_LAN, name="eth4"), _row("eth3", 5))
            await w.rows.write(lambda c: _look(c, 0, ("eth4", 5)))
            await counting.take(await observer.take(_polled(1, _row("eth4", 5))))
            longest = round(recognise.PATIENCE.total_seconds())
            for seconds in (2, 2 + longest, 32 + longest):  # in doubt, for too long, and still
                seen = await observer.take(replace(_polled(seconds), ports=exchanged))
                await counting.take(seen)

            assert not seen.held
            assert seen.unsure == {"eth3", "eth4"}
            assert _usage(w.told) == []
            assert await w.rows.read(_wants_a_look)

    asyncio.run(story())


def test_a_port_that_a_look_missed_too_is_an_alarm_at_the_next_poll(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(f"sqlite:///{tmp_path / 'oss.db'}") as w:
            observer = w.observer()
            await w.rows.write(lambda c: _look(c, 0, ("eth4", 5)))
            await observer.take(_polled(1, _row("eth4", 5)))
            other = replace(_row("tun7", 7), mac=None)
            await observer.take(_polled(2, other))
            assert await w.open_alarm(_ETH4) is None
            await w.rows.write(lambda c: _look(c, 3, ("tun7", 7)))
            await observer.take(_polled(4, other))

            # By its MAC address alone it is no renamed port: the look says so.
            assert await w.open_alarm(_ETH4) is not None

    asyncio.run(story())


def test_alarm_status_and_events_are_written_together_or_not_at_all(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            w.broken = True
            with pytest.raises(RuntimeError):
                await observer.take(_sight(0, "down"))
            assert await w.open_alarm(_ETH4) is None
            assert await w.status() is OperatingStatus.RUNNING

            w.broken = False
            await observer.take(_sight(1, "down"))
            assert await w.status() is OperatingStatus.FAILED

    asyncio.run(story())


def test_every_version_of_an_alarm_is_kept(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer = w.observer()
            for seconds, oper in enumerate(["down", "notPresent", "up"]):
                await observer.take(_sight(seconds, oper))
            rows = await w.rows.read(
                lambda c: (
                    c.execute(sa.select(tables.HISTORY).order_by(tables.HISTORY.c.revision))
                    .mappings()
                    .all()
                )
            )

            assert [row["state"] for row in rows] == ["raised", "updated", "cleared"]
            assert [row["valid_to"] for row in rows[:2]] == [row["valid_from"] for row in rows[1:]]

    asyncio.run(story())


def test_alarms_are_found_by_tmf642s_names(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            await w.observer().take(_sight(0, "down"))
            port = alarm_port.AlarmPort(w.rows)

            def by(path: str, *values: str) -> query.Query:
                return query.Query(
                    "default", (query.Filter(path, query.Operator.EQ, values),), (), 0, 10
                )

            for asked in (
                by("perceivedSeverity", "critical", "major"),
                by("alarmedObject.id", "pe1:eth4"),
                by("isRootCause", "true"),
                by("alarmRaisedTime", "2026-01-01T00:00:00Z"),
                by("alarmRaisedTime", "2026-01-01T01:00:00 01:00"),  # a + that was not encoded
            ):
                page = await port.find(asked)
                assert page.total == len(page.items) == 1, asked
            assert (await port.find(by("state", "cleared"))).total == 0
            cleared, pe1 = (
                query.Filter("state", query.Operator.EQ, ("cleared",)),
                query.Filter("alarmedObject.id", query.Operator.LIKE, ("pe_:%",)),
            )
            found = query.Query("default", either=((cleared, pe1),))
            assert (await port.find(found)).total == 1
            assert (await port.find(replace(found, filters=(cleared,)))).total == 0
            unset = query.Filter("alarmClearedTime", query.Operator.NE, ("2026-01-01T00:00:00Z",))
            assert (await port.find(query.Query("default", (unset,)))).total == 1
            assert (await port.find(replace(by("state", "raised"), tenant="other"))).total == 0
            assert (await port.get("default", page.items[0].id)) == page.items[0]
            with pytest.raises(errors.NotFound):
                await port.get("other", page.items[0].id)
            for bad in (
                by("nonsense", "1"),
                by("isRootCause", "maybe"),
                by("count", "9" * 30),
                by("id", "\0"),
            ):
                with pytest.raises(errors.OrderRejected):
                    await port.find(bad)

    asyncio.run(story())


def test_of_two_alarms_the_newest_comes_first_unless_asked_otherwise(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            observer, port = w.observer(), alarm_port.AlarmPort(w.rows)
            await observer.take(_sight(0, "down"))
            await observer.take(_sight(1, "down", eth3="down"))
            asked = query.Query("default")
            raised = [one.raised_at for one in (await port.find(asked)).items]
            older = replace(asked, sort=(query.Sort("alarmRaisedTime"),))
            assert len(set(raised)) == 2
            assert raised == sorted(raised, reverse=True)
            assert [one.raised_at for one in (await port.find(older)).items] == sorted(raised)

    asyncio.run(story())


def test_usage_is_recorded_once_per_interval_whatever_comes_twice(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            pace = meter.Pace(timedelta(seconds=60), timedelta(seconds=5))
            counting = meter.Meter(w.rows, w.ledger, w.sink, pace)
            for seconds, octets in ((0, 100), (30, 150), (60, 1_100), (60, 1_100), (70, 1_200)):
                await counting.take(_sight(seconds, octets=octets))
            again = meter.Meter(w.rows, w.ledger, w.sink, pace)  # after a restart
            await again.take(_sight(60, octets=1_100))
            await again.take(_sight(121, octets=5_100))

            records = _usage(w.told)
            assert [(r["octets_in"], r["octets_out"]) for r in records] == [
                (1_000, 2_000),
                (4_000, 8_000),
            ]
            assert records[0]["period_end"] == records[1]["period_start"]
            assert records[0]["samples"][1] == records[1]["samples"][0]
            assert records[0]["customer"] == "acme"
            assert len({e.id for e in w.told}) == 2
            kept = await w.rows.read(
                lambda c: c.execute(sa.select(tables.SAMPLES.c.id)).scalars().all()
            )
            assert {s for r in records for s in r["samples"]} == set(kept)

    asyncio.run(story())


def test_a_suspended_service_has_no_alarm_and_no_usage_until_it_is_resumed(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:

            async def become(state: ServiceState, seconds: float) -> None:
                at = _T0 + timedelta(seconds=seconds)
                await w.rows.write(
                    lambda c: w.ledger.move_service(c, service="svc-1", state=state, at=at)
                )

            counting = meter.Meter(w.rows, w.ledger, w.sink, meter.Pace(timedelta(seconds=60)))
            observer = w.observer()

            async def polled(seconds: float, octets: int, oper: str = "up") -> None:
                sight = _sight(seconds, oper, octets=octets)
                await observer.take(sight)
                await counting.take(sight)

            for seconds, octets, oper in ((0, 100, "up"), (60, 1_100, "up"), (70, 1_200, "down")):
                await polled(seconds, octets, oper)
            assert await w.status() is OperatingStatus.FAILED
            await become(ServiceState.INACTIVE, 80)
            assert await w.status() is OperatingStatus.STOPPED
            for seconds in (90, 150, 210):
                await polled(seconds, 900_000, "down")
            alarm = await w.open_alarm(_ETH4)
            assert (alarm.affected_services, alarm.service_affecting) == ((), False)
            assert await w.status() is OperatingStatus.STOPPED
            assert await w.rows.read(w.ledger.watched) == ()

            await become(ServiceState.ACTIVE, 220)
            await polled(230, 900_100, "down")
            assert await w.status() is OperatingStatus.FAILED
            await polled(235, 900_100)
            await polled(240, 900_100)
            assert await w.status() is OperatingStatus.RUNNING
            await polled(300, 901_100)
            used = [(r["period_start"][11:19], r["octets_in"]) for r in _usage(w.told)]
            assert used == [("00:00:00", 1_000), ("00:01:00", 100), ("00:03:50", 1_000)]

    asyncio.run(story())


async def _moved(w: World, seconds: float, state: ServiceState) -> None:
    at = _T0 + timedelta(seconds=seconds)
    await w.rows.write(lambda c: w.ledger.move_service(c, service="svc-1", state=state, at=at))


def test_the_last_period_ends_with_what_was_read_while_the_service_was_there(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            pace = meter.Pace(timedelta(seconds=60))
            counting = meter.Meter(w.rows, w.ledger, w.sink, pace)
            for seconds, octets in ((0, 100), (60, 1_100), (90, 1_600)):
                await counting.take(_sight(seconds, octets=octets))
            await _moved(w, 100, ServiceState.TERMINATED)
            for seconds, octets in ((120, 900_000), (150, 950_000)):
                await counting.take(_sight(seconds, octets=octets))
            await meter.Meter(w.rows, w.ledger, w.sink, pace).take(_sight(180, octets=990_000))

            used = [(r["period_end"][11:19], r["octets_in"]) for r in _usage(w.told)]
            assert used == [("00:01:00", 1_000), ("00:01:30", 500)]
            kept = await w.rows.read(
                lambda c: c.execute(sa.select(tables.SAMPLES.c.id)).scalars().all()
            )
            assert {s for r in _usage(w.told) for s in r["samples"]} == set(kept)

    asyncio.run(story())


def test_a_last_period_that_was_over_while_nobody_counted_is_told_as_unknown(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            pace = meter.Pace(timedelta(seconds=60))
            killed = meter.Meter(w.rows, w.ledger, w.sink, pace)
            for seconds, octets in ((0, 100), (60, 1_100), (90, 1_600)):
                await killed.take(_sight(seconds, octets=octets))
            await _moved(w, 100, ServiceState.TERMINATED)
            counting = meter.Meter(w.rows, w.ledger, w.sink, pace)
            for seconds in (120, 150):
                await counting.take(_sight(seconds, octets=900_000))

            (_, last) = _usage(w.told)
            assert (last["period_start"][11:19], last["period_end"][11:19]) == (
                "00:01:00",
                "00:01:40",
            )
            assert (last["octets_in"], last["octets_out"]) == (None, None)
            assert "left it before it was read" in last["gap"]

    asyncio.run(story())


def test_suspended_and_resumed_between_two_polls_ends_one_period_and_begins_another(
    database_url: str,
) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = meter.Meter(w.rows, w.ledger, w.sink, meter.Pace(timedelta(seconds=60)))
            for seconds, octets in ((0, 100), (30, 400)):
                await counting.take(_sight(seconds, octets=octets))
            await _moved(w, 40, ServiceState.INACTIVE)
            await _moved(w, 50, ServiceState.ACTIVE)
            for seconds, octets in ((60, 5_000), (120, 5_700)):
                await counting.take(_sight(seconds, octets=octets))

            used = [(r["period_start"][11:19], r["octets_in"]) for r in _usage(w.told)]
            assert used == [("00:00:00", 300), ("00:01:00", 700)]

    asyncio.run(story())


def test_a_port_that_is_renamed_under_its_service_goes_on_being_billed(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = meter.Meter(w.rows, w.ledger, w.sink, meter.Pace(timedelta(seconds=60)))

            async def polled(seconds: float, name: str, octets: int) -> None:
                sight = _sight(seconds, "up", octets=octets)
                port = next(one for one in sight.ports if one.name == "eth4")
                await counting.take(replace(sight, ports=(replace(port, name=name),)))

            def renamed(connection: sa.Connection) -> None:
                port = facts.InterfaceFact("eth4", 2, "up", "up", mac="02:00:00:00:00:04")
                for minute, name in enumerate(("eth4", "wan0")):
                    seen = facts.DeviceFacts(
                        "pe1", interfaces=(replace(port, name=name),), uptime=minute * 6_000
                    )
                    observed.record(connection, seen, _T0 + timedelta(minutes=minute))

            await polled(0, "eth4", 100)
            await polled(60, "eth4", 1_100)
            await w.rows.write(renamed)
            await polled(120, "wan0", 3_100)
            await polled(180, "wan0", 3_600)
            used = [(r["meter_point"], r["octets_in"]) for r in _usage(w.told)]
            assert used == [("pe1:eth4", 1_000), ("pe1:eth4", 2_000), ("pe1:wan0", 500)]

    asyncio.run(story())


def test_a_port_that_has_its_old_name_again_loses_and_doubles_nothing(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = meter.Meter(w.rows, w.ledger, w.sink, meter.Pace(timedelta(seconds=60)))

            async def polled(seconds: float, name: str, octets: int) -> None:
                sight = _sight(seconds, "up", octets=octets)
                port = next(one for one in sight.ports if one.name == "eth4")
                await counting.take(replace(sight, ports=(replace(port, name=name),)))

            async def called(name: str, seconds: float) -> None:
                port = facts.InterfaceFact(name, 2, "up", "up", mac="02:00:00:00:00:04")
                at = _T0 + timedelta(seconds=seconds)
                seen = facts.DeviceFacts("pe1", interfaces=(port,), uptime=int(seconds * 100))
                await w.rows.write(lambda c: observed.record(c, seen, at))

            await called("eth4", 0)
            await polled(0, "eth4", 100)
            await called("wan0", 61)
            await polled(70, "wan0", 1_100)
            await called("eth4", 75)
            await polled(90, "eth4", 1_500)
            await polled(150, "eth4", 2_100)
            used = [(r["meter_point"], r["octets_in"]) for r in _usage(w.told)]
            assert used == [("pe1:eth4", 1_000), ("pe1:wan0", 400), ("pe1:eth4", 600)]

    asyncio.run(story())


def test_open_alarms_are_found_by_their_index() -> None:
    """Else each poll reads every alarm there ever was."""
    made = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    said: list[str] = []
    with made.begin() as connection:
        tables.METADATA.create_all(connection)

        def keep(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            said.append(statement)

        sa_event.listen(made, "before_cursor_execute", keep)
        alarm_rows.open_of(connection, _ETH4)
        values = ("x",) * said[0].count("?")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[0]}", values).all()
    made.dispose()
    assert "USING INDEX alm_alarm_open" in str(plan)


def test_a_usage_record_of_a_known_key_stays_as_it_was(database_url: str) -> None:
    before, after = (
        usage.Sample("pe1:eth4", _T0 + timedelta(seconds=s), 100 * s, 0, s, s) for s in (1, 61)
    )
    watched = ledger.WatchedPort("pe1", "eth4", 2, "svc-1", "acme-hq", "default", "acme")
    view = usage.record(watched, before, after)

    async def story() -> None:
        async with world(database_url) as w:
            for octets, added in ((60, True), (61, False)):
                again = replace(view, octets_in=octets)
                put = functools.partial(usage_rows.put_record, view=again, known_from=after.at)
                assert await w.rows.write(put) is added
            kept = await w.rows.read(lambda c: c.execute(sa.select(tables.USAGE.c.octets_in)).all())
            assert kept == [(60,)]

    asyncio.run(story())


def test_a_device_without_community_is_not_asked(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            fake = Engine()
            unflagged = Devices(replace(_endpoint(), snmp_community=None))
            async with watching(w, fake, _QUICK, unflagged):
                await asyncio.sleep(0.2)
            assert fake.polls == 0

    asyncio.run(story())


def test_a_counter_that_fell_is_told_as_unknown(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            counting = meter.Meter(
                w.rows, w.ledger, w.sink, meter.Pace(timedelta(seconds=60), timedelta())
            )
            await counting.take(_sight(0, octets=2**63 + 5))
            await counting.take(_sight(60, octets=7))

            (record,) = _usage(w.told)
            assert (record["octets_in"], record["octets_out"]) == (None, None)
            assert "fell" in record["gap"]
            assert (counting.records, counting.gaps) == (1, 1)

    asyncio.run(story())


def _endpoint(address: str = "127.0.0.1", port: int = 161) -> Endpoint:
    return Endpoint(
        "pe1",
        "frr_linux",
        address,
        Credential("admin"),
        ports={"snmp": port},
        snmp_community="public",
    )


async def _until(look: Callable[[], Awaitable[Any]], within: float = 300.0) -> Any:
    async with asyncio.timeout(within):
        while not (found := await look()):  # noqa: ASYNC110  what is looked at lies in a database
            await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def watching(
    w: World,
    asked: snmp.SnmpEngine,
    pace: poller.Pace = _QUICK,
    devices: Devices | None = None,
    changed: Callable[[str, About], None] = lambda _, __: None,
) -> AsyncIterator[role.Assurance]:
    records = meter.Pace(timedelta(seconds=0.3), timedelta(seconds=0.02))
    it = role.Assurance(
        rows=w.rows,
        inventory=w.ledger,
        devices=devices or Devices(_endpoint()),
        engine=asked,
        sink=w.sink,
        time=clock.SystemClock(),
        pace=role.Pace(pace, records),
        changed=changed,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(it.run())
        yield it
        task.cancel()


def _trap(uptime: int = 0, source: str = "127.0.0.1", community: bytes = b"public") -> snmp.Trap:
    oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)
    return snmp.Trap(source, datetime.now(UTC), time.monotonic(), community, uptime, oid, ())


def test_a_silent_device_has_its_own_alarm_and_no_service_is_down(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            fake, key = Engine(), correlate.device_key("pe1")
            fake.silent = True
            async with watching(w, fake) as it:
                alarm = await _until(lambda: w.open_alarm(key))
                assert (alarm.alarm_type, alarm.service_affecting) == ("communicationsAlarm", False)
                assert await w.status() is OperatingStatus.RUNNING
                assert await w.rows.read(_silent_because) != ""
                asked = fake.polls
                await _until(lambda: _true(fake.polls > asked + 2))
                assert fake.at[-1] - fake.at[-2] > 1.9 * _QUICK.interval, (
                    "they are asked less often"
                )
                fake.silent = False
                await it.intake.take([_trap()])
                await _until(lambda: _gone(w, key))
                assert await w.rows.read(_silent_because) == ""
            assert "ServiceOperatingStatusChangeEvent" not in w.kinds()

    asyncio.run(story())


def _silent_because(connection: sa.Connection) -> str:
    """What the device list shows as the reason; "" when the device answers."""
    row = connection.execute(sa.select(inventory_tables.sightings)).mappings().one()
    assert (row["unreachable_since"] is None) == (row["reason"] == "")
    return str(row["reason"])


async def _known(it: role.Assurance) -> None:
    """Until pe1 is watched: before that its traps are strangers'."""
    await _until(lambda: _true(it.poller.community("pe1") is not None))


async def _gone(w: World, key: alarms.AlarmKey) -> bool:
    return await w.open_alarm(key) is None


def test_a_trap_polls_at_once_and_once_more_later(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            fake = Engine()
            slow = replace(_QUICK, interval=_NEVER, settle=_NEVER, verify_after=_LATER)
            async with watching(w, fake, slow) as it:
                await _known(it)
                assert fake.polls == 0
                fake.oper["eth4"], fake.then = 2, [("eth4", 1)]
                await it.intake.take([_trap(), _trap(), _trap()])
                await _until(lambda: _true("AlarmStateChangeEvent" in w.kinds()))
                await _until(lambda: _gone(w, _ETH4))
                assert fake.polls == 2
            assert w.kinds().count("AlarmCreateEvent") == 1
            assert it.intake.counters() == {"hinted": 1, "coalesced": 2}

    asyncio.run(story())


def test_an_agent_that_answers_from_its_cache_is_asked_again_soon(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            fake = Engine()
            slow = replace(_QUICK, interval=_NEVER, settle=_LATER, verify_after=_NEVER)
            async with watching(w, fake, slow) as it:
                await _known(it)
                fake.then = [("eth4", 2)]
                await it.intake.take([_trap()])
                await _until(lambda: w.open_alarm(_ETH4))
            assert fake.polls == 2

    asyncio.run(story())


def test_traps_of_strangers_are_counted_and_create_nothing(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            fake = Engine()
            changed: list[tuple[str, About]] = []
            slow = replace(_QUICK, interval=_NEVER)
            async with watching(
                w, fake, slow, changed=lambda device, about: changed.append((device, about))
            ) as it:
                await _known(it)
                other = replace(_trap(), oid=(1, 3, 6, 1, 2, 1, 47, 2, 0, 1))
                session = replace(_trap(), oid=(1, 3, 6, 1, 2, 1, 15, 0, 1))
                strangers = [_trap(source="192.0.2.1"), _trap(community=b"guess"), other, session]
                await it.intake.take(strangers)
                await asyncio.sleep(0.1)
                assert fake.polls == 0
            assert it.intake.counters() == {
                "unknown_source": 1,
                "wrong_community": 1,
                "passed_on": 1,
                "ignored": 1,
            }
            assert changed == [("pe1", About.PARTS)], (
                "what it is made of may have changed; a BGP session is none of it"
            )
            assert w.told == []

    asyncio.run(story())


def test_a_poll_that_began_before_the_trap_clears_nothing(database_url: str) -> None:
    """The port heals for a moment, a poll sees it up, and fails again while the poll runs."""

    async def story() -> None:
        async with world(database_url) as w:
            fake = Engine()
            fake.oper["eth4"] = 2
            async with watching(w, fake) as it:
                await _until(lambda: w.open_alarm(_ETH4))
                fake.pause = asyncio.Event()
                fake.oper["eth4"] = 1
                asked = fake.polls
                await _until(lambda: _true(fake.polls > asked))
                fake.oper["eth4"] = 2
                uptime = int((time.monotonic() - fake.began) * 100) + 1
                await it.intake.take([_trap(uptime)])
                asked = fake.polls
                fake.pause.set()
                await _until(lambda: _true(fake.polls > asked + 2))
            assert await w.open_alarm(_ETH4) is not None
            assert it.poller.counters()["overtaken"] >= 1
            assert "AlarmStateChangeEvent" not in w.kinds()
            assert w.kinds().count("ServiceOperatingStatusChangeEvent") == 1

    asyncio.run(story())


async def _true(value: bool) -> bool:  # noqa: FBT001  a condition to wait for
    return value


def test_a_device_that_leaves_is_polled_no_more_and_the_others_go_on(database_url: str) -> None:
    async def story() -> None:
        async with world(database_url) as w:
            fake = Engine()
            other = replace(_endpoint("127.0.0.2"), device="pe2")
            devices = Devices(_endpoint(), other)
            async with watching(w, fake, _QUICK, devices) as it:
                await _until(lambda: _true(set(it.poller.last_success()) == {"pe1", "pe2"}))
                del devices.endpoints["pe2"]
                await _until(lambda: _true(set(it.poller.last_success()) == {"pe1"}))
                asked = fake.polls
                await _until(lambda: _true(fake.polls > asked + 1))

    asyncio.run(story())


def test_from_a_pulled_port_on_an_agent_to_billing_and_back(database_url: str) -> None:
    """The shipped simulated agent, the real engine and trap receiver, the whole role."""

    async def story() -> None:
        ports = {name: Port(name, n, bytes(6)) for n, name in enumerate(("eth3", "eth4"), 1)}
        agent = SimulatedAgent(Router("pe1", time.monotonic, ports))
        await agent.listen("127.0.0.1")
        async with world(database_url) as w:
            with receiver.listening("127.0.0.1", 0, clock.SystemClock()) as heard:
                async with engine.running(clock.SystemClock(), traps=heard) as asking:
                    slow = replace(_QUICK, interval=0.5)
                    devices = Devices(_endpoint(port=agent.port))
                    async with watching(w, asking, slow, devices):
                        await _pull_and_heal(w, agent, heard.port)
        agent.close()
        records = [r for r in _usage(w.told) if r["gap"] is None]
        assert sum(r["octets_in"] for r in records) > 0
        assert {r["service"] for r in records} == {"svc-1"}

    asyncio.run(story())


def test_a_poll_and_a_look_at_an_agent_tell_the_same_ports(tmp_path: Path) -> None:
    """By the real engine: both read the MAC addresses that an agent has, and a rename waits for the look."""

    async def story() -> None:
        ports = {f"eth{n}": Port(f"eth{n}", n, bytes((2, 0, 0, 0, 0, n))) for n in (3, 4)}
        agent = SimulatedAgent(Router("pe1", time.monotonic, ports))
        await agent.listen("127.0.0.1")
        target = snmp.Target("pe1", "127.0.0.1", agent.port, "public")
        async with (
            world(f"sqlite:///{tmp_path / 'oss.db'}") as w,
            engine.running(clock.SystemClock()) as asking,
        ):
            observer = w.observer()

            async def look() -> None:
                system = await asking.poll(target, snmp_facts.SYSTEM)
                seen = snmp_facts.read("pe1", snmp_facts.Answers(system))
                await w.rows.write(lambda c: observed.record(c, seen, system.at))

            async def poll() -> observe.Sight:
                found = await asking.poll(target, port_table.PLAN)
                rows = port_table.ports(found)
                return await observer.take(observe.Sight("pe1", rows, found.at, found.uptime))

            await look()
            assert [port.name for port in (await poll()).ports] == ["eth3", "eth4"]
            ports["eth4"].name = "wan0"
            sight = await poll()
            assert [port.name for port in sight.ports] == ["eth3", "wan0"]
            assert sight.held == {"eth4"}
            await look()
            sight = await poll()
            assert (sight.held, await w.status()) == (frozenset(), OperatingStatus.RUNNING)
            ports["eth4"].turn(agent.router.age(), up=False)
            await poll()
            assert await w.open_alarm(correlate.port_key("pe1", "wan0")) is not None
            assert await w.status() is OperatingStatus.FAILED
        agent.close()

    asyncio.run(story())


async def _pull_and_heal(w: World, agent: SimulatedAgent, sink: int) -> None:
    eth4 = agent.router.ports["eth4"]
    await _until(lambda: _true(len(_usage(w.told)) >= 1))
    eth4.turn(agent.router.age(), up=False)
    agent.link_trap(eth4, ("127.0.0.1", sink))
    await _until(lambda: w.open_alarm(_ETH4))
    await _until(lambda: _true(w.kinds().count("ServiceOperatingStatusChangeEvent") == 1))
    eth4.turn(agent.router.age(), up=True)
    agent.link_trap(eth4, ("127.0.0.1", sink))
    await _until(lambda: _gone(w, _ETH4))
    assert await w.status() is OperatingStatus.RUNNING
    assert w.kinds().count("AlarmCreateEvent") == w.kinds().count("AlarmStateChangeEvent") == 1
