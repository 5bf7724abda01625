"""Decides which notifications get in: drain the socket, police the source, decode, queue or count.

Nothing is classified here. One wake-up reads up to 512 datagrams (asyncio's datagram protocol
reads one), the queue is bounded, and every datagram ends in exactly one counter:
``traps_received`` = queued + the sum of all ``traps_dropped_*``.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from drivers.snmp import ber, message, policer, sockets
from oss_agent.spi import clock, snmp

_DATAGRAMS_A_WAKE: Final = 512
_MAX_DATAGRAM: Final = 65_535


@dataclass(frozen=True, slots=True)
class TrapLimits:
    """What may come in; counts, seconds, octets."""

    receive_buffer: int = 8 * 1024 * 1024
    queue: int = 10_000
    rate: float = 200.0
    """datagrams a second and source: a looping device must not starve the others"""
    burst: int = 1_000
    sources: int = 10_000


class TrapReceiver:
    """A bound socket's traps, in batches. Made by ``listening``."""

    def __init__(self, sock: socket.socket, time: clock.Clock, limits: TrapLimits) -> None:
        self._socket = sock
        self._time = time
        self._limits = limits
        self._policer = policer.Policer(
            rate=limits.rate, burst=limits.burst, sources=limits.sources
        )
        self._queue: deque[snmp.Trap] = deque()
        self._filled = asyncio.Event()
        self._counters: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._drain)

    @property
    def port(self) -> int:
        """The UDP port it listens on."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    async def batches(self) -> AsyncIterator[Sequence[snmp.Trap]]:
        """Everything queued, each time something is."""
        while True:
            await self._filled.wait()
            batch = list(self._queue)
            self._queue.clear()
            self._filled.clear()
            yield batch

    def counters(self) -> Mapping[str, int]:
        """Received, queued, waiting in the queue, dropped by reason, the buffer granted."""
        now = {"traps_waiting": len(self._queue), "traps_buffer": sockets.granted(self._socket)}
        return {**self._counters, **now}

    def _drain(self) -> None:
        for _ in range(_DATAGRAMS_A_WAKE):
            try:
                data, source = self._socket.recvfrom(_MAX_DATAGRAM)
            except OSError:  # drained
                return
            self._counters["traps_received"] += 1
            dropped = self._take(data, _plain(source[0]))
            self._counters[f"traps_dropped_{dropped}" if dropped else "traps_queued"] += 1

    def _take(self, data: bytes, source: str) -> str | None:
        """Queue one datagram's trap; else the reason why not, in one word."""
        if not self._policer.admits(source, self._time.monotonic()):
            return "rate"
        if len(self._queue) >= self._limits.queue:
            return "queue"
        try:
            told = message.notification(data)
        except ber.Malformed as wrong:
            return wrong.reason
        self._queue.append(self._trap(source, told))
        self._filled.set()
        return None

    def _trap(self, source: str, told: message.Notification) -> snmp.Trap:
        return snmp.Trap(
            source=source,
            at=self._time.now(),
            monotonic=self._time.monotonic(),
            community=told.community,
            uptime=told.uptime,
            oid=told.oid,
            varbinds=told.varbinds,
        )


def _plain(address: str) -> str:
    """A source as inventory spells it: IPv4 as itself on a dual-stack socket, no IPv6 scope."""
    return address.removeprefix("::ffff:").partition("%")[0]


@contextmanager
def listening(
    address: str, port: int, time: clock.Clock, *, limits: TrapLimits | None = None
) -> Iterator[TrapReceiver]:
    """A receiver on this address for as long as the block lasts. OSError when it cannot be had."""
    allowed = limits or TrapLimits()
    sock = sockets.udp(address, port, buffer=allowed.receive_buffer)
    receiver = TrapReceiver(sock, time, allowed)
    try:
        yield receiver
    finally:
        receiver.close()
