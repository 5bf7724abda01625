"""Decides how SNMP looks on the wire, as an agent: the part of BER that RFC 3416 and 3417 need.

Written apart from the poller's codec on purpose: two readings of the RFC check each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

Oid: TypeAlias = tuple[int, ...]


class Tag(IntEnum):
    """The tags in use."""

    INTEGER = 0x02
    OCTETS = 0x04
    NULL = 0x05
    OID = 0x06
    SEQUENCE = 0x30
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    GAUGE32 = 0x42
    TIMETICKS = 0x43
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82
    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    GET_BULK = 0xA5
    TRAP = 0xA7


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its tag: a number, octets, an OID, or None for NULL and the exceptions."""

    tag: Tag
    content: int | bytes | Oid | None = None


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU; for GETBULK ``first`` is non-repeaters and ``second`` max-repetitions, else errors."""

    tag: Tag
    request: int
    bindings: tuple[tuple[Oid, Value], ...]
    first: int = 0
    second: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A v2c message."""

    community: bytes
    pdu: Pdu


class BadMessage(Exception):
    """These bytes are no v2c message: drop them (RFC 3411 counts them, we only ignore)."""


_NUMBERS = frozenset({Tag.INTEGER, Tag.COUNTER32, Tag.GAUGE32, Tag.TIMETICKS, Tag.COUNTER64})
_STRINGS = frozenset({Tag.OCTETS, Tag.IP_ADDRESS})
_V2C = 1


def encode(message: Message) -> bytes:
    """A message on the wire."""
    bindings = b"".join(
        _wrap(Tag.SEQUENCE, _value(Value(Tag.OID, oid)) + _value(value))
        for oid, value in message.pdu.bindings
    )
    numbers = (message.pdu.request, message.pdu.first, message.pdu.second)
    head = b"".join(_integer(Tag.INTEGER, number) for number in numbers)
    pdu = _wrap(message.pdu.tag, head + _wrap(Tag.SEQUENCE, bindings))
    community = _wrap(Tag.OCTETS, message.community)
    return _wrap(Tag.SEQUENCE, _integer(Tag.INTEGER, _V2C) + community + pdu)


def _wrap(tag: Tag, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - X.690 8.1.3.4: the short form ends here
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(tag: Tag, number: int) -> bytes:
    return _wrap(tag, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def _value(value: Value) -> bytes:
    content = value.content
    if isinstance(content, int):
        return _integer(value.tag, content)
    if isinstance(content, tuple):
        parts = (content[0] * 40 + content[1], *content[2:])
        return _wrap(value.tag, b"".join(_base128(part) for part in parts))
    return _wrap(value.tag, content or b"")


def _base128(number: int) -> bytes:
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def decode(data: bytes) -> Message:
    """A message from the wire, or BadMessage."""
    try:
        return _message(_Cursor(data))
    except (IndexError, ValueError) as error:
        raise BadMessage(str(error)) from error


class _Cursor:
    """A place in the bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self) -> tuple[int, bytes]:
        """The next tag and its content."""
        tag, size = self.data[self.at], self.data[self.at + 1]
        self.at += 2
        if size & 0x80:
            width = size & 0x7F
            size = int.from_bytes(self.data[self.at : self.at + width], "big")
            self.at += width
        content = self.data[self.at : self.at + size]
        if len(content) != size:
            raise ValueError("shorter than it says")
        self.at += size
        return tag, content

    def inside(self, tag: Tag) -> _Cursor:
        """A cursor in the next value, which must have this tag."""
        return _Cursor(self.expect(tag))

    def expect(self, tag: Tag) -> bytes:
        """The content of the next value, which must have this tag."""
        found, content = self.take()
        if found != tag:
            raise ValueError(f"tag {found:#x} where {tag:#x} must be")
        return content

    def integer(self) -> int:
        """The next value, an INTEGER."""
        return int.from_bytes(self.expect(Tag.INTEGER), "big", signed=True)


def _message(cursor: _Cursor) -> Message:
    top = cursor.inside(Tag.SEQUENCE)
    if top.integer() != _V2C:
        raise ValueError("not v2c")
    community = top.expect(Tag.OCTETS)
    tag, content = top.take()
    return Message(community, _pdu(Tag(tag), _Cursor(content)))


def _pdu(tag: Tag, cursor: _Cursor) -> Pdu:
    request, first, second = cursor.integer(), cursor.integer(), cursor.integer()
    return Pdu(tag, request, _bindings(cursor.inside(Tag.SEQUENCE)), first, second)


def _bindings(cursor: _Cursor) -> tuple[tuple[Oid, Value], ...]:
    found: list[tuple[Oid, Value]] = []
    while cursor.at < len(cursor.data):
        binding = cursor.inside(Tag.SEQUENCE)
        oid = _oid(binding.expect(Tag.OID))
        tag, content = binding.take()
        found.append((oid, _read(Tag(tag), content)))
    return tuple(found)


def _read(tag: Tag, content: bytes) -> Value:
    if tag in _NUMBERS:
        return Value(tag, int.from_bytes(content, "big", signed=tag is Tag.INTEGER))
    if tag is Tag.OID:
        return Value(tag, _oid(content))
    return Value(tag, content if tag in _STRINGS else None)


def _oid(content: bytes) -> Oid:
    parts: list[int] = []
    number = 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            parts.append(number)
            number = 0
    return (min(parts[0] // 40, 2), parts[0] - 40 * min(parts[0] // 40, 2), *parts[1:])


def text(words: str) -> Value:
    """An OCTET STRING."""
    return Value(Tag.OCTETS, words.encode())
