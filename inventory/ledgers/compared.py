"""What the three ledgers say of some devices, as it is compared: planned, configured, observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from inventory.rows.cases import Case
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import ServiceState

DEAD: Final = frozenset({ServiceState.TERMINATED.value, ""})
"""States of a service that does not live; "" of none."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A service of a customer, or a resource by itself, as planned; ``status`` is how it is."""

    id: str
    name: str
    state: str
    customer: str
    order: str
    status: str
    status_since: datetime
    since: datetime
    known: datetime

    @property
    def words(self) -> str:
        """Who should look at what is amiss of it."""
        return f"service {self.name} of {self.customer}, order {self.order}"


@dataclass(frozen=True, slots=True)
class Stood:
    """PLANNED: a port that a service stands on."""

    service: str
    device: str
    port: str
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """PLANNED: a port that a service holds."""

    service: str
    device: str
    port: str
    order: str
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Owned:
    """PLANNED: how many paths of a device's store a service owns, the last order, since the first."""

    service: str
    device: str
    store: str
    order: str
    paths: int
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class ReadBack:
    """CONFIGURED: something of a service was read back from a device's store."""

    service: str
    device: str
    store: str
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """OBSERVED: a port that somebody holds, as looks and polls saw it."""

    device: str
    port: str
    admin: str
    oper: str
    missing: bool
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Box:
    """A device as planned, and when it answered last; ``ports_at`` is when its ports were read.

    ``sighted`` is False where it is not known when it answered: of the past.
    """

    name: str
    tenant: str
    managed: bool
    since: datetime
    known: datetime
    sighted: bool
    last_seen: datetime | None
    ports_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class LostPoint:
    """A port that had a test point, whose far end has no address any more since then."""

    device: str
    port: str
    far: str
    since: datetime


@dataclass(frozen=True, slots=True)
class PoolHold:
    """PLANNED: a value of a pool that an order claimed; ``service`` is the head of its key."""

    pool: str
    text: str
    service: str
    key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledgers say of some devices; ``services`` are all that any row here names, and live."""

    devices: tuple[Box, ...] = ()
    services: Mapping[str, Serving] = field(default_factory=dict[str, Serving])
    stood: tuple[Stood, ...] = ()
    claims: tuple[Claim, ...] = ()
    owned: tuple[Owned, ...] = ()
    read_back: tuple[ReadBack, ...] = ()
    seen: tuple[Seen, ...] = ()
    lost: tuple[LostPoint, ...] = ()

    def state(self, service: str) -> str:
        """TMF638's word; "" when there is no such service."""
        return self.services[service].state if service in self.services else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A case, and the service that it is about ("" when it is about none)."""

    case: Case
    service: str = ""


def moment(at: datetime) -> str:
    """As a case's words have it, to the second."""
    return f"{rfc3339(at)[:19]}Z"
