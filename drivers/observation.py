"""Decides how a question is put to a device and its answer handed on, by the platform's data.

Commands go over the links of the device's connection, beside its other channels.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from device_models import model
from drivers import execution, extraction, links, slots
from oss_agent.errors import DeviceRefused, OrderRejected
from oss_agent.spi import device
from oss_agent.spi.proof import Observation, Question

Now = Callable[[], datetime]
Observe = Callable[[Question], Awaitable[Observation]]


def utc() -> datetime:
    """The wall clock, for drivers that were given none."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Observer:
    """Answers the questions of one device, over its links."""

    ways: links.Links
    platform: model.Platform
    now: Now

    @property
    def endpoint(self) -> device.Endpoint:
        """The device."""
        return self.ways.endpoint

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
        if reading.channel is not model.Channel.SSH_EXEC:
            return self._unobservable(question, f"{reading.channel} needs a session of that store")
        return await self._run(question, reading, params)

    async def _run(
        self, question: Question, reading: model.Reading, params: Mapping[str, str]
    ) -> Observation:
        words = [extraction.word(word, params) for word in reading.command]
        try:
            output = await execution.run(
                self.ways, self.port(), words, within=reading.within, limit=reading.limit
            )
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

    def port(self) -> int:
        """Where commands go. DeviceRefused when nobody knows."""
        port = self.platform.port("ssh", self.endpoint.ports)
        if port is None:
            raise DeviceRefused(self.endpoint.device, "no SSH port is known for commands")
        return port

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
