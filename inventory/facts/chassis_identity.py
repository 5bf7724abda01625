"""Decides whether the box that answers is the one we know. Pure.

A serial number proves it either way. Without one (most hosts have no ENTITY-MIB) it is another box
when nothing of it stayed: no MAC address, and not its LLDP chassis id. What tells nothing changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_NO_SERIAL: Final = frozenset(
    {"", "0", "none", "n/a", "na", "null", "unknown", "default string", "not specified"}
    | {"not available", "not applicable", "to be filled by o.e.m.", "system serial number"}
    | {"0123456789", "123456789", "1234567890", "xxxxxxxx"}
)
_PLACEHOLDERS: Final = frozenset("0-.x ")
_SHARED_MACS: Final = ("00:00:5e:", "01:")
"""VRRP's (RFC 5798 7.3) and group addresses: on several boxes by design."""


def serial(text: str) -> str:
    """A serial number that tells boxes apart; "" for what makers write where they have none."""
    bare = text.strip()
    lower = bare.casefold()
    return "" if lower in _NO_SERIAL or not set(lower) - _PLACEHOLDERS else bare


@dataclass(frozen=True, slots=True)
class Chassis:
    """What tells a box apart: serial numbers (a stack has several), LLDP chassis id, MACs."""

    serials: frozenset[str] = frozenset()
    lldp: str | None = None
    macs: frozenset[str] = frozenset()


def swapped(known: Chassis, seen: Chassis) -> str:
    """Why it is another box, in words; "" when it is the same or nothing tells."""
    if known.serials and seen.serials:
        if known.serials & seen.serials:
            return ""
        return f"serial {_list(known.serials)} before, {_list(seen.serials)} now"
    before, now = _own(known.macs), _own(seen.macs)
    if not before or not now or before & now:
        return ""
    if known.lldp is not None and known.lldp == seen.lldp:
        return ""
    return f"none of its {len(before)} MAC addresses is there any more, nor its chassis id"


def evidence(seen: Chassis) -> str:
    """What names the box that is seen, the same at every look."""
    if seen.serials:
        return f"serial {_list(seen.serials)}"
    if seen.lldp is not None:
        return f"chassis {seen.lldp}"
    return f"MAC {min(_own(seen.macs), default='none')}"


def _own(macs: frozenset[str]) -> frozenset[str]:
    return frozenset(mac for mac in macs if not mac.startswith(_SHARED_MACS))


def _list(serials: frozenset[str]) -> str:
    return ", ".join(sorted(serials))
