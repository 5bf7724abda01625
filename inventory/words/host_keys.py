"""Decides which SSH host keys are well formed, what their fingerprint is, and whose they are. Pure.

OpenSSH public keys (RFC 4253 6.6, RFC 5656 3.1, RFC 8709) and known_hosts lines (sshd(8)).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inventory.words import documents

_TYPES: Final = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
    }
)
_KEY_WORDS: Final = 2
"""type and base64; what follows is a comment"""
_MAX_LINES: Final = 20_000
_MAX_KEY: Final = 4096
_BRACKETED: Final = re.compile(r"\[([^\]\s]{1,255})\]:([0-9]{1,5})", re.ASCII)
SSH_PORT: Final = 22
NETCONF_PORT: Final = 830
"""RFC 6242 4"""


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A key for (host name or address, port)."""

    host: str
    port: int
    key: str


def normalised(key: str) -> str | None:
    """``<type> <base64>`` without comment; None when it is no well-formed public key."""
    words = key.split()
    if len(words) < _KEY_WORDS or words[0] not in _TYPES or len(words[1]) > _MAX_KEY:
        return None
    blob = _blob(words[1])
    name = words[0].encode()
    if blob is None or not blob.startswith(struct.pack(">I", len(name)) + name):
        return None
    return f"{words[0]} {words[1]}"


def fingerprint(key: str) -> str:
    """``SHA256:…`` of a normalised key, as ssh-keygen prints it."""
    digest = hashlib.sha256(_blob(key.split()[1]) or b"").digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def read_known_hosts(name: str, text: str) -> tuple[KnownHost, ...]:
    """The lines of a known_hosts file; OrderRejected names the line that cannot be read."""
    lines = text.splitlines()
    if len(text) > documents.MAX_CHARACTERS or len(lines) > _MAX_LINES:
        raise documents.refusal(name, f"has more than {_MAX_LINES} lines or is too long")
    found: list[KnownHost] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if words and not words[0].startswith("#"):
            found.extend(_entries(f"{name} line {number}", words))
    return tuple(found)


def keys_of(
    known: Sequence[KnownHost], hosts: frozenset[str], ports: Mapping[str, int]
) -> tuple[str, ...]:
    """Keys filed under any of a device's names or addresses, at one of its SSH ports."""
    wanted = {ports.get("ssh", SSH_PORT), ports.get("netconf", NETCONF_PORT)}
    found = (entry.key for entry in known if entry.host in hosts and entry.port in wanted)
    return tuple(sorted(set(found)))


def _entries(where: str, words: Sequence[str]) -> list[KnownHost]:
    if words[0].startswith("@"):
        raise documents.refusal(
            where, f"has the marker {words[0][:32]!r}; only plain host keys are read"
        )
    if words[0].startswith("|"):
        raise documents.refusal(where, "has a hashed host name; write the names in plain text")
    key = normalised(" ".join(words[1:3]))
    if key is None:
        raise documents.refusal(
            where, f"holds no public key of a known type ({', '.join(sorted(_TYPES))})"
        )
    return [KnownHost(*_host(where, pattern), key) for pattern in words[0].split(",")]


def _host(where: str, pattern: str) -> tuple[str, int]:
    bracketed = _BRACKETED.fullmatch(pattern)
    if bracketed is not None:
        return bracketed[1], int(bracketed[2])
    if not pattern or any(c in pattern for c in "*?![]"):
        raise documents.refusal(
            where, f"names {pattern[:64]!r}; wildcards and negations are not read"
        )
    return pattern, SSH_PORT


def _blob(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
