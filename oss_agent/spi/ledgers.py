"""The three ledgers side by side: what is planned, configured and observed of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oss_agent.spi.moments import AsOf


@dataclass(frozen=True, slots=True)
class Side:
    """What one ledger says: in words, so ``since``, believed since ``known``; ``by`` whose order."""

    text: str
    since: datetime
    known: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What the ledgers say about one thing: a service, ``pe1:eth4``, ``pe1 (netconf)``, a value.

    None: that ledger says nothing of it.
    """

    about: str
    planned: Side | None = None
    configured: Side | None = None
    observed: Side | None = None


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """Where they disagree: in words, why probably, who should look.

    ``case`` is the id of its open case, "" while there is none (an order is at work, or it is the
    past that was asked for and the case came later); ``since`` is the case's.
    """

    kind: str
    subject: str
    text: str
    cause: str
    owner: str
    case: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerView:
    """One thing (``kind``: service, device or port) in the three ledgers, and what differs.

    ``valid`` and ``known`` are the moment that was asked for, None: now. ``busy``: an order is at
    work on it, so that what differs may be the order.
    """

    kind: str
    id: str
    name: str
    lines: tuple[Line, ...]
    differences: tuple[DifferenceView, ...]
    busy: bool = False
    valid: datetime | None = None
    known: datetime | None = None


class Ledgers(Protocol):
    """Reading the three ledgers."""

    async def show(self, tenant: str, name: str, when: AsOf | None = None) -> LedgerView:
        """A service by id or name, a device, or a port as ``pe1:eth4``.

        NotFound; Conflict naming the ids when several services have the name.
        """
        ...
