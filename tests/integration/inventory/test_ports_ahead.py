"""The ports of a big box are written some at a time, and what breaks off in between is made good."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import (
    digests,
    discovery,
    interface_rows,
    observed,
    polled_ports,
    port_cases,
    ports_ahead,
    sightings,
)
from inventory.onboarding import onboarding
from inventory.rows import cases, history, tables
from inventory.services import resource_events
from oss_agent import errors, store
from oss_agent.spi.onboarding import About
from tests.integration.inventory import conftest

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_ahead, "MANY", 2)


def _seen(minute: int, *, shift: int = 0, first: str = "p1") -> facts.DeviceFacts:
    """Five ports of pe1, all with other numbers where ``shift`` is another."""
    ports = [
        facts.InterfaceFact(name, n + shift, "up", "up", mac=f"02:00:00:00:00:0{n}", descr=f"P {n}")
        for n, name in enumerate((first, "p2", "p3", "p4", "p5"), 1)
    ]
    return facts.DeviceFacts("pe1", interfaces=tuple(ports), uptime=6000 * minute)


class _Box:
    """A device's looks, as they are written; ``told`` are the ports that events are of."""

    def __init__(self, rows: store.SqlStore) -> None:
        self.rows = rows
        self.told: list[str] = []
        self.teller = resource_events.Teller(lambda _, event: self.told.append(event.entity))

    async def ahead(self, seen: facts.DeviceFacts, minute: int) -> None:
        said = digests.of(seen, "default")
        at = _T0 + timedelta(minutes=minute)
        await ports_ahead.write(self.rows, self.teller, seen, said, at)

    async def rest(self, seen: facts.DeviceFacts, minute: int) -> None:
        at = _T0 + timedelta(minutes=minute)
        await self.rows.write(lambda c: observed.record(c, seen, at))

    async def look(self, seen: facts.DeviceFacts, minute: int) -> None:
        await self.ahead(seen, minute)
        await self.rest(seen, minute)

    async def ports(self) -> dict[str, Any]:
        found = await self.rows.read(lambda c: interface_rows.current(c, "pe1"))
        return {row["name"]: row for row in found}

    async def indexes(self) -> dict[str, int]:
        return {name: row["ifindex"] for name, row in (await self.ports()).items()}

    async def settled(self, seen: facts.DeviceFacts) -> bool:
        """Does the ledger say that these ports are written, with nothing open?"""
        said = digests.of(seen, "default")
        return facts.PORTS not in await self.rows.read(lambda c: observed.news(c, "pe1", said))


def _run(place: Path, story: Callable[[_Box], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with store.open_store(f"sqlite:///{place / 'oss.db'}") as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(conftest.add_network)
            box = _Box(rows)
            await box.look(_seen(1), 1)
            box.told.clear()
            await story(box)

    asyncio.run(whole())


_FIRST = {f"p{n}": n for n in range(1, 6)}
_OTHERS = {f"p{n}": n + 100 for n in range(1, 6)}


def test_a_box_that_renumbers_all_is_written_unit_by_unit_and_told_once(tmp_path: Path) -> None:
    async def story(box: _Box) -> None:
        before = {name: row["identity"] for name, row in (await box.ports()).items()}
        seen = _seen(2, shift=100)
        units = box.rows.counters().written
        await box.ahead(seen, 2)

        assert box.rows.counters().written - units == 5, "begun, three for five ports, done"
        assert {name: row["identity"] for name, row in (await box.ports()).items()} == before
        assert (await box.indexes() == _OTHERS, await box.settled(seen)) == (True, True)
        assert sorted(box.told) == [f"resource:pe1:p{n}" for n in range(1, 6)]
        count = sa.select(sa.func.count()).select_from(tables.interfaces)
        rows = await box.rows.read(lambda c: c.execute(count).scalar_one())
        await box.rest(seen, 2)
        assert await box.rows.read(lambda c: c.execute(count).scalar_one()) == rows

    _run(tmp_path, story)


def test_what_breaks_off_is_made_good_by_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(box: _Box) -> None:
        seen, write, left = _seen(2, shift=100), box.rows.write, iter(range(2))

        async def broken(unit: Callable[[sa.Connection], Any]) -> Any:
            if next(left, None) is None:
                raise errors.StoreUnavailable("gone")
            return await write(unit)

        with monkeypatch.context() as breaking:
            breaking.setattr(box.rows, "write", broken)
            with pytest.raises(errors.StoreUnavailable):
                await box.ahead(seen, 2)
        assert await box.indexes() == _FIRST | {"p1": 101, "p2": 102}
        assert not await box.settled(seen)
        assert not await box.settled(_seen(1)), "nor as it was before"

        await box.look(_seen(3, shift=100), 3)
        assert await box.indexes() == _OTHERS
        assert await box.settled(seen)

    _run(tmp_path, story)


@pytest.mark.parametrize("polled", [("p5", 5, "up", "down"), ("p1", 101, "up", "down")])
def test_what_a_poll_writes_meanwhile_is_compared_by_the_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, polled: tuple[str, int, str, str]
) -> None:
    """Of a port that is still to be written, and of one that is written already."""

    async def story(box: _Box) -> None:
        seen, write, units = _seen(2, shift=100), box.rows.write, itertools.count()

        async def beside(unit: Callable[[sa.Connection], Any]) -> Any:
            done = await write(unit)
            if next(units) == 1:  # p1 and p2 are written
                at = _T0 + timedelta(minutes=2)
                await write(lambda c: polled_ports.observe_ports(c, "pe1", [polled], at))
            return done

        with monkeypatch.context() as polling:
            polling.setattr(box.rows, "write", beside)
            await box.ahead(seen, 2)
        assert not await box.settled(seen)
        await box.rest(seen, 2)
        assert await box.indexes() == _OTHERS
        assert {row["oper_status"] for row in (await box.ports()).values()} == {"up"}
        assert await box.settled(seen)

    _run(tmp_path, story)


def test_what_a_poll_writes_while_it_is_planned_is_compared_by_the_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a port that the look has nothing new of: it was never compared again."""

    async def story(box: _Box) -> None:
        others, same = _seen(2, shift=100).interfaces or (), _seen(2).interfaces or ()
        seen = dataclasses.replace(_seen(2), interfaces=(*others[:4], *same[4:]))
        read, states = box.rows.read, itertools.cycle(["down", "up"])
        at = _T0 + timedelta(minutes=2)

        async def beside(query: Callable[[sa.Connection], Any]) -> Any:
            found, polled = await read(query), [("p5", 5, "up", next(states))]
            await box.rows.write(lambda c: polled_ports.observe_ports(c, "pe1", polled, at))
            return found

        with monkeypatch.context() as polling:
            polling.setattr(box.rows, "read", beside)
            await box.ahead(seen, 2)
        await box.rest(seen, 2)
        assert {row["oper_status"] for row in (await box.ports()).values()} == {"up"}
        assert await box.settled(seen)

    _run(tmp_path, story)


def test_where_a_port_is_renamed_or_another_box_answers_nothing_is_written_ahead(
    tmp_path: Path,
) -> None:
    async def story(box: _Box) -> None:
        others = [
            dataclasses.replace(port, mac=port.mac and port.mac.replace("02:00", "06:66"))
            for port in _seen(2).interfaces or ()
        ]
        for seen in (
            _seen(2, shift=100, first="wan0"),
            dataclasses.replace(_seen(2, shift=100), interfaces=tuple(others)),
        ):
            await box.ahead(seen, 2)
            assert await box.indexes() == _FIRST
        await box.rest(_seen(2, shift=100, first="wan0"), 2)
        assert await box.indexes() == {"wan0": 101} | {
            n: i for n, i in _OTHERS.items() if n != "p1"
        }

    _run(tmp_path, story)


def test_the_look_is_of_the_moment_after_what_was_written_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a poll wrote in between would else be of after the look that replaced it."""

    async def story(box: _Box) -> None:
        async def explored(*_asked: object) -> tuple[discovery.Finding, ...]:
            return (discovery.Finding("pe1", _seen(2, shift=100)),)

        monkeypatch.setattr(discovery.Explorer, "explore", explored)
        minutes = itertools.count(2)
        nobody: Any = None
        clock: Any = SimpleNamespace(now=lambda: _T0 + timedelta(minutes=next(minutes)))
        desk = onboarding.StoredOnboarding(
            box.rows, clock, nobody, nobody, nobody, nobody, tmp_path
        )
        await desk.look("default", "pe1", frozenset({About.WHOLE}))
        looked = await box.rows.read(lambda c: sightings.looked_at(c, "pe1"))
        assert looked is not None
        assert {row["valid_from"] < looked for row in (await box.ports()).values()} == {True}
        assert await box.indexes() == _OTHERS

    _run(tmp_path, story)


def test_a_case_of_its_ports_ends_with_the_look_itself(tmp_path: Path) -> None:
    async def story(box: _Box) -> None:
        held = {
            "service": "svc-1",
            "tenant": "default",
            "device": "pe1",
            "port": "p1",
            "meter": True,
        }
        await box.rows.write(lambda c: history.begin(c, tables.service_resources, held, _T0))
        gone = dataclasses.replace(_seen(2), interfaces=(_seen(2).interfaces or ())[1:])
        await box.look(gone, 2)
        seen = _seen(3, shift=100)
        await box.ahead(seen, 3)
        assert (await box.indexes(), await box.settled(seen)) == (_OTHERS, False)
        await box.rest(seen, 3)
        assert await box.settled(seen)
        open_ones = await box.rows.read(
            lambda c: cases.standing(c, "default", ["pe1"], port_cases.KINDS)
        )
        assert not open_ones

    _run(tmp_path, story)
