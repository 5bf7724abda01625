"""Decides how netmiko is a conversation for the command-line kit (drivers.cli.talking).

Each conversation has a login and a lane of its own. One whose call was left running is hung up and
disconnected by a thread that nobody waits for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from drivers import offload, text
from drivers.cli.shell import TRANSCRIPT, Silent
from drivers.netmiko_adapter.terminal import Terminal
from oss_agent.errors import DeviceError

T = TypeVar("T")

_OPEN_WITHIN = 45.0  # netmiko's connect, banner and login, each with its own limit
_FAREWELL = 15.0
_SLACK = 5.0  # what netmiko takes beyond the timeout it is given


@dataclass(slots=True)
class Talker:
    """One login."""

    terminal: Terminal
    lane: offload.Lane
    line_within: float
    heard: str = ""

    async def send(self, lines: Sequence[str], *, within: float | None = None) -> str:
        """Line by line. Raises Silent."""
        limit = within or self.line_within
        answers = []
        for line in lines:
            work = functools.partial(self.terminal.send, line, limit)
            answers.append(await self._answered(work, 2 * limit + _SLACK))
            self.heard = f"{self.heard}> {line}\n{answers[-1]}\n"[-TRANSCRIPT:]
        return "\n".join(answers)

    async def _answered(self, work: Callable[[], T], within: float) -> T:
        try:
            return await self.lane.call(work, within)
        except Exception as lost:
            # netmiko raises whatever hostile output makes it raise; the line may have been taken.
            raise Silent(text.reason(lost)) from lost


class NetmikoTalk:
    """A conversation at a time with one device (drivers.cli.talking.Talk)."""

    def __init__(
        self, crew: offload.Crew, dial: Callable[[], Terminal], line_within: float
    ) -> None:
        self._crew = crew
        self._dial = dial
        self._line_within = line_within
        self._current: Talker | None = None
        self._before = ""

    @property
    def transcript(self) -> str:
        """What was said and heard so far."""
        heard = self._current.heard if self._current is not None else ""
        return (self._before + heard)[-TRANSCRIPT:]

    async def shell(self) -> Talker:
        """The conversation there is, or a new login. DeviceRefused, DeviceUnreachable or Silent."""
        if self._current is None or self._current.lane.abandoned:
            await self.close()
            self._current = await self._opened()
        return self._current

    async def close(self) -> None:
        """Disconnect, always; without waiting where a call was left running."""
        self._before = self.transcript
        current, self._current = self._current, None
        if current is not None:
            await self._left(current.terminal, current.lane)

    async def _opened(self) -> Talker:
        terminal = self._dial()
        lane = offload.Lane(self._crew, terminal.hang_up)
        try:
            await lane.call(terminal.open, _OPEN_WITHIN)
        except DeviceError:
            raise
        except Exception as lost:
            await self._left(terminal, lane)
            raise Silent(text.reason(lost)) from lost
        return Talker(terminal, lane, self._line_within)

    async def _left(self, terminal: Terminal, lane: offload.Lane) -> None:
        if lane.abandoned:
            self._crew.submit(terminal.close)
            return
        try:
            await lane.call(terminal.close, _FAREWELL)
        except offload.Overdue:
            self._crew.submit(terminal.close)
