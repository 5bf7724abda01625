"""What surfaces show: frozen, JSON-able views of orders, services, resources, alarms, usage.

``as_json`` gives the form that event rows store; pydantic's TypeAdapter(View) reads it back in the
bridge. Times are aware UTC. Attributes of a sender that we do not model ride in ``extra`` and are
given back as they came.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from oss_agent.spi.clock import rfc3339


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


@dataclasses.dataclass(frozen=True, slots=True)
class SpecificationRef:
    """A catalogue specification: id, version and name."""

    id: str
    version: str
    name: str


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
    """A service order as TMF641 shows it; ``expected_completion`` is what we promised."""

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


@dataclasses.dataclass(frozen=True, slots=True)
class ParticipantView:
    """One device's part in a transaction, for explain: journal state and when."""

    device: str
    state: str
    since: datetime
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to 'what is this order waiting for?': one sentence first, facts after.

    ``promise`` says whether what was promised will be kept; "" when nothing was.
    """

    order: str
    state: OrderState
    sentence: str
    waits: tuple[tuple[str, WaitView], ...]
    participants: tuple[ParticipantView, ...]
    history: tuple[tuple[datetime, str], ...]
    promise: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceDiff:
    """What a plan does to one configuration store of a device: native text forward and reverse.

    Both texts are "" where nothing changes. ``reversibility`` says in words what takes the change
    back there; ``paths`` are the nodes the service owns there then. ``by_hand`` are the edits by hand
    in the service's part and what becomes of each, in words.
    """

    device: str
    platform: str
    reversibility: str
    diff: str
    reverse: str
    paths: tuple[str, ...]
    store: str = ""
    by_hand: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class NeighbourView:
    """Another service on a device that a plan changes; ``paths`` are the nodes both own.

    A service of another tenant has neither id nor customer here.
    """

    device: str
    service: str
    service_name: str
    customer: str
    paths: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class DryRun:
    """What an order would do; claims nothing.

    ``hash`` is SHA-256 hex over the native edits only. ``claims`` are (pool, value, note) where a
    value is marked 'likely' because a dry-run reserves nothing. ``touches`` are other services on
    the same nodes, ``neighbours`` those on the same devices. ``predicates`` say what will be proven.
    ``expected_seconds`` is the median of the last changes on these devices, None without history.
    """

    item: str
    service_name: str
    changes: bool
    devices: tuple[DeviceDiff, ...]
    claims: tuple[tuple[str, str, str], ...]
    ports: tuple[str, ...]
    touches: tuple[str, ...]
    predicates: tuple[str, ...]
    hash: str
    neighbours: tuple[NeighbourView, ...] = ()
    expected_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class PlanView:
    """The plan of one item of an order, for whoever approves it.

    ``hash`` is what it came to the last time it was planned, ``approved`` what a person approved;
    ``natives`` is the text per participant (``pe1``, ``pe1/vtysh``) while it is remembered, and
    ``difference`` a unified diff from the approved plan to this one ("" when there is none).
    """

    item: str
    hash: str | None
    approved: str | None
    waits: bool
    natives: Mapping[str, str]
    difference: str


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


@dataclasses.dataclass(frozen=True, slots=True)
class InterfaceView:
    """A port of a device: stable name, the current ifIndex as a handle, last seen status.

    ``place`` is slot and port in its chassis; ``formerly`` what it was called before it was renamed;
    ``missing_since``: the device does not show it any more.
    """

    device: str
    name: str
    index: int | None
    admin_status: str
    oper_status: str
    speed: int | None
    mac: str | None
    description: str
    services: tuple[str, ...] = ()
    place: str | None = None
    formerly: tuple[str, ...] = ()
    missing_since: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class LogicalView:
    """What a device says it has by name: ``kind`` is vlan, vrf, bgp-neighbour or ospf-neighbour."""

    kind: str
    name: str
    attributes: Mapping[str, Any]
    since: datetime


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceView:
    """A device: identity, platform, trust, reachability, what discovery found."""

    id: str
    tenant: str
    name: str
    platform: str
    address: str
    role: str
    site: str
    trusted: bool
    fingerprints: tuple[str, ...]
    managed: bool
    serial: str | None
    description: str | None
    last_seen: datetime | None
    unreachable_since: datetime | None
    reason: str
    interfaces: tuple[InterfaceView, ...] = ()
    logical: tuple[LogicalView, ...] = ()


class Confidence(StrEnum):
    """How sure a link is."""

    AGREED = "agreed"
    """each end hears the other"""
    ONE_SIDED = "one-sided"
    """one end hears the other, which says nothing else"""
    CONTRADICTORY = "contradictory"
    """one end hears the other, which hears somebody else there"""
    STALE = "stale"
    """it was heard, and is not any more; or who heard it does not answer"""
    DECLARED = "declared"
    """a file says so, no device does"""


@dataclasses.dataclass(frozen=True, slots=True)
class WitnessView:
    """What one end of a link said of the other; ``how`` it was recognised, in words.

    ``missed``: its last reading did not have it any more.
    """

    device: str
    port: str
    protocol: str
    chassis: str
    port_id: str
    system_name: str
    how: str
    last_heard: datetime
    missed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class LinkView:
    """A link with its evidence: both ends agree, one-sided, declared by a topology file.

    ``reason`` says why it is not surer, "" when nothing is amiss. A link between bundles has its
    ``members``, whose ends are the ports in them. The device of an end that is not managed is its
    chassis id (it has a colon), ``neighbour`` what that end calls itself.
    """

    a_device: str
    a_port: str
    z_device: str
    z_port: str
    evidence: str
    last_seen: datetime
    confidence: Confidence = Confidence.DECLARED
    reason: str = ""
    since: datetime | None = None
    witnesses: tuple[WitnessView, ...] = ()
    members: tuple[LinkView, ...] = ()
    neighbour: str = ""


class Severity(StrEnum):
    """X.733 8.1.2.3 perceived severity."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"
    INDETERMINATE = "indeterminate"
    CLEARED = "cleared"


@dataclasses.dataclass(frozen=True, slots=True)
class AlarmView:
    """An alarm as TMF642 shows it; key = (alarmed object, alarm type, probable cause)."""

    id: str
    tenant: str
    state: str
    alarm_type: str
    probable_cause: str
    specific_problem: str
    severity: Severity
    alarmed_object: str
    alarmed_object_type: str
    raised_at: datetime
    changed_at: datetime
    cleared_at: datetime | None
    is_root_cause: bool
    service_affecting: bool
    affected_services: tuple[str, ...]
    evidence: tuple[str, ...]
    count: int
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class UsageView:
    """One usage record: integer octets of one meter point over one period, with its two samples.

    ``octets_in`` and ``octets_out`` are None when the interval is unknown (gap): never zero, never
    interpolated. ``key`` is the idempotency key from (meter point, period, revision).
    """

    key: str
    tenant: str
    service: str
    service_name: str
    customer: str
    meter_point: str
    period_start: datetime
    period_end: datetime
    revision: int
    octets_in: int | None
    octets_out: int | None
    gap: str | None
    samples: tuple[str, str]
    correction_of: str | None = None


def as_json(view: Any) -> Any:
    """A view as plain JSON types: tuples become lists, times RFC 3339 with Z, enums their value."""
    if dataclasses.is_dataclass(view) and not isinstance(view, type):
        return {f.name: as_json(getattr(view, f.name)) for f in dataclasses.fields(view)}
    if isinstance(view, Mapping):
        return {str(k): as_json(v) for k, v in view.items()}
    if isinstance(view, list | tuple):
        return [as_json(v) for v in view]
    if isinstance(view, datetime):
        return rfc3339(view)
    if isinstance(view, date):
        return view.isoformat()
    return view.value if isinstance(view, StrEnum) else view
