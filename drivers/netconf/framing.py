"""Decides where a NETCONF message begins and ends (RFC 6242 section 4); bytes in, messages out.

Both decoders are incremental, take the stream in any pieces, and refuse a message over the limit
before holding it. A peer that breaks the framing cannot be resynchronised: FramingError is final.
"""

from __future__ import annotations

import re
from typing import Protocol

END_OF_MESSAGE = b"]]>]]>"
_HEADER = re.compile(rb"\n#(?:([1-9][0-9]{0,9})|#)\n")
_HEADER_BEGUN = re.compile(rb"\n(?:#(?:[1-9][0-9]{0,9}|#)?)?")
_LARGEST_CHUNK = 4294967295  # RFC 6242 4.2


class FramingError(Exception):
    """The stream breaks the framing, or a message is larger than allowed."""


class Decoder(Protocol):
    """A stream of bytes, cut into messages."""

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        ...

    def take(self) -> bytes | None:
        """The next whole message, or None until more is fed. Raises FramingError."""
        ...


class EndOfMessageDecoder:
    """RFC 6242 4.3: a message ends with ``]]>]]>``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        self._buffer += data

    def take(self) -> bytes | None:
        """The next whole message, or None until more is fed. Raises FramingError."""
        end = self._buffer.find(END_OF_MESSAGE, self._searched)
        if max(end, 0) > self._limit or (end < 0 and len(self._buffer) > self._limit + 5):
            raise FramingError(f"a message is larger than {self._limit} bytes")
        if end < 0:
            # The mark may be cut anywhere; what is searched once is not searched again.
            self._searched = max(0, len(self._buffer) - len(END_OF_MESSAGE) + 1)
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[: end + len(END_OF_MESSAGE)]
        self._searched = 0
        return message

    def rest(self) -> bytes:
        """What came behind the last message, for the decoder that takes over after the hello."""
        return bytes(self._buffer)


class ChunkedDecoder:
    """RFC 6242 4.2: chunks with their length in front, an end-of-chunks mark behind."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._message = bytearray()
        self._left = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        self._buffer += data

    def take(self) -> bytes | None:
        """The next whole message, or None until more is fed. Raises FramingError."""
        while self._fill_chunk():
            header = _HEADER.match(self._buffer)
            if header is None:
                self._expect_header()
                return None
            size = header[1]  # before the buffer moves: a match on a bytearray is a view of it
            del self._buffer[: header.end()]
            if size is None:
                return self._finish()
            self._begin_chunk(int(size))
        return None

    def _fill_chunk(self) -> bool:
        """Move what belongs to the current chunk; True when the chunk is whole."""
        piece = self._buffer[: self._left]
        self._message += piece
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        return not self._left

    def _expect_header(self) -> None:
        if self._buffer and not _HEADER_BEGUN.fullmatch(self._buffer):
            raise FramingError(f"no chunk begins with {bytes(self._buffer[:16])!r}")

    def _begin_chunk(self, size: int) -> None:
        # The announced length is judged, not the bytes: a lie is refused before it costs memory.
        if size > _LARGEST_CHUNK or len(self._message) + size > self._limit:
            raise FramingError(f"a message is larger than {self._limit} bytes")
        self._left = size

    def _finish(self) -> bytes:
        if not self._message:
            raise FramingError("a message without a chunk")
        message = bytes(self._message)
        self._message.clear()
        return message


def end_of_message(message: bytes) -> bytes:
    """``message`` framed for base:1.0 and for every hello."""
    return message + END_OF_MESSAGE


def chunked(message: bytes) -> bytes:
    """``message`` framed for base:1.1, as one chunk."""
    return b"\n#%d\n%b\n##\n" % (len(message), message)
