"""Decides what reaches the other side of a TCP connection: a relay that tests can mute or cut.

It stands between a driver and any peer, so that a lost reply is the same fault for all of them.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

_CHUNK = 65536


class Relay:
    """``async with Relay(host, port) as relay:`` listens on loopback at ``relay.port``.

    ``delay`` seconds are between what the peer sends and its arrival, as on a long line. ``lost`` is
    set once something of the peer's did not arrive.
    """

    def __init__(self, host: str, port: int, *, delay: float = 0.0) -> None:
        self._there = (host, port)
        self._delay = delay
        self._muted = False
        self._answers_left: int | None = None
        self._asked = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.lost = asyncio.Event()
        self.host = "127.0.0.1"
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._kept, self.host, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            if self._carrying:  # asyncio waits for its own handlers from 3.12 on only
                await asyncio.wait(self._carrying)

    def mute(self, *, after: int = 0) -> None:
        """Nothing comes back from the peer any more; what is sent to it still arrives.

        ``after`` so many answers: what comes back between two things sent is one.
        """
        self._answers_left, self._asked = after, False
        self._muted = after == 0

    def cut(self) -> None:
        """Abort every connection, on both sides."""
        for writer in self._writers:
            writer.transport.abort()

    async def _kept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)
        await self._carry(reader, writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._there)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(reader, back))
            tasks.create_task(self._pump(there, writer, replies=True))
        self._writers -= {writer, back}

    def _is_muted(self) -> bool:
        """Whether this answer is lost; counts the first piece of each."""
        if self._answers_left is not None and self._asked:
            self._muted = self._muted or self._answers_left == 0
            self._answers_left -= 1
            self._asked = False
        return self._muted

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, replies: bool = False
    ) -> None:
        try:
            while data := await source.read(_CHUNK):
                if replies and self._is_muted():
                    self.lost.set()
                    continue
                self._asked = self._asked or not replies
                if replies and self._delay:
                    asyncio.get_running_loop().call_later(self._delay, sink.write, data)
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            pass  # either side was cut: the other learns it below
        finally:
            sink.close()
