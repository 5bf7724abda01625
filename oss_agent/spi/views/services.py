"""What is shown of services and of the resources they stand on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class SpecificationRef:
    """A catalogue specification: id, version and name."""

    id: str
    version: str
    name: str


class ServiceState(StrEnum):
    """TMF638 v4 service states."""

    FEASIBILITY_CHECKED = "feasibilityChecked"
    DESIGNED = "designed"
    RESERVED = "reserved"
    INACTIVE = "inactive"
    ACTIVE = "active"
    TERMINATED = "terminated"


class OperatingStatus(StrEnum):
    """TMF638 v5 operatingStatus, kept in a v4 service as an extension attribute."""

    PENDING = "pending"
    RUNNING = "running"
    DEGRADED = "degraded"
    FAILED = "failed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


CUSTOMER_FACING = "CFS"


BY_ITSELF = "resource"
"""The category of what was ordered as a resource by itself: no customer's, and shown by TMF639 only."""


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as TMF638 shows it. ``category`` is CFS or RFS (or ``BY_ITSELF``)."""

    id: str
    tenant: str
    name: str
    category: str
    state: ServiceState
    operating_status: OperatingStatus
    specification: SpecificationRef
    characteristics: Mapping[str, Any]
    customer: str
    service_date: datetime
    start_date: datetime | None = None
    end_date: datetime | None = None
    order: str | None = None
    supporting_services: tuple[str, ...] = ()
    supporting_resources: tuple[str, ...] = ()
    cause: str | None = None
    status_since: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource as TMF639 shows it: device, port, logical (VNI). X.731 states inside.

    What was ordered by itself has a ``specification``.
    """

    id: str
    tenant: str
    name: str
    category: str
    administrative_state: str
    operational_state: str
    usage_state: str
    resource_status: str
    characteristics: Mapping[str, Any]
    relationships: tuple[tuple[str, str], ...] = ()
    start_date: datetime | None = None
    specification: SpecificationRef | None = None
