"""Each receiver's deliveries have connections of their own: silence on one line stalls no other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bss_bridge.events import lines

pytestmark = pytest.mark.anyio


class Peer:
    """Answers 204 and keeps the connection; ``/silent`` is never answered. Counts connections."""

    def __init__(self) -> None:
        self.opened = 0
        self.port = 0
        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open.add(writer)
        with contextlib.closing(writer), contextlib.suppress(EOFError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"/silent" not in head:
                    writer.write(b"HTTP/1.1 204 X\r\n\r\n")
        self.open.discard(writer)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def _get(http: httpx.AsyncClient, peer: Peer, line: str, path: str = "") -> int:
    url = f"http://127.0.0.1:{peer.port}/{path}"
    return (await http.get(url, extensions={lines.LINE: line})).status_code


async def test_silence_on_one_line_stalls_no_other(peer: Peer) -> None:
    async with httpx.AsyncClient(transport=lines.Lines()) as http, asyncio.TaskGroup() as tasks:
        silent = [tasks.create_task(_get(http, peer, "a", "silent")) for _ in range(100)]
        async with asyncio.timeout(300):
            assert await _get(http, peer, "b") == 204
        for one in silent:
            one.cancel()


async def test_a_line_keeps_its_connection_and_shares_it_with_nobody(peer: Peer) -> None:
    async with httpx.AsyncClient(transport=lines.Lines()) as http:
        for _ in range(3):
            await _get(http, peer, "a")
        assert peer.opened == 1
        await _get(http, peer, "b")
        assert peer.opened == 2


async def test_lines_are_bounded_and_closed_in_the_end(peer: Peer) -> None:
    async with httpx.AsyncClient(transport=lines.Lines(most=2)) as http:
        for line in ("a", "b", "c", "b", "a"):
            await _get(http, peer, line)
        assert peer.opened == 4, "b was kept, a was closed and opened again"
    async with asyncio.timeout(300):
        while peer.open:  # noqa: ASYNC110  a closed socket sends no signal here
            await asyncio.sleep(0.01)
