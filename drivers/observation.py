"""Decides how a question is put to a device and its answer handed on, by the platform's data.

The SSH connection for commands is opened at the first question that needs it and shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncssh

from device_models import model
from drivers import extraction, slots, ssh
from drivers.cli import execution
from oss_agent.errors import DeviceRefused, OrderRejected
from oss_agent.spi import device
from oss_agent.spi.proof import Observation, Question

Now = Callable[[], datetime]
Observe = Callable[[Question], Awaitable[Observation]]


def utc() -> datetime:
    """The wall clock, for drivers that were given none."""
    return datetime.now(UTC)


@asynccontextmanager
async def observer(
    endpoint: device.Endpoint, platform: model.Platform, now: Now
) -> AsyncIterator[Observer]:
    """Somebody to ask for as long as the block lasts."""
    async with AsyncExitStack() as open_links:
        yield Observer(endpoint, platform, now, open_links)


@dataclass(slots=True)
class Observer:
    """Answers the questions of one device."""

    endpoint: device.Endpoint
    platform: model.Platform
    now: Now
    open_links: AsyncExitStack
    link: asyncssh.SSHClientConnection | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, question: Question) -> Observation:
        """What the device says.

        DeviceRefused or DeviceUnreachable when there is no connection; whatever else keeps it from
        an answer makes the observation unobservable, with the reason.
        """
        reading = self.platform.observe.get(question.kind)
        if reading is None:
            known = ", ".join(sorted(self.platform.observe)) or "nothing"
            return self._unobservable(question, f"{self.platform.platform} can only say: {known}")
        try:
            params = slots.fill(reading.slots, question.params)
        except OrderRejected as wrong:
            return self._unobservable(question, wrong.reason)
        if reading.channel is model.Channel.SIMULATED:
            return Observation(question.kind, self.endpoint.device, self.now(), simulated=True)
        return await self._run(question, reading, params)

    async def _run(
        self, question: Question, reading: model.Reading, params: Mapping[str, str]
    ) -> Observation:
        words = [extraction.word(word, params) for word in reading.command]
        link = await self.connected()
        try:
            output = await execution.run(link, words, within=reading.within, limit=reading.limit)
        except execution.NoOutput as silence:
            return self._unobservable(question, f"{' '.join(words)}: {silence}")
        try:
            values = extraction.values(reading, params, output)
        except extraction.NotThere as wrong:
            return self._unobservable(question, f"{' '.join(words)}: {wrong}", output)
        return Observation(
            question.kind,
            self.endpoint.device,
            self.now(),
            values,
            extraction.transcript(words, output),
        )

    async def connected(self) -> asyncssh.SSHClientConnection:
        """The connection for commands, opened when there is none."""
        async with self.opening:
            if self.link is None or self.link.is_closed():
                port = self.platform.port("ssh", self.endpoint.ports)
                if port is None:
                    raise DeviceRefused(self.endpoint.device, "no SSH port is known for commands")
                opened = ssh.connection(self.endpoint, port)
                self.link = await self.open_links.enter_async_context(opened)
        return self.link

    def _unobservable(
        self, question: Question, reason: str, output: execution.Output | None = None
    ) -> Observation:
        transcript = "" if output is None else extraction.transcript([], output)
        return Observation(
            question.kind,
            self.endpoint.device,
            self.now(),
            transcript=transcript,
            unobservable=reason,
        )
