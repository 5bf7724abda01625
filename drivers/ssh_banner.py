"""Reads how an SSH server names itself (RFC 4253 4.2), before anything else is said: no login."""

from __future__ import annotations

import asyncio
import contextlib

_WITHIN = 5.0
_MOST = 4_096
"""Bytes of lines that a server may send before its identification, which has 255 at most."""


async def read(address: str, port: int) -> bytes:
    """``spi.detection.Banner``: the identification string; empty when none comes."""
    try:
        async with asyncio.timeout(_WITHIN):
            reader, writer = await asyncio.open_connection(address, port, limit=_MOST)
            try:
                return await _identification(reader)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, ValueError):  # ValueError: a line longer than the limit
        return b""


async def _identification(reader: asyncio.StreamReader) -> bytes:
    left = _MOST
    while left > 0:
        line = await reader.readline()
        if not line or line.startswith(b"SSH-"):
            return line.strip()
        left -= len(line)
    return b""
