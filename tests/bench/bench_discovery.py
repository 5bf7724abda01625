"""Discovery of 1,000 simulated devices: what a whole look, a second look and the cheap question cost us.

Run: ``scripts/bench discovery [DEVICES]``. Each device is an SNMP agent of its own on loopback (10 ports;
the agents run in another process), read by the daemon's own rounds into SQLite with all its identities,
16 at a time. CPU and memory are this process's; the agents, in Python, are the slow part of the wall time.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from drivers.snmp import engine
from inventory.devices import devices
from inventory.looks import discovery, rounds
from inventory.onboarding import onboarding
from inventory.rows import history, tables
from oss_agent import clock, errors, store
from oss_agent.testing.simulated_snmp import agent, router
from tests.bench import table

_DEVICES, _PORTS = 1_000, 10
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_TICK = 0.005
_FOR_EVER = float("inf")
"""Seconds that an agent's view is kept: to build it anew for each request is the simulation's price."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one pass over all devices: by the clock, of our processor, the longest stall.

    ``missed`` devices were too slow to answer: it is one process that plays them all.
    """

    wall: float
    cpu: float
    stall: float
    missed: int


def _agents(count: int, told: Connection) -> None:
    """The other process: so many agents, for as long as it lives."""
    asyncio.run(_answer(count, told))


async def _answer(count: int, told: Connection) -> None:
    every = [agent.SimulatedAgent(_router(number), cache=_FOR_EVER) for number in range(count)]
    for one in every:
        await one.listen("127.0.0.1")
    told.send([one.port for one in every])
    await asyncio.Event().wait()


def _router(number: int) -> router.Router:
    made = router.Router(f"r{number}", time.monotonic)
    for port in range(1, _PORTS + 1):
        mac = bytes((2, 0, port, *number.to_bytes(3)))
        made.ports[f"eth{port}"] = router.Port(f"eth{port}", port, mac)
    return made


class _NoDrivers:
    """SNMP alone is measured: no device is logged in to."""

    def driver(self, platform: str) -> NoReturn:
        raise errors.ConfigurationError(f"{platform}: not measured")


async def _key_scan(device: str, address: str, port: int) -> tuple[str, ...]:
    raise errors.DeviceUnreachable(device, f"{address} port {port}: not measured")


async def _passes(ports: list[int], place: Path) -> Mapping[str, Cost]:
    time_ = clock.SystemClock()
    async with (
        store.open_store(f"sqlite:///{place / 'oss.db'}") as rows,
        engine.running(time_) as asking,
    ):
        await rows.write(tables.METADATA.create_all)
        await rows.write(lambda c: history.begin_all(c, tables.devices, _devices(ports), _AT))
        await rows.write(lambda c: history.begin_all(c, tables.device_keys, _keys(ports), _AT))
        known = devices.StoredDevices(rows, {"COMMUNITY": "public"})
        limits = discovery.Limits()
        it = onboarding.StoredOnboarding(
            rows, time_, known, _NoDrivers(), asking, _key_scan, place, limits
        )
        names = [_name(number) for number in range(len(ports))]
        return {
            "whole, first": await _cost(lambda: _round(rows, it, time_, names)),
            "whole, nothing new": await _cost(lambda: _round(rows, it, time_, names)),
            "cheap question": await _cost(lambda: _stamps(it, names)),
        }


async def _round(
    rows: store.SqlStore,
    it: onboarding.StoredOnboarding,
    time_: clock.SystemClock,
    names: list[str],
) -> int:
    """All due at once, and never again; how many did not answer."""
    waiting = set(names)

    def due(device: str, _: float, now: float, __: int) -> float:
        first = device in waiting
        waiting.discard(device)
        return now if first else float("inf")

    it_ = rounds.Rounds(rows, it, time_, due, rounds.Pace(refresh=0.2))
    async with asyncio.TaskGroup() as group:
        role = group.create_task(it_.run())
        while sum(it_.counters().values()) < len(names):  # noqa: ASYNC110 - it tells by counters
            await asyncio.sleep(0.05)
        role.cancel()
    missed = it_.counters().get("unanswered", 0)
    assert it_.counters()["whole"] + missed == len(names), it_.counters()
    return missed


async def _stamps(it: onboarding.StoredOnboarding, names: list[str]) -> int:
    room = asyncio.Semaphore(16)

    async def ask(name: str) -> None:
        async with room:
            assert await it.stamp(name) is not None

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(ask(name))
    return 0


async def _cost(run: Callable[[], Awaitable[int]]) -> Cost:
    stalls = [0.0]
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(stalls))
        wall, cpu = time.perf_counter(), time.process_time()
        missed = await run()
        spent = time.process_time() - cpu
        cost = Cost(time.perf_counter() - wall, spent, max(stalls), missed)
        watching.cancel()
    return cost


async def _watch(stalls: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK)
        stalls[0] = max(stalls[0], time.perf_counter() - began - _TICK)


def _name(number: int) -> str:
    return f"r{number}"


def _devices(ports: list[int]) -> list[dict[str, object]]:
    return [
        {
            "tenant": "default",
            "name": _name(number),
            "source": "bench",
            "kind": "linux",
            "platform": "sim_netconf",
            "managed": True,
            "reason": "",
            "address": "127.0.0.1",
            "role": "p",
            "site": "",
            "username": "oss",
            "password_ref": None,
            "community_ref": "env:COMMUNITY",
            "ports": {"snmp": port},
            "router_id": None,
        }
        for number, port in enumerate(ports)
    ]


def _keys(ports: list[int]) -> list[dict[str, object]]:
    shared = {"tenant": "default", "key": "k", "fingerprint": "f", "accepted_by": "bench"}
    return [{**shared, "device": _name(number)} for number in range(len(ports))]


def measure(count: int = _DEVICES) -> Iterator[table.Row]:
    """Every device must have been read or said to be silent, each pass."""
    spawning = multiprocessing.get_context("spawn")
    mine, theirs = spawning.Pipe()
    agents = spawning.Process(target=_agents, args=(count, theirs), daemon=True)
    agents.start()
    try:
        with tempfile.TemporaryDirectory() as place:
            found = asyncio.run(_passes(mine.recv(), Path(place)))
    finally:
        agents.terminate()
        agents.join()
    for what, cost in found.items():
        each = f"{cost.cpu / count * 1_000:.1f} ms CPU a device"
        wall = f"{count} in {cost.wall:.1f} s, stall {cost.stall * 1_000:.0f} ms"
        wall += f", {cost.missed} silent" if cost.missed else ""
        yield table.Row(what, each, wall)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield table.Row("peak of our memory", f"{peak:.0f} MiB")


if __name__ == "__main__":
    table.run("discovery", lambda: measure(*map(int, sys.argv[1:2])))
