"""One box of 20,000 ports into SQLite: how long an order's commit waits while its look is written.

Run: ``scripts/bench box [PORTS]``. No device is asked: its first look, one with nothing new and one with every
port renumbered are written as discovery does, beside a unit of nothing each 10 ms, whose longest
wait is told. "In one unit" is the same without what is written ahead of the look.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import digests, observed, ports_ahead
from inventory.rows import history, tables
from inventory.services import resource_events
from oss_agent import store
from tests.bench import table

_PORTS, _STATIONS = 20_000, 16_384
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_LOOKS = {"first": 0, "nothing new": 0, "all renumbered": 100_000}


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds: by the clock, of our processor, and the longest that another unit waited."""

    wall: float
    cpu: float
    waited: float


def _seen(ports: int, shift: int, uptime: int) -> facts.DeviceFacts:
    def mac(kind: int, number: int) -> str:
        return bytes((2, kind, 0, *number.to_bytes(3))).hex(":")

    every = range(1, ports + 1)
    return facts.DeviceFacts(
        "box",
        interfaces=tuple(
            facts.InterfaceFact(f"xe-{n}", n + shift, "up", "up", 10**10, mac(0, n), f"to {n}")
            for n in every
        ),
        stations=tuple(
            facts.StationFact(f"xe-{n}", mac(1, n), f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
            for n in every[:_STATIONS]
        ),
        addresses=(),
        uptime=uptime,
    )


def _device() -> dict[str, object]:
    text = ("kind", "platform", "reason", "role", "site", "username")
    more = dict.fromkeys(("password_ref", "community_ref", "router_id"))
    known = {"tenant": "default", "name": "box", "source": "bench", "address": "127.0.0.1"}
    return {**known, **dict.fromkeys(text, ""), **more, "managed": True, "ports": {}}


async def _wait(rows: store.SqlStore, waited: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await rows.write(lambda _: None)
        waited.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)


async def _look(
    rows: store.SqlStore, seen: facts.DeviceFacts, at: datetime, *, ahead: bool
) -> None:
    teller = resource_events.Teller(lambda _connection, _event: None)
    said = await asyncio.to_thread(digests.of, seen, "default")
    if ahead:
        await ports_ahead.write(rows, teller, seen, said, at)
    box = frozenset({"box"})
    news = await rows.read(lambda c: observed.news(c, "box", said))
    some = resource_events.Some(devices=box, ports_of=box if facts.PORTS in news else frozenset())

    def unit(connection: sa.Connection) -> None:
        with teller.around(connection, some, at):
            assert observed.record(connection, seen, at, said) == ""

    await rows.write(unit)


async def _looks(ports: int, *, ahead: bool, place: Path) -> dict[str, _Cost]:
    found: dict[str, _Cost] = {}
    async with store.open_store(f"sqlite:///{place / 'oss.db'}") as rows:
        await rows.write(tables.METADATA.create_all)
        await rows.write(lambda c: history.begin(c, tables.devices, _device(), _AT))
        for number, (what, shift) in enumerate(_LOOKS.items(), 1):
            seen, waited = _seen(ports, shift, number), [0.0]
            async with asyncio.TaskGroup() as group:
                others = group.create_task(_wait(rows, waited))
                wall, cpu = time.perf_counter(), time.process_time()
                await _look(rows, seen, _AT + timedelta(hours=number), ahead=ahead)
                spent = time.process_time() - cpu
                wall = time.perf_counter() - wall
                await rows.write(lambda _: None)
                await asyncio.sleep(0)
                others.cancel()
            found[what] = _Cost(wall, spent, max(waited))
    return found


def measure(ports: int = _PORTS) -> Iterator[table.Row]:
    """Each look as it is written now, beside the same in one unit."""
    costs: list[dict[str, _Cost]] = []
    for ahead in (True, False):
        with tempfile.TemporaryDirectory() as place:
            costs.append(asyncio.run(_looks(ports, ahead=ahead, place=Path(place))))
    ours, one = costs
    for what, cost in ours.items():
        told = f"waits {cost.waited:.2f} s, {cost.cpu:.1f} s CPU"
        other = f"in one unit {one[what].waited:.2f} s, {one[what].cpu:.1f} s CPU"
        yield table.Row(f"{ports} ports, {what}", told, other)


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else _PORTS
    table.run("box", lambda: measure(size))
