"""Devices are looked at in their turn: cheaply where they can tell, soon where they hint, never twice."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from inventory.looks import rounds
from inventory.rows import history, stamps, tables
from oss_agent import clock, errors, store
from oss_agent.spi import onboarding
from oss_agent.spi.onboarding import About
from tests.integration.inventory import conftest

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_QUICK = rounds.Pace(interval=0.02, whole=600.0, least_gap=0.0, refresh=0.02)
_QUIET = rounds.Pace(interval=600.0, whole=600.0, least_gap=600.0, refresh=0.02)
_NEVER = rounds.Pace(interval=600.0, whole=600.0, least_gap=0.0, refresh=0.02)
_STEADY = stamps.Stamp(1_000_000, (2, 50, 0, 50, 50))


class _Network:
    """Devices that answer as they are told to."""

    def __init__(self, time: clock.SystemClock) -> None:
        self.stamps: dict[str, stamps.Stamp | None] = {}
        self.time = time
        self.began = time.monotonic()
        self.silent: set[str] = set()
        self.odd: set[str] = set()
        self.cut: set[str] = set()
        self.refusing: set[str] = set()
        self.asked: list[str] = []
        self.whole: list[str] = []
        self.about: list[frozenset[About]] = []
        self.busy: set[str] = set()
        self.reconfigured: list[str] = []
        self.most = 0
        self.hold = asyncio.Event()
        self.hold.set()

    async def stamp(self, device: str) -> stamps.Stamp | None:
        self.asked.append(device)
        if device in self.silent:
            raise errors.DeviceUnreachable(device, "no answer")
        told = self.stamps.get(device, _STEADY)
        up = round((self.time.monotonic() - self.began) * 100)
        return told and dataclasses.replace(told, uptime=told.uptime + up)

    async def look(
        self, tenant: str, device: str, about: frozenset[About]
    ) -> onboarding.Discovered:
        assert tenant == "default"
        self.about.append(about)
        if device in self.odd:
            raise ValueError(device)
        assert device not in self.busy, "two looks at one device"
        self.busy.add(device)
        self.most = max(self.most, len(self.busy))
        self.whole.append(device)
        await self.hold.wait()
        self.busy.remove(device)
        told = onboarding.Discovered(device, 7, 0, complete=device not in self.cut)
        silent, refused = device in self.silent, device in self.refusing
        if not silent and not refused:
            return told
        return dataclasses.replace(
            told, interfaces=0, reason="it says nothing", silent=silent, refused=refused
        )


class _Clock(clock.SystemClock):
    """The machine's, which a test may push forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def _due(_: str, interval: float, now: float, failures: int) -> float:
    return now + interval * (1 << min(failures, 3))


def _run(
    place: Path,
    pace: rounds.Pace,
    story: Callable[[_Network, rounds.Rounds, store.SqlStore], Awaitable[None]],
    time: clock.SystemClock | None = None,
) -> None:
    async def whole() -> None:
        async with store.open_store(f"sqlite:///{place / 'oss.db'}") as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(conftest.add_network)
            machine = time or _Clock()
            network = _Network(machine)
            it = rounds.Rounds(rows, network, machine, _due, pace, network.reconfigured.append)
            async with asyncio.timeout(300), asyncio.TaskGroup() as group:
                role = group.create_task(it.run())
                await story(network, it, rows)
                role.cancel()

    asyncio.run(whole())


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - rounds tell by their counters alone
        await asyncio.sleep(0.005)


def test_what_did_not_change_costs_one_cheap_question(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        await _until(lambda: network.asked.count("pe1") >= 4)
        assert network.whole.count("pe1") == 1
        network.stamps["pe1"] = stamps.Stamp(1_000_000, (3, 150, 0, 50, 50))
        await _until(lambda: network.whole.count("pe1") == 2)
        network.stamps["pe1"] = stamps.Stamp(5, (3, 1, 0, 1, 1))
        await _until(lambda: network.whole.count("pe1") == 3)
        assert it.counters()["unchanged"] >= 3

    _run(tmp_path, _QUICK, story)


def test_a_device_that_says_that_it_was_configured_is_told_of(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        await _until(lambda: it.counters().get("unchanged", 0) >= 2)
        assert network.reconfigured == []
        network.stamps["pe1"] = dataclasses.replace(_STEADY, configured=(90, None))
        await _until(lambda: bool(network.reconfigured))
        await _until(lambda: frozenset({About.CONFIGURATION}) in network.about)
        assert set(network.reconfigured) == {"pe1"}

    _run(tmp_path, _QUICK, story)


def test_a_restart_that_fell_into_an_outage_is_told_of(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        await _until(lambda: "pe1" in network.whole)
        network.silent = {"pe1"}
        await _until(lambda: it.counters().get("unanswered", 0) >= 2)
        network.stamps["pe1"] = stamps.Stamp(5, (2, 5, 0, 5, 5))
        assert network.reconfigured == []
        network.silent = set()
        await _until(lambda: network.reconfigured == ["pe1"])

    _run(tmp_path, _QUICK, story)


def test_what_a_failed_look_was_about_is_looked_at_again(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        await _until(lambda: len(set(network.whole)) == 3 and not network.busy)
        network.about.clear()
        network.odd = {"pe1"}
        it.hint("pe1", About.CONFIGURATION)
        await _until(lambda: it.counters().get("failed", 0) >= 1)
        network.odd = set()
        await _until(lambda: frozenset({About.WHOLE}) in network.about)

    _run(tmp_path, _QUICK, story)


def test_a_look_that_was_cut_short_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        network.cut = {"pe1"}
        await _until(lambda: network.whole.count("pe1") >= 3)
        network.cut = set()
        await _until(lambda: it.counters().get("unchanged", 0) >= 3)
        assert it.counters()["cut_short"] >= 3

    _run(tmp_path, _QUICK, story)


def test_a_device_that_keeps_no_track_is_read_whole_each_time(tmp_path: Path) -> None:
    async def story(network: _Network, _: rounds.Rounds, __: store.SqlStore) -> None:
        network.stamps = {"pe1": None, "pe2": stamps.Stamp(1, (2, 0, 0, 0, 0))}
        await _until(lambda: min(map(network.whole.count, ("pe1", "pe2"))) >= 3)

    _run(tmp_path, _QUICK, story)


def test_a_hint_is_looked_at_at_once_and_one_during_a_look_again_after_it(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        network.stamps = {"pe1": None}
        await asyncio.sleep(0)
        network.hold.clear()
        while not network.whole:
            it.hint("pe1")
            await asyncio.sleep(0.005)
        it.hint("pe1")
        it.hint("nobody")
        network.hold.set()
        await _until(lambda: len(network.whole) == 2)
        assert set(network.whole) == {"pe1"}

    _run(tmp_path, _NEVER, story)


def test_the_dead_are_asked_cheaply_and_less_often_and_come_back(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        network.silent = {"pe1"}
        await _until(lambda: it.counters().get("unanswered", 0) >= 3)
        assert network.whole.count("pe1") == 1, "its other ways are tried once"
        network.silent = set()
        it.hint("pe1")
        await _until(lambda: network.whole.count("pe1") == 2)

    _run(tmp_path, _QUICK, story)


def test_who_has_no_good_look_is_counted_and_how_long(tmp_path: Path) -> None:
    time = _Clock()

    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        await _until(lambda: it.oldest() > 0.0)
        network.refusing, network.silent = {"pe1"}, {"b1"}
        time.ahead = 601.0
        await _until(lambda: len(set(network.whole)) == 3 and not network.busy)
        assert it.overdue() == 0
        time.ahead += 650.0
        await _until(lambda: it.overdue() == 2 and it.counters().get("unchanged") == 1)
        assert it.oldest() > 1_200.0
        counted = it.counters()
        assert (counted["refused"], counted["unanswered"], counted["whole"]) == (1, 1, 1)
        assert it.seconds().within[-1][1] == sum(counted.values())

        network.refusing, network.silent = set(), set()
        for device in ("pe1", "b1"):
            it.hint(device)
        await _until(lambda: it.overdue() == 0)
        assert it.oldest() < 1_200.0

    _run(tmp_path, dataclasses.replace(_NEVER, whole=6_000.0), story, time)


def test_a_defect_that_one_device_shows_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        network.odd = {"pe1"}
        await _until(lambda: it.counters().get("failed", 0) >= 2 and "pe2" in network.whole)

    _run(tmp_path, _QUICK, story)


def test_a_poll_that_saw_a_strange_port_has_its_look(tmp_path: Path) -> None:
    async def story(network: _Network, _: rounds.Rounds, rows: store.SqlStore) -> None:
        row = {"device": "pe2", "tenant": "default", "stirred_at": _AT, "reason": ""}
        await rows.write(lambda c: c.execute(sa.insert(tables.sightings).values(**row)))
        await _until(lambda: network.whole == ["pe2", "pe2"])
        assert network.about == [{About.PARTS}, {About.WHOLE}], "its ports and their places first"

    _run(tmp_path, _QUIET, story)


def test_no_more_are_looked_at_together_than_is_said(tmp_path: Path) -> None:
    async def story(network: _Network, _: rounds.Rounds, __: store.SqlStore) -> None:
        network.hold.clear()
        await _until(lambda: len(network.busy) == 2)
        network.hold.set()
        await _until(lambda: len(set(network.whole)) == 3)
        assert network.most == 2

    pace = rounds.Pace(interval=0.02, whole=0.0, least_gap=0.0, refresh=0.02, together=2)
    _run(tmp_path, pace, story)


def test_a_device_that_is_not_managed_any_more_is_left_alone(tmp_path: Path) -> None:
    async def story(network: _Network, _: rounds.Rounds, rows: store.SqlStore) -> None:
        await _until(lambda: "pe2" in network.asked)
        d = tables.devices
        await rows.write(lambda c: history.end(c, d, d.c.name == "pe2", _AT))

        async def rests() -> bool:
            before = len(network.asked)
            await _until(lambda: len(network.asked) > before + 6)
            return "pe2" not in network.asked[before:]

        while not await rests():
            pass

    _run(tmp_path, _QUICK, story)


def test_without_an_interval_nobody_is_looked_at_unasked(tmp_path: Path) -> None:
    async def story(network: _Network, _: rounds.Rounds, __: store.SqlStore) -> None:
        await asyncio.sleep(0.05)
        assert network.asked == []

    _run(tmp_path, rounds.Pace(interval=0.0), story)


def test_a_hint_is_looked_at_as_far_as_it_goes_even_where_no_stamp_moves(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        network.stamps = {"pe1": _STEADY, "pe2": stamps.Stamp(1, (2, 0, 0, 0, 0))}
        network.silent = {"b1"}
        for device in ("pe1", "pe2"):
            while not it.counters().get("whole") or device not in network.whole:
                it.hint(device)
                await asyncio.sleep(0.005)
        await _until(lambda: not network.busy)
        for about in (About.CONFIGURATION, About.NEIGHBOURS):
            network.about.clear()
            it.hint("pe1", about)
            it.hint("pe2", about)
            await _until(lambda: len(network.about) >= 2)
            assert set(network.about) == {frozenset({about})}
        it.hint("nobody", About.PARTS)
        assert it.counters()["partial"] >= 3

    _run(tmp_path, _NEVER, story)
