"""Decides which names, addresses and ports from outside are accepted: allow-lists. Pure.

What passes here may later reach a device, a file name or a URL.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_DEVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)
_PORT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,62}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_MAX_PORT: Final = 65_535
_MAX_TEXT: Final = 128
_MAX_SECRET: Final = 1024


def is_device(text: str) -> bool:
    """A device's name: letters, digits, ``_ . -``; no path, no space, at most 63."""
    return _DEVICE.fullmatch(text) is not None


def is_port(text: str) -> bool:
    """A port's name: as a device's, and ``/ :`` (``ethernet-1/1``, ``et-0/0/1:0``)."""
    return _PORT.fullmatch(text) is not None


def is_word(text: str) -> bool:
    """A kind, platform, role or lab name."""
    return _WORD.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """One printable line of at most 128 characters."""
    return len(text) <= _MAX_TEXT and text.isprintable()


def is_secret(text: str) -> bool:
    """A password or community: one printable line, not empty, at most 1,024 characters."""
    return 0 < len(text) <= _MAX_SECRET and text.isprintable()


def address(text: str) -> str | None:
    """An IPv4 or IPv6 literal in canonical form; None for anything else, a scope included.

    ``ipaddress`` accepts any text after %, a newline too: a scope is refused before it is parsed.
    """
    if "%" in text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def tcp_port(text: str) -> int | None:
    """A transport port, 1 to 65535."""
    if _NUMBER.fullmatch(text) is None or not 0 < int(text) <= _MAX_PORT:
        return None
    return int(text)
