"""Decides which name a port is known by: its ifName, because a device may renumber ifIndex. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence


def stable_names(ports: Sequence[tuple[str, int]]) -> list[str]:
    """Names for (name, ifIndex) pairs, unique in the device.

    Devices exist that give two ports one name, or none: those are told apart by their ifIndex
    (``eth0#3``), which is as stable as such a device allows. A device may name a port ``eth0#3`` itself:
    then the number is repeated.
    """
    count = Counter(name for name, _ in ports)
    taken = {name for name, _ in ports if name and count[name] == 1}
    return [name if name in taken else _numbered(name, index, taken) for name, index in ports]


def _numbered(name: str, index: int, taken: Container[str]) -> str:
    number = f"#{index}"
    text = f"{name or 'port'}{number}"
    while text in taken:
        text += number
    return text
