"""F-21 and F-22 of docs/reliability.md: billing is down, slow, strange, and then back."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import itertools
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.events import delivery, receivers, tables
from bss_bridge.events.outside import Outside
from oss_agent import outbox, store
from oss_agent.app import complaints
from oss_agent.assurance import alarm_rows
from oss_agent.assurance import tables as assurance_tables
from oss_agent.assurance.alarms import AlarmDesk
from oss_agent.clock import SystemClock
from oss_agent.outbox import desk
from oss_agent.spi import events, views
from oss_agent.spi.alarms import AlarmKey

_PACE = outbox.Pace(tick=0.02, first_pause=0.001, longest_pause=0.02, late=timedelta(seconds=0.1))
_SERVICES = 12
_EVENTS = 120
_HALT = ("communicationsAlarm", "communicationsSubsystemFailure")


@dataclasses.dataclass
class Billing:
    """A real HTTP server: each request is answered by the script's next word, then with 200.

    ``503``, ``422`` and the like are statuses; ``reset`` closes without an answer; ``200 reset``
    takes the event and closes before it says so; ``hang`` says nothing until the peer gives up.
    """

    script: Iterator[str] = dataclasses.field(default_factory=lambda: iter(()))
    port: int = 0
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """(key, word) of every request"""
    taken: list[tuple[str, str, int]] = dataclasses.field(default_factory=list)
    """(service, key, number) of every event that was taken, in order, repeats included"""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, EOFError):
            while await self._one(reader, writer):
                pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:])}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        word, key = next(self.script, "200"), headers["idempotency-key"]
        self.asked.append((key, word))
        if word.startswith(("200", "409")):
            service = body["event"]["service"]
            self.taken.append((service["id"], key, int(service["name"])))
        if word.endswith("reset"):
            return False
        if word == "hang":
            await reader.read()
            return False
        extra = {"429": "Retry-After: 1\r\n", "307": "Location: http://127.0.0.1:1/\r\n"}
        more = extra.get(word, "")
        writer.write(f"HTTP/1.1 {word} X\r\nContent-Length: 0\r\n{more}\r\n".encode())
        await writer.drain()
        return True


@dataclasses.dataclass
class Scene:
    """The outbox, its watch and its alarms, in front of that server."""

    rows: store.SqlStore
    box: outbox.Outbox
    watch: outbox.Watch
    billing: Billing

    async def happens(self, *numbers: int) -> None:
        for number in numbers:
            await self.rows.write(functools.partial(self.box.append, event=_event(number)))

    async def states(self) -> dict[str, str]:
        found = await self.rows.read(lambda c: desk.deliveries(c, receiver="billing", limit=1_000))
        return {one.event_id: one.state.value for one in found}

    async def settled(self, event: str, state: str) -> None:
        await self.until(functools.partial(self._is, event, state))

    async def _is(self, event: str, state: str) -> bool:
        return (await self.states()).get(event) == state

    async def alarmed(self, where: str, *kind: str) -> bool:
        found = await self.rows.read(lambda c: alarm_rows.open_of(c, AlarmKey(where, *kind)))
        return found is not None and found.state != "cleared"

    async def until(self, look: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(300):
            while not await look():  # noqa: ASYNC110  the database sends no signal
                await asyncio.sleep(0.01)


def _event(number: int) -> events.Event:
    """The ``number``-th event; each service has every twelfth, its name tells which."""
    at = datetime.now(UTC)
    service = views.ServiceView(
        f"s{number % _SERVICES}", "default", str(number), "CFS", views.ServiceState.ACTIVE,
        views.OperatingStatus.RUNNING, views.SpecificationRef("eline", "1.0", "E-Line"), {}, "acme",
        at,
    )  # fmt: skip
    kind = events.EventKind.SERVICE_STATE
    payload = views.as_json(service)
    return events.Event(f"e{number}", kind, "default", f"service:{service.id}", at, payload)


@contextlib.asynccontextmanager
async def playing(folder: Path, *script: str) -> AsyncIterator[Scene]:
    billing, time = Billing(iter(script)), SystemClock()
    server = await asyncio.start_server(billing.serve, "127.0.0.1", 0)
    billing.port = server.sockets[0].getsockname()[1]
    url = f"sqlite:///{folder / 'agent.db'}"
    async with server, store.open_store(url) as rows, delivery.client() as http:
        for metadata in (outbox.METADATA, assurance_tables.METADATA, tables.METADATA):
            await rows.write(metadata.create_all)
        said = complaints.Complaints(rows, time)
        target = receivers.BillingTarget(f"http://127.0.0.1:{billing.port}/in")
        told = receivers.BridgeReceivers(rows, Outside(http, time, Hrefs()), target)
        box = outbox.Outbox(rows, told, time, said.undelivered, _PACE, said.heed)
        said.go_to(AlarmDesk(box.append))
        watch = outbox.Watch(rows, told.removed, time, said.undelivered, said.heed, _PACE)
        role = asyncio.create_task(box.run())
        try:
            yield Scene(rows, box, watch, billing)
        finally:
            role.cancel()
            await asyncio.gather(role, return_exceptions=True)


def test_f21_billing_is_down_for_long_and_then_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is missing, nothing out of order per service, a repeat has the same key."""
    monkeypatch.setattr(delivery, "DEADLINE", 0.3)
    late = ("receiver:billing", "qualityOfServiceAlarm", "responseTimeExcessive")

    async def story() -> None:
        async with playing(tmp_path) as it:

            async def called() -> bool:
                await it.watch.look()
                return await it.alarmed(*late)

            over = asyncio.Event()
            it.billing.script = _trouble(over)
            await it.happens(*range(_EVENTS))
            await it.until(functools.partial(_asked, it, 25))
            await it.until(called)  # a person, while it lasts
            over.set()
            await it.until(functools.partial(_all_done, it))
            await it.watch.look()
            assert not await it.alarmed(*late)
            _judge(it.billing.taken)

    asyncio.run(story())


def _trouble(over: asyncio.Event) -> Iterator[str]:
    """Every kind of it, until it is over."""
    words = itertools.cycle(["503", "reset", "hang", "503", "200 reset"])
    while not over.is_set():
        yield next(words)


async def _asked(it: Scene, times: int) -> bool:
    return len(it.billing.asked) >= times


async def _all_done(it: Scene) -> bool:
    states = await it.states()
    return len(states) == _EVENTS and set(states.values()) == {"done"}


def _judge(taken: list[tuple[str, str, int]]) -> None:
    assert {number for _, _, number in taken} == set(range(_EVENTS)), "none is missing"
    assert all(key == f"e{number}" for _, key, number in taken), "one key per event"
    assert len(taken) > _EVENTS, "the script made some come twice"
    order: dict[str, list[int]] = defaultdict(list)
    for service, _, number in taken:
        if number not in order[service]:
            order[service].append(number)
    assert all(numbers == sorted(numbers) for numbers in order.values())


@pytest.mark.parametrize(
    ("words", "state", "requests"),
    [
        (["200"], "done", 1),
        (["200 reset"], "done", 2),
        (["409"], "done", 1),
        (["429"], "done", 2),
        (["500", "502", "503"], "done", 4),
        (["422"], "parked", 1),
        (["400"], "parked", 1),
        (["307"], "parked", 1),
        (["401"], "pending", 1),
        (["403"], "pending", 1),
        (["410"], "pending", 1),
    ],
    ids=lambda word: "-".join(word) if isinstance(word, list) else "",
)
def test_f22_an_answer_of_billing_decides(
    tmp_path: Path, words: list[str], state: str, requests: int
) -> None:
    async def story() -> None:
        async with playing(tmp_path, *words) as it:
            await it.happens(0)
            await it.until(functools.partial(_asked, it, requests))
            await it.settled("e0", state)
            stopped, parked = state == "pending", state == "parked"
            if stopped:
                await it.until(lambda: it.alarmed("receiver:billing", *_HALT))
            # the same service's next event waits behind, another service's does not
            await it.happens(_SERVICES, 1)
            await it.settled("e1", "pending" if stopped else "done")
            await it.settled(f"e{_SERVICES}", "done" if state == "done" else "pending")
            assert await it.alarmed("receiver:billing", *_HALT) is stopped
            assert await it.alarmed("receiver:billing:service:s0", *_HALT) is parked
            assert {key for key, _ in it.billing.asked[:requests]} == {"e0"}, "one key"

    asyncio.run(story())
