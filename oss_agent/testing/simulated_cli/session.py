"""Decides how one login to the simulated router goes: echo, prompt, modes, pager, and the faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import asyncssh

from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated_cli.faults import Echo, Faults
from oss_agent.testing.simulated_cli.interpreter import Interpreter

_NOT_HERE = "% Invalid input detected at '^' marker."
_MORE = " --More-- "
_LONGEST_LINE = 64 * 1024


class Router(Protocol):
    """What a session needs of its device."""

    prompt_name: str

    @property
    def faults(self) -> Faults:
        """The knobs."""
        ...

    def running(self) -> str:
        """The running configuration as shown."""
        ...

    def saved(self) -> str:
        """The startup configuration as shown."""
        ...

    def save(self, session: int) -> None:
        """Running to startup."""
        ...

    def shows(self, at: int | None) -> bool:
        """Whether a fault set for the n-th line shows now."""
        ...

    def count(self) -> None:
        """One more line in configuration mode."""
        ...

    def note(self, session: int, kind: Kind, detail: str) -> None:
        """Write down what happened."""
        ...

    def configuring(self, besides: int) -> tuple[int, ...]:
        """The other sessions that are in configuration mode."""
        ...


class Cut(Exception):
    """The connection is to be cut, as a broken link does."""


class CliSession:
    """One interactive login."""

    def __init__(
        self,
        router: Router,
        number: int,
        process: asyncssh.SSHServerProcess[bytes],
        interpreter: Interpreter,
    ) -> None:
        self._router = router
        self._number = number
        self._process = process
        self.interpreter = interpreter
        self._received = bytearray()
        self._exec: dict[str, Callable[[], str]] = {
            "show running-config": router.running,
            "show startup-config": router.saved,
            "configure terminal": self._configure,
            "write memory": self._save,
            "show configuration sessions": self._others,
            "terminal length 0": str,
        }

    async def run(self) -> None:
        """Talk until the client leaves."""
        await self._write(f"simulated router {self._router.prompt_name}\n\n")
        while True:
            await self._prompt()
            line = await self._line()
            if line is None or (not self.interpreter.mode and line in {"exit", "quit"}):
                return
            await self._echo(line)
            await self._answer(line)

    async def _answer(self, line: str) -> None:
        if self.interpreter.mode:
            await self._write(await self._configured(line))
        elif line:
            command = self._exec.get(" ".join(line.split()))
            await self._paged(_NOT_HERE + "\n" if command is None else command())

    async def _configured(self, line: str) -> str:
        """One line in configuration mode, as the faults have it."""
        router, faults = self._router, self._router.faults
        if not line.strip():
            return ""  # how clients look for the prompt; no line of a block
        router.count()
        if router.shows(faults.error_at) or (faults.refuse_undo and line.startswith("no ")):
            router.note(self._number, Kind.REFUSED, line)
            return faults.error + "\n"
        if router.shows(faults.ignore_at):
            router.note(self._number, Kind.FAULT, f"ignored: {line}")
            return ""
        if router.shows(faults.ask_at) and not await self._agreed(faults.question):
            return ""
        if router.shows(faults.drop_at) and not faults.drop_applies:
            raise Cut
        said = self._take(line)
        if router.shows(faults.drop_at):
            raise Cut
        if router.shows(faults.hang_at):
            await self._process.channel.wait_closed()
        if router.shows(faults.rename_at):
            router.prompt_name = "renamed"
        return said + (faults.warning + "\n" if router.shows(faults.warning_at) else "")

    def _take(self, line: str) -> str:
        said = self.interpreter.take(line)
        self._router.note(self._number, Kind.REFUSED if said else Kind.EDIT, line)
        return said + "\n" if said else ""

    async def _agreed(self, question: str) -> bool:
        await self._write(question)
        answer = await self._line()
        await self._write("\n")
        return answer == "y"

    def _configure(self) -> str:
        if self._router.faults.busy is not None:
            return f"% Configuration is locked by {self._router.faults.busy}\n"
        self.interpreter.enter()
        return ""

    def _save(self) -> str:
        self._router.save(self._number)
        return "Building configuration...\n[OK]\n"

    def _others(self) -> str:
        others = self._router.configuring(self._number)
        return "".join(f"session {number} is configuring\n" for number in others)

    async def _paged(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        page = self._router.faults.pager or len(lines) or 1
        for start in range(0, len(lines), page):
            if start:
                await self._write(_MORE)
                await self._line()
            await self._write("".join(lines[start : start + page]))

    async def _prompt(self) -> None:
        mode = f"({self.interpreter.mode})" if self.interpreter.mode else ""
        prompt = f"{self._router.prompt_name}{mode}# "
        if self._router.faults.ansi:
            prompt = f"\x1b[?2004h\x1b[1m\rx\r{prompt}\x1b[0m\x1b[K"
        await self._write(prompt)

    async def _echo(self, line: str) -> None:
        match self._router.faults.echo:
            case Echo.OFF:
                return
            case Echo.GARBLED:
                await self._write(line[:1] + line[2:] + "\n")
            case Echo.PROPER:
                shown = f"{line}z\b \b" if self._router.faults.ansi else line
                await self._write(shown + "\n")

    async def _write(self, text: str) -> None:
        data = text.replace("\n", "\r\n").encode()
        delay = self._router.faults.byte_delay
        pieces = [data] if not delay else [data[n : n + 1] for n in range(len(data))]
        for piece in pieces:
            self._process.stdout.write(piece)
            await self._process.stdout.drain()
            if delay:
                await asyncio.sleep(delay)

    async def _line(self) -> str | None:
        while not (end := self._received.find(b"\n") + 1):
            try:
                data = await self._process.stdin.read(4096)
            except asyncssh.TerminalSizeChanged:
                continue
            if not data or len(self._received) > _LONGEST_LINE:
                return None
            self._received += data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line, self._received = self._received[: end - 1], self._received[end:]
        return line.decode(errors="replace")
