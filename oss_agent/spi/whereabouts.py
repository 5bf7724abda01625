"""Where an address is in the network: for the operator who looks for a customer's box."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class How(StrEnum):
    """By what it is known, the surest first."""

    OWN = "own"
    """the port has the address itself"""
    LEARNED = "bridge"
    """a bridge learned it behind the port"""
    RESOLVED = "arp"
    """a device resolved it on the port, by ARP or neighbour discovery"""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One device's word. ``since`` is when it was first so, ``seen`` when it was last read to be.

    With ``until`` it is over. ``towards`` names who is heard on the port: then it is the way there. Of an
    address that is not told "" stands.
    """

    device: str
    port: str
    how: How
    address: str
    mac: str
    since: datetime
    until: datetime | None = None
    seen: datetime | None = None
    towards: str = ""


class Finder(Protocol):
    """The operator's question."""

    async def where(self, tenant: str, text: str) -> tuple[Whereabouts, ...]:
        """All that is known of an IP or MAC address, in any notation; OrderRejected when it is neither."""
        ...
