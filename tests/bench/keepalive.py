"""Posts many bodies over a few connections that stay open: as little client as HTTP/1.1 allows.

A client library costs about as much CPU as the server under test, on the same cores.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_CREATED = b"201"


@dataclass(frozen=True, slots=True)
class Burst:
    """Seconds in all, and those of each answer, sorted."""

    wall: float
    answers: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.answers) / self.wall

    def quantile(self, part: float) -> float:
        """So long took that part of the answers at most."""
        return self.answers[min(len(self.answers) - 1, int(len(self.answers) * part))]


def post(url: str, bodies: Sequence[bytes], connections: int) -> Burst:
    """Every body once, over so many connections. ConnectionError unless each is answered 201."""
    return asyncio.run(_post(url, bodies, connections))


async def _post(url: str, bodies: Sequence[bytes], connections: int) -> Burst:
    began, left = time.perf_counter(), iter(bodies)
    took: list[float] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(url, left, took))
    return Burst(time.perf_counter() - began, tuple(sorted(took)))


async def _connection(url: str, left: Iterator[bytes], took: list[float]) -> None:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = (
        f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
    )
    try:
        for body in left:
            began = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await _answer(reader)
            took.append(time.perf_counter() - began)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.splitlines()
        if line.lower().startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    if head.split(b" ", 2)[1] != _CREATED:
        raise ConnectionError(f"{head.splitlines()[0]!r}: {body[:500]!r}")
