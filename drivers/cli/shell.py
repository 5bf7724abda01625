"""Decides how one conversation with a command line goes: a line out, its answer in, or an end.

An answer is over when the device's own prompt stands at the end of what came. Whatever else it may
wait for (a pager, a confirmation, another prompt) ends the conversation: nothing is ever typed into
something that was not understood.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from device_models import model
from drivers import links, text
from drivers.cli import answers, terminal
from drivers.cli.channel import TerminalChannel

_COLUMNS, _ROWS = 500, 1000  # wide, so that an echo is not wrapped; long, so that no pager starts
_QUIET = 0.3  # seconds after which an unfinished line is not going to be finished
_TAIL = 4096  # bytes of an unfinished line that are looked at
TRANSCRIPT = 64 * 1024  # characters that are kept of a conversation


class Silent(Exception):
    """The connection ended or no answer came in time: what the device did is not known."""


class Stopped(Exception):
    """The device asked, paged, changed its prompt or garbled: the conversation is over."""


@asynccontextmanager
async def opened(ways: links.Links, port: int, facts: model.Shell) -> AsyncIterator[Shell]:
    """A conversation on a channel of its own, greeted and prepared.

    Raises Silent or Stopped; DeviceRefused or DeviceUnreachable from a login.
    """
    try:
        channel, session = await ways.channel(port, TerminalChannel, term_type="dumb")
    except asyncssh.Error as lost:
        raise Silent(text.reason(lost)) from lost
    try:
        channel.change_terminal_size(_COLUMNS, _ROWS)
        shell = Shell(channel, session, facts)
        await shell.greet()
        yield shell
    finally:
        # Not close(): that would wait for a device that may hang in a question.
        channel.abort()


@dataclass(slots=True)
class Shell:
    """A conversation on one channel. Unusable after an exception: close it, open another."""

    channel: asyncssh.SSHClientChannel[bytes]
    session: TerminalChannel
    facts: model.Shell
    name: str = ""
    transcript: str = ""
    usable: bool = True
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def greet(self) -> None:
        """Wait for the first prompt, learn the device's name from it, prepare the terminal."""
        said = await self._until(1, self.facts.line_within)
        found = re.fullmatch(self.facts.prompt, _last(said))
        self.name = found[1] if found else ""
        for line in self.facts.prepare:
            wrong = answers.error(await self.send([line]), self.facts)
            if wrong is not None:
                raise Stopped(f"{line!r} was answered with {wrong!r}")

    async def send(self, lines: Sequence[str], *, within: float | None = None) -> str:
        """Send lines at once; what was answered beside their echoes and the prompts.

        ``within`` seconds for the whole. Raises Silent or Stopped.
        """
        async with self.turn:
            if not self.usable:
                raise Silent("the conversation was broken off before")
            # Until the answer is whole: whoever is cancelled in between leaves half of it behind.
            self.usable = False
            self._write("".join(f"{line}\n" for line in lines))
            said = await self._until(len(lines), within or self.facts.line_within)
            answer = self._answer(lines, said)
            self.usable = True
            return answer

    def _write(self, lines: str) -> None:
        try:
            self.channel.write(lines.encode("ascii"))
        except (OSError, asyncssh.Error) as lost:
            raise Silent(text.reason(lost)) from lost

    async def _until(self, prompts: int, within: float) -> str:
        """What comes until that many prompts have come, the last one at its end."""
        received = bytearray()
        try:
            async with asyncio.timeout(within):
                return await self._collected(prompts, received)
        except TimeoutError:
            raise Silent(f"no prompt within {within:g} s") from None
        finally:
            heard = terminal.plain(bytes(received[-TRANSCRIPT:]).decode(errors="replace"))
            self.transcript = (self.transcript + heard)[-TRANSCRIPT:]

    async def _collected(self, prompts: int, received: bytearray) -> str:
        while True:
            received += await self._piece(received)
            if len(received) > self.facts.output_limit:
                raise Stopped(f"more than {self.facts.output_limit} bytes came")
            if self._is_prompt(_tail(received)):
                said = terminal.plain(received.decode(errors="replace"))
                if (
                    sum(self._after_prompt(line) is not None for line in said.split("\n"))
                    >= prompts
                ):
                    return said

    async def _piece(self, received: bytearray) -> bytes:
        """The next bytes. A line that stays unfinished is judged, and then waited for again."""
        tail = _tail(received)
        try:
            async with asyncio.timeout(_QUIET if tail.strip() else None):
                piece = await self.session.read()
        except TimeoutError:
            self._judge_unfinished(tail)
            return b""
        if not piece:
            raise Silent(text.line(self.session.ended or "the connection ended"))
        return piece

    def _judge_unfinished(self, tail: str) -> None:
        if any(re.search(question, tail) for question in self.facts.questions):
            raise Stopped(f"the device waits for an answer: {text.line(tail)!r}")
        if re.fullmatch(self.facts.prompt, tail) and not self._is_prompt(tail):
            raise Stopped(f"the prompt of {self.name} changed to {text.line(tail)!r}")

    def _is_prompt(self, line: str) -> bool:
        found = re.fullmatch(self.facts.prompt, line)
        return found is not None and self.name in {"", found[1]}

    def _after_prompt(self, line: str) -> str | None:
        """What follows the prompt that a line begins with; None when it begins with none."""
        found = re.match(self.facts.prompt, line)
        return line[found.end() :] if found and self.name in {"", found[1]} else None

    def _answer(self, lines: Sequence[str], said: str) -> str:
        """What is left without echoes and prompts. Stopped where a line was not echoed."""
        *heard, _prompt = said.split("\n")
        if len(lines) > 1:
            return self._beside(lines, heard)
        if not self.facts.echoes:
            return "\n".join(heard)
        first = self._after_prompt(heard[0]) or heard[0] if heard else ""
        if first.strip() != lines[0]:
            raise Stopped(f"{lines[0]!r} was echoed as {text.line(first)!r}")
        return "\n".join(heard[1:])

    def _beside(self, lines: Sequence[str], heard: Sequence[str]) -> str:
        """Of several lines at once: echoes come early, late and twice, so they are only counted."""
        bare = [_bare(line, self._after_prompt(line)) for line in heard]
        if self.facts.echoes:
            for line in lines:
                if line not in bare:
                    raise Stopped(f"{line!r} was not echoed as it was sent")
        return "\n".join(line for line in bare if line and line not in lines)


def _bare(line: str, after_prompt: str | None) -> str:
    return line if after_prompt is None else after_prompt


def _tail(received: bytearray) -> str:
    """The unfinished last line."""
    start = max(received.rfind(b"\n") + 1, len(received) - _TAIL)
    return terminal.plain(bytes(received[start:]).decode(errors="replace"))


def _last(said: str) -> str:
    return said[said.rfind("\n") + 1 :]
