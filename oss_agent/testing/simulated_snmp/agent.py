"""Decides how a simulated agent answers datagrams and sends traps (RFC 3416 section 4.2)."""

from __future__ import annotations

import asyncio
import bisect
import itertools
from collections.abc import Sequence
from typing import TypeAlias

from oss_agent.testing.simulated_snmp import ber, mib
from oss_agent.testing.simulated_snmp.ber import Message, Oid, Pdu, Tag, Value
from oss_agent.testing.simulated_snmp.router import Port, Router

Row: TypeAlias = tuple[Oid, Value]
_SNMP_TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
LINK_DOWN: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)
LINK_UP: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 4)
_RESPONSE_LIMIT = 1472
_END = Value(Tag.END_OF_MIB_VIEW)


class SimulatedAgent:
    """One agent on UDP. ``silent`` makes it swallow requests; it counts them all the same.

    ``cache`` is for how many seconds it answers from what it saw last, as real agents do.
    """

    def __init__(self, router: Router, *, community: str = "public", cache: float = 0.0) -> None:
        self.router = router
        self.port = 0
        self.silent = False
        self.requests = 0
        self.community = community
        self._numbers = itertools.count(1)
        self._cache = cache
        self._seen_at = float("-inf")
        self._rows: Sequence[Row] = ()
        self._transport: asyncio.DatagramTransport | None = None

    async def listen(self, address: str) -> None:
        """Bind a free port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=(address, self.port)
        )
        self._transport = transport
        self.port = int(transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Stop."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def answer(self, data: bytes) -> bytes | None:
        """The response to a request; None where an agent stays silent."""
        self.requests += 1
        try:
            message = ber.decode(data)
        except ber.BadMessage:
            return None
        if self.silent or message.community != self.community.encode():
            return None
        bindings = _respond(message.pdu, self._view())
        if bindings is None:
            return None
        return _fitting(message, bindings)

    def _view(self) -> Sequence[Row]:
        now = self.router.monotonic()
        if now - self._seen_at >= self._cache:
            self._seen_at, self._rows = now, mib.view(self.router)
        return self._rows

    def respond(self, data: bytes, asker: tuple[str, int]) -> None:
        """Answer one datagram, or stay silent."""
        response = self.answer(data)
        if response is not None and self._transport is not None:
            self._transport.sendto(response, asker)

    def link_trap(self, port: Port, sink: tuple[str, int]) -> None:
        """Send linkDown or linkUp as the port stands now (RFC 2863)."""
        if self._transport is not None:
            self._transport.sendto(self._link_trap(port), sink)

    def _link_trap(self, port: Port) -> bytes:
        admin, oper = mib.status(self.router, port)
        bindings = (
            (mib.SYS_UP_TIME, Value(Tag.TIMETICKS, self.router.ticks())),
            (_SNMP_TRAP_OID, Value(Tag.OID, LINK_UP if oper == 1 else LINK_DOWN)),
            ((*mib.IF_INDEX, port.index), Value(Tag.INTEGER, port.index)),
            ((*mib.IF_ADMIN_STATUS, port.index), Value(Tag.INTEGER, admin)),
            ((*mib.IF_OPER_STATUS, port.index), Value(Tag.INTEGER, oper)),
        )
        return ber.encode(
            Message(self.community.encode(), Pdu(Tag.TRAP, next(self._numbers), bindings))
        )


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, agent: SimulatedAgent) -> None:
        self._agent = agent

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._agent.respond(data, addr)


def _respond(pdu: Pdu, view: Sequence[Row]) -> list[Row] | None:
    oids = [oid for oid, _ in pdu.bindings]
    if pdu.tag is Tag.GET:
        return [_get(view, oid) for oid in oids]
    if pdu.tag is Tag.GET_NEXT:
        return [_next(view, oid) for oid in oids]
    if pdu.tag is Tag.GET_BULK:
        return _bulk(view, oids, max(pdu.first, 0), max(pdu.second, 0))
    return None


def _get(view: Sequence[Row], oid: Oid) -> Row:
    place = bisect.bisect_left(view, oid, key=lambda row: row[0])
    if place < len(view) and view[place][0] == oid:
        return view[place]
    objects = (row[0][: len(oid) - 1] for row in view)
    known = any(oid[: len(o)] == o for o in objects if o)
    return oid, Value(Tag.NO_SUCH_INSTANCE if known else Tag.NO_SUCH_OBJECT)


def _next(view: Sequence[Row], oid: Oid) -> Row:
    place = bisect.bisect_right(view, oid, key=lambda row: row[0])
    return view[place] if place < len(view) else (oid, _END)


def _bulk(view: Sequence[Row], oids: Sequence[Oid], single: int, times: int) -> list[Row]:
    rows = [_next(view, oid) for oid in oids[:single]]
    current = list(oids[single:])
    for _ in range(times if current else 0):
        found = [_next(view, oid) for oid in current]
        rows += found
        current = [oid for oid, _ in found]
        if all(value.tag is Tag.END_OF_MIB_VIEW for _, value in found):
            break
    return rows


def _fitting(message: Message, rows: list[Row]) -> bytes:
    """As many variables as fit a datagram (RFC 3416 4.2.3 allows fewer)."""
    while True:
        pdu = Pdu(Tag.RESPONSE, message.pdu.request, tuple(rows))
        data = ber.encode(Message(message.community, pdu))
        if len(data) <= _RESPONSE_LIMIT or message.pdu.tag is not Tag.GET_BULK:
            return data
        rows = rows[: len(rows) * _RESPONSE_LIMIT // len(data)]
