"""How fast events reach 100 hub listeners, one of them dead, beside a plain httpx loop.

Run: ``scripts/bench events [EVENTS]``. The listeners are a process of their own; every one of them wants
every event. Ours: the event stored, a row per delivery, order per entity, each answer on disk, until
the living ones have all of it. Beside: one httpx client that posts the same bodies, as many at once to
each listener, and remembers nothing. CPU is the sender's own, per delivery.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import sqlalchemy as sa

from bss_bridge.engine.hrefs import SERVICE_INVENTORY, Hrefs
from bss_bridge.events import callbacks, delivery, listeners, notifications, receivers, tables
from bss_bridge.events.outside import Outside
from oss_agent import outbox, store
from oss_agent.clock import SystemClock
from oss_agent.outbox.tables import DELIVERIES
from oss_agent.spi import events, views
from tests.bench import table

_LISTENERS = 100
_PROGRAM = Path(__file__).with_name("event_listeners.py")
_LINKS = Hrefs()


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds until everybody alive had everything, and the sender's CPU seconds."""

    wall: float
    cpu: float


def measure(count: int) -> Iterator[table.Row]:
    """Ours, then the plain loop, to the same listeners."""
    happened = [_event(number) for number in range(count)]
    with _listeners() as port:
        ours = asyncio.run(_ours(port, happened))
        plain = asyncio.run(_plain(port, happened))
    living = (_LISTENERS - 1) * count
    ratio = f"1/{ours.wall / plain.wall:.1f}" if ours.wall > plain.wall else "faster"
    beside = f"plain httpx, nothing kept {living / plain.wall:.0f}/s"
    what = f"{count} events, {_LISTENERS} listeners, 1 dead"
    yield table.Row(what, f"{living / ours.wall:.0f}/s", beside, ratio)
    yield table.cost("CPU of a delivery", ours.cpu / living, "plain httpx", plain.cpu / living)


@contextlib.contextmanager
def _listeners() -> Iterator[int]:
    command = [sys.executable, str(_PROGRAM)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as played:
        try:
            if played.stdout is None:
                raise RuntimeError("the listeners have no output")
            yield int(played.stdout.readline())
        finally:
            played.kill()


def _paths() -> Sequence[str]:
    return ("dead", *(f"l{number}" for number in range(1, _LISTENERS)))


def _event(number: int) -> events.Event:
    at = datetime.now(UTC)
    service = views.ServiceView(
        f"s{number}", "default", f"acme-{number}", "CFS", views.ServiceState.ACTIVE,
        views.OperatingStatus.RUNNING, views.SpecificationRef("eline", "1.0", "E-Line"),
        {"bandwidth": 20, "aEnd": "pe1:eth4", "zEnd": "pe2:eth4"}, "acme", at,
    )  # fmt: skip
    return events.Event(
        f"e{number}",
        events.EventKind.SERVICE_STATE,
        "default",
        f"service:{service.id}",
        at,
        views.as_json(service),
    )


async def _ours(port: int, happened: Sequence[events.Event]) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            store.open_store(f"sqlite:///{folder}/agent.db") as rows,
            delivery.client() as http,
        ):
            for metadata in (outbox.METADATA, tables.METADATA):
                await rows.write(metadata.create_all)
            await rows.write(functools.partial(_register, port=port))
            policy = callbacks.Policy.of(("127.0.0.1",))
            outside = Outside(http, SystemClock(), _LINKS, policy)
            told = receivers.BridgeReceivers(rows, outside, None)
            box = outbox.Outbox(rows, told, SystemClock(), _no_alarm)
            role = asyncio.create_task(box.run())
            wall, cpu = time.perf_counter(), time.process_time()
            for one in happened:
                await rows.write(functools.partial(box.append, event=one))
            while await rows.read(_done) < (_LISTENERS - 1) * len(happened):  # noqa: ASYNC110  rows send no signal
                await asyncio.sleep(0.05)
            cost = Cost(time.perf_counter() - wall, time.process_time() - cpu)
            role.cancel()
            await asyncio.gather(role, return_exceptions=True)
            return cost


def _register(connection: sa.Connection, port: int) -> None:
    for path in _paths():
        listeners.add(
            connection,
            tenant="default",
            surface=SERVICE_INVENTORY,
            callback=f"http://127.0.0.1:{port}/{path}",
            query="",
            at=datetime.now(UTC),
        )


def _done(connection: sa.Connection) -> int:
    counted = sa.select(sa.func.count()).where(DELIVERIES.c.state == outbox.State.DONE)
    return connection.scalar(counted) or 0


def _no_alarm(connection: sa.Connection, halt: outbox.Halt) -> None:
    del connection
    raise AssertionError(halt)


async def _plain(port: int, happened: Sequence[events.Event]) -> Cost:
    """As an integrator would write it first: render once per event, post to all, forget."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
    async with httpx.AsyncClient(trust_env=False, timeout=120, limits=limits) as http:
        wall, cpu = time.perf_counter(), time.process_time()
        bodies = [json.dumps(notifications.notification(one, _LINKS)).encode() for one in happened]
        living = [_to(http, f"http://127.0.0.1:{port}/{path}", bodies) for path in _paths()[1:]]
        dead = asyncio.create_task(_to(http, f"http://127.0.0.1:{port}/dead", bodies))
        await asyncio.gather(*living)
        cost = Cost(time.perf_counter() - wall, time.process_time() - cpu)
        dead.cancel()
        await asyncio.gather(dead, return_exceptions=True)
        return cost


async def _to(http: httpx.AsyncClient, url: str, bodies: Sequence[bytes]) -> None:
    at_once = asyncio.Semaphore(outbox.Pace().parallel)

    async def post(body: bytes) -> None:
        async with at_once:
            answer = await http.post(url, content=body)
            answer.raise_for_status()

    await asyncio.gather(*map(post, bodies))


if __name__ == "__main__":
    events_told = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    table.run("events", lambda: measure(events_told))
