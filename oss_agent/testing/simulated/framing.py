"""Decides where a NETCONF message ends, as a server: RFC 6242 section 4.

Written apart from the client's framing on purpose: two readings of the RFC check each other.
"""

from __future__ import annotations

import re

END_OF_MESSAGE = b"]]>]]>"
_HEADER = re.compile(rb"\n#(?:([1-9][0-9]{0,9})|#)\n")
_BEGUN = re.compile(rb"\n?|\n#[1-9][0-9]{0,9}|\n##?")
LIMIT = 16 * 1024 * 1024


class BadFraming(Exception):
    """The peer broke the framing or a limit: close the session (RFC 6242 4.2)."""


class Unframer:
    """Takes bytes as they come, gives whole messages; starts in 1.0 framing (the hello)."""

    def __init__(self) -> None:
        self.chunked = False
        self._buffer = bytearray()
        self._message = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes off the wire."""
        self._buffer += data
        if len(self._buffer) + len(self._message) > LIMIT:
            raise BadFraming(f"message exceeds {LIMIT} bytes")

    @property
    def holds_more(self) -> bool:
        """Whether bytes of a further message have already arrived."""
        return bool(self._buffer.strip())

    def next_message(self) -> bytes | None:
        """The next whole message, or None when more bytes are needed."""
        return self._next_chunked() if self.chunked else self._next_delimited()

    def _next_delimited(self) -> bytes | None:
        end = self._buffer.find(END_OF_MESSAGE)
        if end < 0:
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[: end + len(END_OF_MESSAGE)]
        return message

    def _next_chunked(self) -> bytes | None:
        while (header := _HEADER.match(self._buffer)) is not None:
            if header[1] is None:
                del self._buffer[: header.end()]
                message, self._message = bytes(self._message), bytearray()
                return message
            end = header.end() + int(header[1])
            if len(self._buffer) < end:
                return None
            self._message += self._buffer[header.end() : end]
            del self._buffer[:end]
        if _BEGUN.fullmatch(self._buffer) is None:
            raise BadFraming("no chunk header where one must be")
        return None


def frame(message: bytes, *, chunked: bool, chunk: int = 32768) -> bytes:
    """One message on the wire; ``chunk`` bytes at most in each chunk."""
    if not chunked:
        return message + END_OF_MESSAGE
    parts = (message[n : n + chunk] for n in range(0, len(message), chunk))
    return b"".join(b"\n#%d\n%s" % (len(part), part) for part in parts) + b"\n##\n"
