"""Decides which notifications are worth a poll. Pure.

A trap is a hint and its varbinds are hostile: none of them is read. RFC 2863 lets linkDown carry
the state being left, some agents leave it out, and anybody can send one; the poll tells.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from oss_agent.spi import onboarding, snmp

_GENERIC: Final[snmp.Oid] = (1, 3, 6, 1, 6, 3, 1, 1, 5)
"""snmpTraps, RFC 3418."""


class Notice(StrEnum):
    """Generic traps that say: look at your ports."""

    COLD_START = "coldStart"
    WARM_START = "warmStart"
    LINK_DOWN = "linkDown"
    LINK_UP = "linkUp"


_NOTICES: Final[dict[snmp.Oid, Notice]] = {
    (*_GENERIC, 1): Notice.COLD_START,
    (*_GENERIC, 2): Notice.WARM_START,
    (*_GENERIC, 3): Notice.LINK_DOWN,
    (*_GENERIC, 4): Notice.LINK_UP,
}


_PASSING: Final[tuple[snmp.Oid, ...]] = (
    (*_GENERIC, 3),
    (*_GENERIC, 4),
    (*_GENERIC, 5),
    (1, 3, 6, 1, 2, 1, 15),
    (1, 3, 6, 1, 2, 1, 14, 16),
)
"""Links, which a poll of the ports answers in full; authenticationFailure, which anybody provokes; sessions
of BGP (RFC 4273) and OSPF (RFC 4750), which come by the dozen while a network finds its ways: to walk
the routing daemon's own tables just then keeps it from that."""


def of_change(trap: snmp.Trap) -> bool:
    """May it tell that a device is made or configured otherwise than it was when it was looked at?"""
    return not any(trap.oid[: len(prefix)] == prefix for prefix in _PASSING)


_ABOUT: Final[dict[snmp.Oid, onboarding.About]] = {
    (*_GENERIC, 1): onboarding.About.WHOLE,
    (*_GENERIC, 2): onboarding.About.WHOLE,
    (1, 3, 6, 1, 2, 1, 47, 2, 0, 1): onboarding.About.PARTS,
    (1, 0, 8802, 1, 1, 2, 0, 0, 1): onboarding.About.NEIGHBOURS,
}


def about(trap: snmp.Trap) -> onboarding.About | None:
    """What of a device a trap gives reason to look at; None: nothing of it.

    A trap that nobody knows may be any maker's of a changed configuration.
    """
    if not of_change(trap):
        return None
    return _ABOUT.get(trap.oid, onboarding.About.CONFIGURATION)


def notice(trap: snmp.Trap) -> Notice | None:
    """What a trap gives reason to look at; None for every other kind."""
    return _NOTICES.get(trap.oid)
