"""Decides which name a port is known by: its ifName, because a device may renumber ifIndex. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def stable_names(ports: Sequence[tuple[str, int]]) -> list[str]:
    """Names for (name, ifIndex) pairs, unique in the device.

    Devices exist that give two ports one name, or none: those are told apart by their ifIndex
    (``eth0#3``), which is as stable as such a device allows.
    """
    count = Counter(name for name, _ in ports)
    return [
        name if name and count[name] == 1 else f"{name or 'port'}#{index}" for name, index in ports
    ]
