"""Decides which addresses a Linux host has, from ``ip -j addr`` (iproute2's JSON). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from inventory.facts import facts
from inventory.words import grammar

_MAX_CHARACTERS: Final = 1024 * 1024
_MAX_ADDRESSES: Final = 1024
_MAX_PREFIX: Final = 128


def read(said: object) -> tuple[facts.AddressFact, ...] | None:
    """Global addresses by port; None when the answer is not what ``ip`` writes."""
    if not isinstance(said, str) or len(said) > _MAX_CHARACTERS:
        return None
    try:
        ports = json.loads(said)
    except (ValueError, RecursionError):
        return None
    if not isinstance(ports, list):
        return None
    found = dict.fromkeys(fact for port in ports for fact in _of_port(port))
    return tuple(found)[:_MAX_ADDRESSES]


def _of_port(port: Any) -> Iterator[facts.AddressFact]:
    if not isinstance(port, dict) or not isinstance(port.get("addr_info"), list):
        return
    name = port.get("ifname")
    if not isinstance(name, str) or not grammar.is_port(name):
        return
    for entry in port["addr_info"]:
        if isinstance(entry, dict) and entry.get("scope") == "global":
            fact = _address(name, entry)
            if fact is not None:
                yield fact


def _address(name: str, entry: dict[str, Any]) -> facts.AddressFact | None:
    local, prefix = entry.get("local"), entry.get("prefixlen")
    address = grammar.address(local) if isinstance(local, str) else None
    if address is None:
        return None
    known = isinstance(prefix, int) and 0 <= prefix <= _MAX_PREFIX
    return facts.AddressFact(name, address, prefix if known else None)
