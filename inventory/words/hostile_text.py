"""Decides what of a device's text is kept: printable characters, one line, bounded. Pure.

Whoever owns a device's sysDescr writes into our console, logs and exports.
"""

from __future__ import annotations

from typing import Final

NAME: Final = 64
"""Longest name (port, system) kept, in characters."""
DESCRIPTION: Final = 255
"""Longest free text kept, in characters (DisplayString, RFC 2579)."""


def printable(raw: object, limit: int) -> str:
    """Bytes of an OCTET STRING as text: UTF-8, else replaced; anything else gives "".

    Control, format and direction characters go; runs of blanks become one.
    """
    if not isinstance(raw, bytes):
        return ""
    text = raw[: limit * 4].decode("utf-8", errors="replace")
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())[:limit]
