"""Decides which notifications are worth a poll. Pure.

A trap is a hint and its varbinds are hostile: none of them is read. RFC 2863 lets linkDown carry
the state being left, some agents leave it out, and anybody can send one; the poll tells.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from oss_agent.spi import snmp

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


LINKS: Final = frozenset({Notice.LINK_DOWN, Notice.LINK_UP})
"""What a poll of the ports answers in full; every other trap may tell of a change of anything."""


def notice(trap: snmp.Trap) -> Notice | None:
    """What a trap gives reason to look at; None for every other kind."""
    return _NOTICES.get(trap.oid)
