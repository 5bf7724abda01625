"""What fulfilment and assurance need of the inventory: facts to plan on, rows to write in a unit.

Every function takes the unit's connection, so claims, ownership and service states commit with
the order they belong to. Sync on purpose: a unit never waits.
"""

from __future__ import annotations

from typing import Protocol

from oss_agent.spi.ledger.claims import Claims
from oss_agent.spi.ledger.devices import Devices
from oss_agent.spi.ledger.ownership import Ownership
from oss_agent.spi.ledger.planning import DeviceFact, Planning, PortFact, Snapshot, TestPoint
from oss_agent.spi.ledger.services import ServiceRow, Services
from oss_agent.spi.ledger.watching import (
    Affected,
    NamedPorts,
    PolledPort,
    PortName,
    WatchedPort,
    Watching,
    Why,
    Withheld,
)
from oss_agent.spi.products import ProductLedger

__all__ = [
    "Affected",
    "Claims",
    "DeviceFact",
    "Devices",
    "Ledger",
    "NamedPorts",
    "Ownership",
    "Planning",
    "PolledPort",
    "PortFact",
    "PortName",
    "ServiceRow",
    "Services",
    "Snapshot",
    "TestPoint",
    "WatchedPort",
    "Watching",
    "Why",
    "Withheld",
]


class Ledger(Planning, Claims, Ownership, Services, Watching, ProductLedger, Protocol):
    """Inventory's writing side, for use inside a unit."""
