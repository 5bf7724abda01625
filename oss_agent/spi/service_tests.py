"""Service tests (TMF653): what was asked of a service, when, and what it answered; fulfilment owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import EvidenceView, SpecificationRef


class ServiceTestState(StrEnum):
    """TMF653 execution states, as far as a test here is ever in them."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    """everything that must hold was seen to hold"""
    FAILED = "failed"
    """something does not hold, or could not be asked"""

    @property
    def final(self) -> bool:
        """Nothing leaves a final state."""
        return self in {ServiceTestState.COMPLETED, ServiceTestState.FAILED}


class Mode(StrEnum):
    """Who wanted a test: the agent itself, before it said completed, or somebody."""

    PROACTIVE = "PROACTIVE"
    ON_DEMAND = "ONDEMAND"


@dataclass(frozen=True, slots=True)
class ServiceTestRequest:
    """The wish that a living service be tested now; its specification says what is asked.

    ``specification`` (and ``version``) must be the service's own.
    """

    tenant: str
    asked_by: str
    name: str
    service: str
    specification: str
    version: str | None = None
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ServiceTestView:
    """A test as TMF653 shows it; ``order`` is the order whose turn-up it proved, else None.

    ``reason`` says in a sentence why it failed. Transcripts are in ``measures`` of a read only, an
    event has their digests.
    """

    id: str
    tenant: str
    name: str
    mode: Mode
    state: ServiceTestState
    service: str
    service_name: str
    specification: SpecificationRef
    asked_by: str
    asked_at: datetime
    description: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    order: str | None = None
    reason: str | None = None
    measures: tuple[EvidenceView, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class ServiceTests(Protocol):
    """Tests of services."""

    async def request(self, wish: ServiceTestRequest) -> ServiceTestView:
        """Store the test, synced; it runs afterwards, a turn per tenant.

        OrderRejected names the field: 400 for a service or specification that is not there, 409 for
        a service that does not live or is being tested already, 429 when too many wait.
        """
        ...

    async def find(self, query: Query, /) -> Page[ServiceTestView]:
        """Tests that match; filter paths are TMF653 attribute names."""
        ...

    async def get(self, tenant: str, key: str) -> ServiceTestView:
        """One test; NotFound."""
        ...
