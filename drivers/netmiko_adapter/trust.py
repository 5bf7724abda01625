"""Decides what paramiko may believe of a host key: the pinned ones alone, in a file of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from oss_agent.errors import DeviceRefused
from oss_agent.spi import device

_SSH = 22


@contextmanager
def known_hosts(endpoint: device.Endpoint, port: int) -> Iterator[str]:
    """The path of a known_hosts file (mode 0600) with the pinned keys, gone after the block."""
    with tempfile.NamedTemporaryFile("w", prefix="known_hosts", encoding="ascii") as file:
        file.write(lines(endpoint, port))
        file.flush()
        yield file.name


def lines(endpoint: device.Endpoint, port: int) -> str:
    """Its text. DeviceRefused when nothing is pinned, or what is pinned is no key."""
    if not endpoint.host_keys:
        reason = "no host key is pinned: compare its fingerprint and trust the device first"
        raise DeviceRefused(endpoint.device, reason)
    # As paramiko asks for it: the bare address only on the standard port.
    host = endpoint.address if port == _SSH else f"[{endpoint.address}]:{port}"
    return "".join(f"{host} {_key(endpoint, key)}\n" for key in endpoint.host_keys)


def _key(endpoint: device.Endpoint, pinned: str) -> str:
    words = pinned.split()
    if len(words) < 2 or not all(map(str.isascii, words)):  # noqa: PLR2004 - algorithm and key
        raise DeviceRefused(endpoint.device, f"a pinned host key is not a key: {pinned[:40]!r}")
    return " ".join(words[:2])
