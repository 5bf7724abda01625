"""Decides how a reply is spoilt on its way out: what framing and XML must survive (RFC 6242)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from oss_agent.testing.simulated import framing

_BOMB = b"".join(
    b"<!ENTITY %c '%b'>" % (name, b"&%c;" % (name - 1) * 10 if name > ord("a") else b"boom" * 10)
    for name in range(ord("a"), ord("j"))
)


class Mangling(StrEnum):
    """What is wrong with every reply."""

    CHUNK_TOO_SHORT = "chunk-too-short"
    """a chunk's length is smaller than what follows"""
    CHUNK_TOO_LONG = "chunk-too-long"
    """a chunk's length promises more than ever comes"""
    CHUNK_OF_GIGABYTES = "chunk-of-gigabytes"
    """a chunk of 2 GB is announced"""
    END_MARK_INSIDE = "end-mark-inside"
    """``]]>]]>`` in an attribute: plain data in chunks, the end of the message without them"""
    ENTITY_BOMB = "entity-bomb"
    """a document type whose entities would grow to gigabytes"""
    INVALID_UTF8 = "invalid-utf8"
    ANSI = "ansi"
    """terminal escapes around and inside the reply"""
    TRUNCATED = "truncated"
    """the document ends in the middle, its frame does not"""


def frame(reply: bytes, mangling: Mangling | None, *, chunked: bool) -> bytes:
    """One reply on the wire, spoilt."""
    if mangling in _LENGTHS and chunked:
        return b"\n#%d\n%b\n##\n" % (_LENGTHS[mangling](len(reply)), reply)
    return framing.frame(_spoilt(reply, mangling), chunked=chunked)


def _spoilt(reply: bytes, mangling: Mangling | None) -> bytes:
    start, rest = reply[: reply.index(b">") + 1], reply[reply.index(b">") + 1 :]
    if mangling is Mangling.END_MARK_INSIDE:
        # In an attribute it is well-formed; in text ``]]>`` would not be.
        return start[:-1] + b' note="' + framing.END_OF_MESSAGE + b'">' + rest
    if mangling is Mangling.ENTITY_BOMB:
        return b"<!DOCTYPE x [" + _BOMB + b"]>" + start + b"&i;" + rest
    if mangling is Mangling.INVALID_UTF8:
        return start + b"\xff\xfe\xc3\x28" + rest
    if mangling is Mangling.ANSI:
        return b"\x1b[2J\x1b[1;1H" + start + b"\x1b[31m" + rest
    if mangling is Mangling.TRUNCATED:
        return reply[: len(reply) // 2]
    return reply


_LENGTHS: Mapping[Mangling | None, Callable[[int], int]] = {
    Mangling.CHUNK_TOO_SHORT: lambda length: length // 2,
    Mangling.CHUNK_TOO_LONG: lambda length: length + 4096,
    Mangling.CHUNK_OF_GIGABYTES: lambda _length: 2**31,
}
