"""Decides what octets of SNMP's BER subset mean (X.690 8, RFC 3416 3), and writes the few we send.

Reading trusts nothing: every length is checked against the element around it, arcs and sizes are
capped, and the one error is ``Malformed``. Offsets are passed around instead of slices, because a
poll of a full chassis reads some thousands of elements.
"""

from __future__ import annotations

from typing import Final

from oss_agent.spi import snmp

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
IP_ADDRESS: Final = 0x40
COUNTER32: Final = 0x41
GAUGE32: Final = 0x42
TIME_TICKS: Final = 0x43
OPAQUE: Final = 0x44
COUNTER64: Final = 0x46
NO_SUCH_OBJECT: Final = 0x80
NO_SUCH_INSTANCE: Final = 0x81
END_OF_MIB_VIEW: Final = 0x82

OCTETS: Final[dict[int, int]] = {COUNTER32: 4, GAUGE32: 4, TIME_TICKS: 4, COUNTER64: 8}
"""Unsigned types and their width; one more octet is legal when it is a leading zero."""
EMPTY: Final = frozenset({NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW})
TEXT: Final = frozenset({OCTET_STRING, OPAQUE})

MAX_ARCS: Final = 128
"""RFC 2578 3.5"""
_MAX_ARC: Final = 2**32 - 1
_MAX_ARC_OCTETS: Final = 5
_MAX_LENGTH_OCTETS: Final = 4
_INTEGER_OCTETS: Final = 4
_SECOND_ARCS: Final = 40
_ADDRESS_OCTETS: Final = 4


class Malformed(Exception):
    """The octets are not what they claim; ``reason`` is one word, for a counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, first and past-the-last offset of the content of the element at ``at``."""
    if at + 2 > end:
        raise Malformed("truncated")
    tag, length = data[at], data[at + 1]
    start = at + 2
    if length > 0x7F:  # noqa: PLR2004  X.690 8.1.3.5: the long form
        start, length = _long_length(data, start, end, length & 0x7F)
    if start + length > end:
        raise Malformed("length")
    return tag, start, start + length


def _long_length(data: bytes, at: int, end: int, octets: int) -> tuple[int, int]:
    if not 0 < octets <= _MAX_LENGTH_OCTETS:  # zero is the indefinite form, which SNMP forbids
        raise Malformed("length")
    if at + octets > end:
        raise Malformed("truncated")
    return at + octets, int.from_bytes(data[at : at + octets], "big")


def element(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Content offsets of the element at ``at``, which must have this tag."""
    found, start, stop = header(data, at, end)
    if found != tag:
        raise Malformed("tag")
    return start, stop


def integer(data: bytes, start: int, stop: int) -> int:
    """INTEGER (-2**31..2**31-1); an octet of padding is read, a larger value is not."""
    if not 0 < stop - start <= _INTEGER_OCTETS + 1:
        raise Malformed("integer")
    number = int.from_bytes(data[start:stop], "big", signed=True)
    if not -(2**31) <= number < 2**31:
        raise Malformed("integer")
    return number


def unsigned(data: bytes, start: int, stop: int, octets: int) -> int:
    """Counter, Gauge or TimeTicks of ``octets``; a missing leading zero is read as net-snmp does."""
    size = stop - start
    if not 0 < size <= octets + 1 or (size > octets and data[start]):
        raise Malformed("unsigned")
    return int.from_bytes(data[start:stop], "big")


def arcs(content: bytes) -> snmp.Oid:
    """Sub-identifiers as they are on the wire: the first two arcs of an OID are still one."""
    found: list[int] = []
    arc = octets = 0
    for octet in content:
        if octet == 0x80 and not octets:  # noqa: PLR2004  X.690 8.19.2: no leading zeros
            raise Malformed("oid")
        arc, octets = arc << 7 | octet & 0x7F, octets + 1
        if octets > _MAX_ARC_OCTETS:
            raise Malformed("oid")
        if octet < 0x80:  # noqa: PLR2004  the last octet of this arc
            found.append(arc)
            arc = octets = 0
    if octets or len(found) >= MAX_ARCS or (found and max(found) > _MAX_ARC):
        raise Malformed("oid")
    return tuple(found)


def oid(content: bytes) -> snmp.Oid:
    """OBJECT IDENTIFIER from its content octets."""
    found = arcs(content)
    if not found:
        raise Malformed("oid")
    top = min(found[0] // _SECOND_ARCS, 2)
    return (top, found[0] - top * _SECOND_ARCS, *found[1:])


def value(data: bytes, tag: int, start: int, stop: int) -> snmp.Value:
    """A varbind's value; the exceptions of RFC 3416 and NULL are None."""
    if tag in OCTETS:
        return unsigned(data, start, stop, OCTETS[tag])
    if tag == INTEGER:
        return integer(data, start, stop)
    if tag in TEXT or (tag == IP_ADDRESS and stop - start == _ADDRESS_OCTETS):
        return data[start:stop]
    if tag == OBJECT_IDENTIFIER:
        return oid(data[start:stop])
    if tag in EMPTY:
        return None
    raise Malformed("value")


def wrap(tag: int, content: bytes) -> bytes:
    """An element with the shortest length octets (X.690 8.1.3)."""
    size = len(content)
    if size <= 0x7F:  # noqa: PLR2004  the short form
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def of_integer(number: int) -> bytes:
    """INTEGER in the fewest octets."""
    octets = (number + (number < 0)).bit_length() // 8 + 1
    return wrap(INTEGER, number.to_bytes(octets, "big", signed=True))


def of_oid(name: snmp.Oid) -> bytes:
    """Content octets of an OBJECT IDENTIFIER; ValueError when it is none."""
    if not _is_oid(name):
        raise ValueError(f"{name} is not an OBJECT IDENTIFIER: give arcs of 0..2**32-1")
    top, second, *rest = name
    return b"".join(map(_of_arc, (top * _SECOND_ARCS + second, *rest)))


def _is_oid(name: snmp.Oid) -> bool:
    """X.660 6.1: three roots, of which the first two have 40 children."""
    if not 2 <= len(name) <= MAX_ARCS or not all(0 <= arc <= _MAX_ARC for arc in name):  # noqa: PLR2004  X.690 8.19
        return False
    return name[0] == 2 or (name[0] < 2 and name[1] < _SECOND_ARCS)  # noqa: PLR2004  joint-iso-itu-t


def _of_arc(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(0x80 | arc & 0x7F)
    return bytes(reversed(octets))
