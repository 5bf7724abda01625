"""What is shown of service orders, their items and the tasks that cancel them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from oss_agent.spi.views.services import ServiceState, SpecificationRef


class OrderState(StrEnum):
    """TMF641/652 order and item states (v4)."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"
    ASSESSING_CANCELLATION = "assessingCancellation"
    PENDING_CANCELLATION = "pendingCancellation"

    @property
    def final(self) -> bool:
        """No transition leaves a final state."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderState.REJECTED,
        OrderState.CANCELLED,
        OrderState.COMPLETED,
        OrderState.FAILED,
        OrderState.PARTIAL,
    }
)


class TaskState(StrEnum):
    """States of a task (TMF622, TMF652); TMF641 v4.1 writes ``accepted`` for the first."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    DONE = "done"
    TERMINATED = "terminatedWithError"

    @property
    def final(self) -> bool:
        """No transition leaves a final state."""
        return self in {TaskState.DONE, TaskState.TERMINATED}


class ItemAction(StrEnum):
    """TMF641 item actions."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    NO_CHANGE = "noChange"


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorView:
    """TMF641 errorMessage: a stable code, a sentence for people, what it refers to."""

    code: str
    reason: str
    message: str
    at: datetime
    reference: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class WaitView:
    """Why something does not move: reason, since when, until when at the latest, who can help."""

    reason: str
    since: datetime
    wake_at: datetime | None
    who: str


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceView:
    """One judged predicate, kept with the order: what, verdict, when, raw transcript, digest."""

    kind: str
    device: str
    outcome: str
    reason: str
    at: datetime
    values: Mapping[str, Any]
    transcript: str
    digest: str


class Jeopardy(StrEnum):
    """TMF641 jeopardyType: how sure it is that a date will not be kept."""

    NORMAL = "Normal"
    """it can be kept, unless the rest takes long"""
    HAZARD = "Hazard"
    """it will not be kept, unless the rest is quicker than usual"""
    CRITICAL = "Critical"
    """it cannot be kept any more"""


@dataclasses.dataclass(frozen=True, slots=True)
class JeopardyView:
    """TMF641 jeopardyAlert: which date is in danger (``name``), why, and by which items.

    ``exception`` is what stands in the way, "" when it only takes long.
    """

    level: Jeopardy
    name: str
    exception: str
    message: str
    at: datetime
    items: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class OrderItemView:
    """One item of a service order.

    ``parent`` is the id of the item that it is nested in, ``service_state`` what it wants its
    service to be.
    """

    id: str
    action: ItemAction
    state: OrderState
    specification: SpecificationRef
    service_id: str
    service_name: str
    characteristics: Mapping[str, Any]
    error: ErrorView | None = None
    wait: WaitView | None = None
    transaction: str | None = None
    resource_orders: tuple[str, ...] = ()
    milestones: tuple[tuple[str, datetime], ...] = ()
    evidence: tuple[EvidenceView, ...] = ()
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    parent: str | None = None
    service_state: ServiceState | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceOrderView:
    """A service order as TMF641 shows it; ``expected_completion`` is what we promised.

    ``adoption``: it makes a service of what is there already, and sends nothing.
    """

    id: str
    tenant: str
    state: OrderState
    order_date: datetime
    requester: str
    items: tuple[OrderItemView, ...]
    external_id: str | None = None
    description: str | None = None
    category: str | None = None
    priority: str | None = None
    requested_start: datetime | None = None
    requested_completion: datetime | None = None
    start_date: datetime | None = None
    completion_date: datetime | None = None
    error: ErrorView | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    cancellation_date: datetime | None = None
    cancellation_reason: str | None = None
    expected_completion: datetime | None = None
    jeopardy: tuple[JeopardyView, ...] = ()
    adoption: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class CancelView:
    """The task that cancels an order (TMF641 cancelServiceOrder).

    ``effective`` is when the order was cancelled, ``message`` what came of it in words.
    """

    id: str
    tenant: str
    state: TaskState
    order: str
    asked_by: str
    asked_at: datetime
    reason: str | None = None
    requested: datetime | None = None
    effective: datetime | None = None
    message: str | None = None
    error: ErrorView | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
