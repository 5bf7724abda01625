"""Decides how the bytes of an interactive SSH channel wait until somebody reads them, bounded."""

from __future__ import annotations

import asyncio

import asyncssh


class TerminalChannel(asyncssh.SSHClientSession[bytes]):
    """A shell on a terminal: its output as one stream, kept until it is read."""

    def __init__(self) -> None:
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._received = bytearray()
        self._news = asyncio.Event()
        self.ended: str | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Asyncssh opened the channel."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002 - a terminal mixes its streams anyway
        """Asyncssh brings the next piece; a flood waits in the SSH window until we read."""
        self._received += data
        if self._channel is not None:
            self._channel.pause_reading()
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncssh says that the channel is gone."""
        self.ended = str(exc) if exc else "the device ended the connection"
        self._news.set()

    async def read(self) -> bytes:
        """The next bytes; b"" when there will be none, ``ended`` then says why."""
        if not self._received and self.ended is None:
            self._news.clear()
            if self._channel is not None:
                self._channel.resume_reading()
            await self._news.wait()
        taken = bytes(self._received)
        self._received.clear()
        return taken
