"""Decides which request a datagram answers: one socket, many agents, (address, request id) as key.

Request ids are unpredictable and the source must be the address that was asked, so that nobody
off the path can answer for a device. What matches nothing is counted and forgotten.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from typing import Final, Self, TypeAlias

from drivers.snmp import ber, message, sockets

_Key: TypeAlias = tuple[str, int, int]
_FIRST_ID: Final = 2**24
"""Ids below take fewer octets and would change a reply's layout for nothing."""
_IDS: Final = 2**31 - _FIRST_ID
_DATAGRAMS_A_WAKE: Final = 64
_MAX_DATAGRAM: Final = 65_535


class Channel:
    """A shared UDP socket towards agents. ``window`` is how many requests it may have in flight."""

    def __init__(self, sock: socket.socket, counters: Counter[str]) -> None:
        self.window = asyncio.Semaphore(sockets.window(sock))
        self._socket = sock
        self._counters = counters
        self._waiting: dict[_Key, tuple[bytes, asyncio.Future[bytes]]] = {}
        self._ids: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._drain)

    def __len__(self) -> int:
        """Requests whose answer is expected."""
        return len(self._waiting)

    def close(self) -> None:
        """Stop reading and close the socket."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def expect(self, address: str, port: int, community: bytes) -> Pending:
        """Prepare for one answer of an agent, with a request id nobody can guess."""
        request_id = self._fresh_id()
        key = (address, port, request_id)
        self._waiting[key] = community, self._loop.create_future()
        self._ids.add(request_id)
        return Pending(self, key, self._waiting[key][1])

    def _fresh_id(self) -> int:
        while (request_id := _FIRST_ID + secrets.randbelow(_IDS)) in self._ids:
            pass
        return request_id

    def send(self, data: bytes, address: str, port: int) -> None:
        """Send once; what the kernel refuses counts as lost, and the repetition will tell."""
        try:
            self._socket.sendto(data, (address, port))
            self._counters["requests_sent"] += 1
        except OSError:
            self._counters["requests_unsent"] += 1

    def forget(self, key: _Key) -> None:
        """An answer that comes later matches nothing."""
        self._waiting.pop(key, None)
        self._ids.discard(key[2])

    def _drain(self) -> None:
        for _ in range(_DATAGRAMS_A_WAKE):
            try:
                data, source = self._socket.recvfrom(_MAX_DATAGRAM)
            except OSError:  # drained, or the kernel reports somebody's ICMP error
                return
            try:
                self._deliver(data, source[0], source[1])
            except ber.Malformed:
                self._counters["replies_malformed"] += 1

    def _deliver(self, data: bytes, address: str, port: int) -> None:
        outside = message.envelope(data)
        waiting = self._waiting.get((address, port, outside.request_id))
        if waiting is None:
            spoofed = outside.request_id in self._ids
            self._counters["replies_wrong_source" if spoofed else "replies_unexpected"] += 1
        elif outside.pdu != message.RESPONSE or outside.community != waiting[0]:
            self._counters["replies_unexpected"] += 1
        elif waiting[1].done():
            self._counters["replies_duplicate"] += 1
        else:
            waiting[1].set_result(data)
            self._counters["replies_received"] += 1


class Pending:
    """One request on its way: leave the block and its answer is no longer expected."""

    def __init__(self, channel: Channel, key: _Key, answer: asyncio.Future[bytes]) -> None:
        self.request_id = key[2]
        self._channel = channel
        self._key = key
        self._answer = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.forget(self._key)

    async def wait_answer(self, data: bytes, within: float) -> bytes | None:
        """Send ``data`` and wait; None when nothing came. An earlier repetition's answer counts."""
        self._channel.send(data, self._key[0], self._key[1])
        done, _ = await asyncio.wait([self._answer], timeout=within)
        return self._answer.result() if done else None
