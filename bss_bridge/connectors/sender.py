"""Carries a connector's talk: HTTP requests and files, bounded in time and size.

Order, retry and persistence are the outbox's. Whatever the other side does becomes an ``Attempt``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
from dataclasses import dataclass
from typing import Final

import httpx

from bss_bridge.connectors import record, talk
from bss_bridge.events import delivery
from oss_agent.spi.clock import Clock
from oss_agent.spi.events import Attempt, Delivery, Event

TALK: Final = 45.0
"""Seconds for a whole talk of several requests; under the outbox's own deadline."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """What every talk is carried by."""

    http: httpx.AsyncClient
    clock: Clock

    async def carry(self, said: talk.Talk) -> Attempt:
        """Send each request the talk asks for, until it ends or one gets no answer."""
        try:
            async with asyncio.timeout(TALK):
                return await self._carry(said)
        except TimeoutError:
            return Attempt(Delivery.RETRY, f"not done within {TALK:g} s")

    async def _carry(self, said: talk.Talk) -> Attempt:
        with contextlib.closing(said):
            try:
                request = next(said)
                while True:
                    answer = await self.ask(request)
                    if isinstance(answer, Attempt):
                        return answer
                    request = said.send(answer)
            except StopIteration as end:
                outcome: Attempt = end.value
                return outcome

    async def ask(self, request: talk.Request) -> talk.Answer | Attempt:
        """The answer to one request, or what it means that there is none."""
        try:
            if isinstance(request, talk.File):
                return await asyncio.to_thread(self._put, request)
            async with asyncio.timeout(delivery.DEADLINE):
                return await self._call(request)
        except TimeoutError:
            return Attempt(Delivery.RETRY, f"no answer within {delivery.DEADLINE:g} s")
        except (httpx.InvalidURL, UnicodeError) as bad:
            return Attempt(Delivery.PARKED, f"cannot be sent: {bad}")
        except (httpx.HTTPError, OSError) as bad:
            return Attempt(Delivery.RETRY, talk.printable(f"{type(bad).__name__}: {bad}"))

    async def _call(self, request: talk.Call) -> talk.Answer:
        headers = {**request.headers}
        if request.body is not None:
            headers["Content-Type"] = request.media
        sent = self.http.stream(
            request.method, request.url, content=request.content, headers=headers
        )
        async with sent as answer:
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > delivery.ANSWER:
                    break
            got = bytes(body[: delivery.ANSWER])
            return talk.Answer(answer.status_code, self.clock.now(), dict(answer.headers), got)

    def _put(self, file: talk.File) -> talk.Answer:
        """Whole or not at all: a reader never sees half a file, and a crash loses none."""
        place = pathlib.Path(file.directory)
        half = place / f".{file.name}.part"
        with half.open("wb") as out:
            out.write(file.content)
            out.flush()
            os.fsync(out.fileno())
        half.replace(place / file.name)
        _sync(place)
        return talk.Answer(201, self.clock.now())


def _sync(directory: pathlib.Path) -> None:
    """The rename itself must survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class ConnectorReceiver:
    """``spi.events.Receiver``: one configured billing system, of one tenant."""

    name: str
    tenant: str
    connector: talk.Connector
    mouth: Mouth

    @property
    def id(self) -> str:
        """``billing:<name>``: deliveries are kept under it, so a name must not change its meaning."""
        return f"billing:{self.name}"

    def wants(self, event: Event) -> bool:
        """Of its tenant, and what the connector was asked for and has a form for."""
        if event.tenant != self.tenant:
            return False
        try:
            fact = record.fact(event)
        except ValueError:
            return True  # a row that cannot be read is parked by deliver, where a person sees it
        if isinstance(fact, record.Day) and fact.view.receiver != self.id:
            return False
        return fact is not None and self.connector.wants(fact)

    async def deliver(self, event: Event) -> Attempt:
        """Say it once."""
        try:
            fact = record.fact(event)
        except ValueError as bad:
            return Attempt(Delivery.PARKED, f"the event row cannot be rendered: {bad}")
        if fact is None or not self.connector.wants(fact):
            return Attempt(Delivery.DONE, "not told: by the settings of now it is not asked for")
        return await self.mouth.carry(self.connector.tell(fact))
