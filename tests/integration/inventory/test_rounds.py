"""Devices are looked at in their turn: cheaply where they can tell, soon where they hint, never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from inventory import history, rounds, stamps, tables
from oss_agent import clock, errors, store
from oss_agent.spi import onboarding
from tests.integration.inventory import conftest

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_QUICK = rounds.Pace(interval=0.02, whole=600.0, least_gap=0.0, refresh=0.02)
_NEVER = rounds.Pace(interval=600.0, whole=600.0, least_gap=0.0, refresh=0.02)
_STEADY = stamps.Stamp(100, (2, 50, 0, 50, 50))


class _Network:
    """Devices that answer as they are told to."""

    def __init__(self) -> None:
        self.stamps: dict[str, stamps.Stamp | None] = {}
        self.silent: set[str] = set()
        self.odd: set[str] = set()
        self.cut: set[str] = set()
        self.asked: list[str] = []
        self.whole: list[str] = []
        self.busy: set[str] = set()
        self.most = 0
        self.hold = asyncio.Event()
        self.hold.set()

    async def stamp(self, device: str) -> stamps.Stamp | None:
        self.asked.append(device)
        if device in self.silent:
            raise errors.DeviceUnreachable(device, "no answer")
        return self.stamps.get(device, _STEADY)

    async def discover(self, tenant: str, device: str) -> tuple[onboarding.Discovered, ...]:
        assert tenant == "default"
        if device in self.odd:
            raise ValueError(device)
        assert device not in self.busy, "two looks at one device"
        self.busy.add(device)
        self.most = max(self.most, len(self.busy))
        self.whole.append(device)
        await self.hold.wait()
        self.busy.remove(device)
        dead, whole = device in self.silent, device not in self.cut
        reason = "silent" if dead else ""
        return (onboarding.Discovered(device, 0 if dead else 7, 0, reason, complete=whole),)


def _due(_: str, interval: float, now: float, failures: int) -> float:
    return now + interval * (1 << min(failures, 3))


def _run(
    place: Path,
    pace: rounds.Pace,
    story: Callable[[_Network, rounds.Rounds, store.SqlStore], Awaitable[None]],
) -> None:
    async def whole() -> None:
        async with store.open_store(f"sqlite:///{place / 'oss.db'}") as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(conftest.add_network)
            network = _Network()
            it = rounds.Rounds(rows, network, clock.SystemClock(), _due, pace)
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
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
        network.stamps["pe1"] = stamps.Stamp(200, (3, 150, 0, 50, 50))
        await _until(lambda: network.whole.count("pe1") == 2)
        network.stamps["pe1"] = stamps.Stamp(5, (3, 1, 0, 1, 1))
        await _until(lambda: network.whole.count("pe1") == 3)
        assert it.counters()["unchanged"] >= 3

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


def test_a_defect_that_one_device_shows_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    async def story(network: _Network, it: rounds.Rounds, _: store.SqlStore) -> None:
        network.odd = {"pe1"}
        await _until(lambda: it.counters().get("failed", 0) >= 2 and "pe2" in network.whole)

    _run(tmp_path, _QUICK, story)


def test_a_poll_that_saw_a_strange_port_has_its_look(tmp_path: Path) -> None:
    async def story(network: _Network, _: rounds.Rounds, rows: store.SqlStore) -> None:
        row = {"device": "pe2", "tenant": "default", "stirred_at": _AT, "reason": ""}
        await rows.write(lambda c: c.execute(sa.insert(tables.sightings).values(**row)))
        await _until(lambda: "pe2" in network.whole)
        assert "pe1" not in network.whole

    _run(tmp_path, _NEVER, story)


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
