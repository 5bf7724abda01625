"""Decides what a v2c datagram is: writes GET and GETBULK, reads replies and traps (RFC 3416 3, 4.2).

A message is scanned once for its structure; only then are cells turned into values, so that one
cell nobody understands costs that cell and not the reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drivers.snmp import ber
from oss_agent.spi import snmp

GET: Final = 0xA0
RESPONSE: Final = 0xA2
GET_BULK: Final = 0xA5
INFORM: Final = 0xA6
TRAP: Final = 0xA7
_V1_TRAP: Final = 0xA4

TOO_BIG: Final = 1
"""RFC 3416 3: error-status tooBig."""

_V2C: Final = 1
_SYS_UP_TIME: Final = ber.of_oid((1, 3, 6, 1, 2, 1, 1, 3, 0))
_SNMP_TRAP_OID: Final = ber.of_oid((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0))
_MAX_TRAP_VARBINDS: Final = 256


@dataclass(frozen=True, slots=True)
class Envelope:
    """The outside of a message: ``body`` is where the PDU's second field starts, ``end`` its end.

    ``identity`` is where the request id lies.
    """

    community: bytes
    pdu: int
    request_id: int
    identity: tuple[int, int]
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a value lies in a datagram and what type it claims."""

    tag: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A message's structure: OIDs as content octets, and where the values lie."""

    outside: Envelope
    error_status: int
    oids: tuple[bytes, ...]
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Reply:
    """A Response-PDU. ``oids`` are content octets, so that a walk compares without decoding.

    ``odd`` counts values outside their type: read as net-snmp reads them, or None.
    """

    error_status: int
    oids: tuple[bytes, ...]
    values: Sequence[snmp.Value]
    odd: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """A trap's content: sysUpTime.0, snmpTrapOID.0 and what follows them."""

    community: bytes
    uptime: int
    oid: snmp.Oid
    varbinds: tuple[tuple[snmp.Oid, snmp.Value], ...]


def get(community: bytes, request_id: int, oids: Sequence[bytes]) -> bytes:
    """GetRequest for these OIDs (content octets)."""
    return _request(GET, community, request_id, (0, 0), oids)


def get_bulk(
    community: bytes,
    request_id: int,
    *,
    once: Sequence[bytes],
    columns: Sequence[bytes],
    repetitions: int,
) -> bytes:
    """GetBulkRequest: ``once`` are the non-repeaters, ``columns`` where each column goes on."""
    fields = (len(once), repetitions)
    return _request(GET_BULK, community, request_id, fields, (*once, *columns))


def _request(
    pdu: int, community: bytes, request_id: int, fields: tuple[int, int], oids: Sequence[bytes]
) -> bytes:
    null = ber.wrap(ber.NULL, b"")
    binds = b"".join(
        ber.wrap(ber.SEQUENCE, ber.wrap(ber.OBJECT_IDENTIFIER, oid) + null) for oid in oids
    )
    numbers = b"".join(map(ber.of_integer, (request_id, *fields)))
    body = ber.wrap(pdu, numbers + ber.wrap(ber.SEQUENCE, binds))
    version = ber.of_integer(_V2C) + ber.wrap(ber.OCTET_STRING, community)
    return ber.wrap(ber.SEQUENCE, version + body)


def envelope(data: bytes) -> Envelope:
    """The outside of a v2c message; Malformed("version") for another one."""
    at, end = ber.element(data, 0, len(data), ber.SEQUENCE)
    start, at = ber.element(data, at, end, ber.INTEGER)
    if ber.integer(data, start, at) != _V2C:
        raise ber.Malformed("version")
    start, at = ber.element(data, at, end, ber.OCTET_STRING)
    community = data[start:at]
    pdu, at, end = ber.header(data, at, end)
    if pdu == _V1_TRAP:
        raise ber.Malformed("version")
    identity = ber.element(data, at, end, ber.INTEGER)
    return Envelope(
        community, pdu, ber.integer(data, *identity), identity, body=identity[1], end=end
    )


def scan(data: bytes) -> Scan:
    """The structure of a message; nothing of a value is looked at."""
    outside = envelope(data)
    start, at = ber.element(data, outside.body, outside.end, ber.INTEGER)
    status = ber.integer(data, start, at)
    _, at = ber.element(data, at, outside.end, ber.INTEGER)  # error-index says nothing we act on
    at, end = ber.element(data, at, outside.end, ber.SEQUENCE)
    oids: list[bytes] = []
    cells: list[Cell] = []
    while at < end:
        start, stop = ber.element(data, at, end, ber.SEQUENCE)
        start, at = ber.element(data, start, stop, ber.OBJECT_IDENTIFIER)
        oids.append(data[start:at])
        cells.append(Cell(*ber.header(data, at, stop)))
        at = stop
    return Scan(outside, status, tuple(oids), cells)


def values(data: bytes, cells: Sequence[Cell]) -> tuple[list[snmp.Value], int]:
    """Every cell's value, and how many were odd."""
    found: list[snmp.Value] = []
    odd = 0
    for cell in cells:
        try:
            found.append(ber.value(data, cell.tag, cell.start, cell.stop))
            odd += _is_odd(data, cell)
        except ber.Malformed:
            found.append(None)
            odd += 1
    return found, odd


def _is_odd(data: bytes, cell: Cell) -> bool:
    """A 'negative' counter: the agent forgot the leading zero."""
    return cell.tag in ber.OCTETS and data[cell.start] > 0x7F  # noqa: PLR2004  the sign bit


def reply(data: bytes, seen: Scan) -> Reply:
    """The inside of a Response-PDU."""
    found, odd = values(data, seen.cells)
    return Reply(seen.error_status, seen.oids, found, odd)


def notification(data: bytes) -> Notification:
    """A trap; Malformed("pdu") for anything else, informs included (none is acknowledged yet)."""
    seen = scan(data)
    if seen.outside.pdu != TRAP:
        raise ber.Malformed("inform" if seen.outside.pdu == INFORM else "pdu")
    oids, cells = seen.oids, seen.cells
    if len(oids) > _MAX_TRAP_VARBINDS:
        raise ber.Malformed("varbinds")
    if oids[:2] != (_SYS_UP_TIME, _SNMP_TRAP_OID):  # RFC 3416 4.2.6: always these two, first
        raise ber.Malformed("header")
    uptime, oid = (ber.value(data, c.tag, c.start, c.stop) for c in cells[:2])
    if not isinstance(uptime, int) or not isinstance(oid, tuple):
        raise ber.Malformed("header")
    rest, _ = values(data, cells[2:])
    names = map(ber.oid, oids[2:])
    return Notification(seen.outside.community, uptime, oid, tuple(zip(names, rest, strict=True)))
