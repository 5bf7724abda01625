"""What is told to others: an event row in the same unit as the change, delivered from the outbox.

Order is kept per (receiver, entity); delivery is at least once with a stable key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from sqlalchemy import Connection


class EventKind(StrEnum):
    """Every event the agent emits, by its TM Forum event name where there is one."""

    PRODUCT_ORDER_CREATE = "ProductOrderCreateEvent"
    PRODUCT_ORDER_STATE = "ProductOrderStateChangeEvent"
    PRODUCT_ORDER_CHANGE = "ProductOrderAttributeValueChangeEvent"
    PRODUCT_ORDER_INFORMATION = "ProductOrderInformationRequiredEvent"
    CANCEL_PRODUCT_ORDER_CREATE = "CancelProductOrderCreateEvent"
    CANCEL_PRODUCT_ORDER_STATE = "CancelProductOrderStateChangeEvent"
    PRODUCT_CREATE = "ProductCreateEvent"
    PRODUCT_STATE = "ProductStateChangeEvent"
    PRODUCT_CHANGE = "ProductAttributeValueChangeEvent"
    SERVICE_ORDER_CREATE = "ServiceOrderCreateEvent"
    SERVICE_ORDER_STATE = "ServiceOrderStateChangeEvent"
    SERVICE_ORDER_CHANGE = "ServiceOrderAttributeValueChangeEvent"
    SERVICE_ORDER_INFORMATION = "ServiceOrderInformationRequiredEvent"
    SERVICE_ORDER_MILESTONE = "ServiceOrderMilestoneEvent"
    SERVICE_ORDER_JEOPARDY = "ServiceOrderJeopardyEvent"
    CANCEL_SERVICE_ORDER_CREATE = "CancelServiceOrderCreateEvent"
    CANCEL_SERVICE_ORDER_STATE = "CancelServiceOrderStateChangeEvent"
    RESOURCE_ORDER_CREATE = "ResourceOrderCreateEvent"
    RESOURCE_ORDER_STATE = "ResourceOrderStateChangeEvent"
    RESOURCE_ORDER_CHANGE = "ResourceOrderAttributeValueChangeEvent"
    RESOURCE_ORDER_INFORMATION = "ResourceOrderInformationRequiredEvent"
    CANCEL_RESOURCE_ORDER_CREATE = "CancelResourceOrderCreateEvent"
    CANCEL_RESOURCE_ORDER_STATE = "CancelResourceOrderStateChangeEvent"
    MONITOR_CREATE = "MonitorCreateEvent"
    MONITOR_STATE = "MonitorStateChangeEvent"
    SERVICE_TEST_CREATE = "ServiceTestCreateEvent"
    SERVICE_TEST_STATE = "ServiceTestStateChangeEvent"
    SERVICE_CREATE = "ServiceCreateEvent"
    SERVICE_STATE = "ServiceStateChangeEvent"
    SERVICE_CHANGE = "ServiceAttributeValueChangeEvent"
    SERVICE_OPERATING_STATUS = "ServiceOperatingStatusChangeEvent"
    RESOURCE_CREATE = "ResourceCreateEvent"
    RESOURCE_STATE = "ResourceStateChangeEvent"
    RESOURCE_CHANGE = "ResourceAttributeValueChangeEvent"
    RESOURCE_DELETE = "ResourceDeleteEvent"
    ALARM_CREATE = "AlarmCreateEvent"
    ALARM_CHANGE = "AlarmAttributeValueChangeEvent"
    ALARM_STATE = "AlarmStateChangeEvent"
    SERVICE_SPECIFICATION_CREATE = "ServiceSpecificationCreateEvent"
    SERVICE_SPECIFICATION_CHANGE = "ServiceSpecificationChangeEvent"
    SERVICE_SPECIFICATION_DELETE = "ServiceSpecificationDeleteEvent"
    SERVICE_CANDIDATE_CREATE = "ServiceCandidateCreateEvent"
    SERVICE_CANDIDATE_CHANGE = "ServiceCandidateChangeEvent"
    SERVICE_CANDIDATE_DELETE = "ServiceCandidateDeleteEvent"
    RESOURCE_SPECIFICATION_CREATE = "ResourceSpecificationCreateEvent"
    RESOURCE_SPECIFICATION_CHANGE = "ResourceSpecificationChangeEvent"
    RESOURCE_SPECIFICATION_DELETE = "ResourceSpecificationDeleteEvent"
    RESOURCE_CANDIDATE_CREATE = "ResourceCandidateCreateEvent"
    RESOURCE_CANDIDATE_CHANGE = "ResourceCandidateChangeEvent"
    RESOURCE_CANDIDATE_DELETE = "ResourceCandidateDeleteEvent"
    USAGE_CREATE = "UsageCreateEvent"
    USAGE_DAY = "UsageDayEvent"
    """a day of usage rolled up for one receiver; no TM Forum event"""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as it was at that moment.

    ``id`` is stable and doubles as Idempotency-Key; for usage it is derived from (meter point,
    period, revision) so that a resend after a crash is the same everywhere. ``entity`` is
    ``<type>:<id>``, e.g. ``serviceOrder:42``, the unit of ordering. ``payload`` is the JSON form of
    the entity's view (``oss_agent.spi.views``); the bridge renders it for each receiver. ``changed``
    are the attributes that are another now, or that have still to be said, by their names in the
    entity's own API, where known.
    """

    id: str
    kind: EventKind
    tenant: str
    entity: str
    at: datetime
    payload: Mapping[str, Any]
    changed: tuple[str, ...] = ()


EventSink: TypeAlias = "Callable[[Connection, Event], None]"
"""Appends an event inside the caller's unit: the outbox's ``append``."""


class Delivery(StrEnum):
    """What became of one attempt to deliver."""

    DONE = "done"
    """accepted, or 409 for the same key: the receiver has it"""
    RETRY = "retry"
    """network, 5xx, 429: again later, with backoff and jitter"""
    PARKED = "parked"
    """4xx that will not heal by itself: this entity waits at this receiver for a person"""
    STOPPED = "stopped"
    """401, 403: the whole receiver stops, with an alarm"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt's result; ``retry_after`` (seconds) when the receiver asked for it."""

    delivery: Delivery
    reason: str = ""
    retry_after: float | None = None


class Receiver(Protocol):
    """Somebody who wants events: a hub listener, the billing system."""

    @property
    def id(self) -> str:
        """Stable over restarts: delivery rows are keyed by it."""
        ...

    def wants(self, event: Event) -> bool:
        """Pure: does this receiver get this event?"""
        ...

    async def deliver(self, event: Event) -> Attempt:
        """Send once, bounded in time; never raises for what the receiver did."""
        ...


class Receivers(Protocol):
    """Who is listening now; the bridge owns the rows."""

    async def current(self) -> tuple[Receiver, ...]:
        """Every active receiver."""
        ...
