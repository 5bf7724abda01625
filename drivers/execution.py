"""Decides how one command runs over an SSH connection: with a deadline, its output bounded."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import asyncssh

from drivers import links, text


class NoOutput(Exception):
    """The command could not run or did not end in time; the text says why."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command said, printable and bounded. ``status`` is None when a signal ended it."""

    status: int | None
    out: str
    err: str
    cut: bool


async def run(
    ways: links.Links, port: int, words: Sequence[str], *, within: float, limit: int
) -> Output:
    """Run one command in a channel of its own; ``within`` seconds, ``limit`` bytes of each stream.

    The words are quoted for a shell, which leaves words of a router's grammar as they are.
    Raises NoOutput, DeviceRefused or DeviceUnreachable; the connection may be used again.
    """
    try:
        async with asyncio.timeout(within):
            made = await ways.channel(port, lambda: _Channel(limit), shlex.join(words))
            return await _output(*made)
    except TimeoutError:
        raise NoOutput(f"no end within {within:g} s") from None
    except asyncssh.Error as wrong:
        raise NoOutput(text.reason(wrong)) from wrong


class _Channel(asyncssh.SSHClientSession[bytes]):
    """Collects two streams up to a limit; what is over it is dropped and said so."""

    def __init__(self, limit: int) -> None:
        self.output: asyncio.Future[Output] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._streams = {False: bytearray(), True: bytearray()}
        self._cut = False
        self._status: int | None = None

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Asyncssh brings a piece of stdout, or of stderr when it has a type."""
        stream = self._streams[datatype is not None]
        room = self._limit - len(stream)
        stream += data[:room]
        self._cut = self._cut or len(data) > room

    def exit_status_received(self, status: int) -> None:
        """Asyncssh says how the command ended."""
        self._status = status

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """The channel closed: that is all there will be."""
        if not self.output.done():
            out, err = (text.clean(s.decode(errors="replace")) for s in self._streams.values())
            self.output.set_result(Output(self._status, out, err, self._cut))


async def _output(opened: asyncssh.SSHClientChannel[bytes], session: _Channel) -> Output:
    try:
        return await session.output
    finally:
        # The link is shared: a command that does not end would hold its place on it for good.
        opened.abort()
