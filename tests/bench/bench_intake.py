"""Durable intake: how fast orders are stored and acknowledged, by the store alone and over HTTP.

Run: ``scripts/bench intake [ORDERS]``; 2,000 unless said, 10,000 is the number to know. First the
store alone: judged, written and synced, 256 callers at once. Then a burst to the real daemon over 32
connections that stay open, its motor at work behind; beside it, by the same client with the same
bodies, a bare FastAPI endpoint that commits each request to SQLite by itself and does nothing else.
CPU is the server's; the daemon's has in it what it began of the orders meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import bare_endpoint, estate, keepalive, processor, table
from tests.integration.fulfilment import world as worlds

_CALLERS, _CONNECTIONS, _DEVICES = 256, 32, 20


@dataclass(frozen=True, slots=True)
class Served:
    """A burst, the server's CPU seconds for each of its requests, and what stayed undone of it."""

    burst: keepalive.Burst
    cpu: float
    backlog: int = 0


def measure(count: int) -> Iterator[table.Row]:
    """The store, then the daemon beside the bare endpoint."""
    wall, cpu = asyncio.run(_store(count))
    what = f"store alone, {count} orders"
    yield table.Row(what, f"{count / wall:.0f}/s", f"{table.milliseconds(cpu / count)} CPU each")
    with estate.standing(_DEVICES, count) as here:
        bodies = here.bodies(count)
        pid, before = here.daemon.process.pid, processor.spent(here.daemon.process.pid)
        burst = keepalive.post(here.daemon.url + estate.ORDERS, bodies, _CONNECTIONS)
        cpu = (processor.spent(pid) - before) / count
        ours = Served(burst, cpu, count - here.ended())
    with tempfile.TemporaryDirectory() as place:
        bare = _bare(Path(place) / "bare.db", bodies)
    yield from _rows(f"{count} over HTTP", ours, bare)


def _rows(what: str, ours: Served, bare: Served) -> Iterator[table.Row]:
    ratio = f"1/{bare.burst.rate / ours.burst.rate:.1f}"
    beside = f"bare endpoint {bare.burst.rate:.0f}/s"
    yield table.Row(what, f"{ours.burst.rate:.0f}/s", beside, ratio)
    yield table.cost(f"{what}: CPU of a request", ours.cpu, "bare endpoint", bare.cpu)
    for part in (0.5, 0.99):
        name = f"{what}: p{part * 100:.0f}"
        theirs = bare.burst.quantile(part)
        yield table.cost(name, ours.burst.quantile(part), "bare endpoint", theirs)
    yield table.Row(f"{what}: left to the motor", str(ours.backlog))


def _bare(file: Path, bodies: list[bytes]) -> Served:
    with bare_endpoint.serving(file) as there:
        before = processor.spent(there.pid)
        burst = keepalive.post(there.url, bodies, _CONNECTIONS)
        return Served(burst, (processor.spent(there.pid) - before) / len(bodies))


async def _store(count: int) -> tuple[float, float]:
    """Seconds, and CPU seconds, until the last of ``count`` orders is synced."""
    with tempfile.TemporaryDirectory() as place:
        async with worlds.open_world(Path(place)) as world:
            await world.order("warm")
            gate = asyncio.Semaphore(_CALLERS)

            async def submit(number: int) -> None:
                async with gate:
                    await world.order(f"bench-{number}")

            wall, cpu = time.perf_counter(), time.process_time()
            async with asyncio.TaskGroup() as group:
                for number in range(count):
                    group.create_task(submit(number))
            return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    posted = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    table.run("intake", lambda: measure(posted))
