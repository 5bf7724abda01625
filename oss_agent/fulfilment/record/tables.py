"""The rows of fulfilment, and the only metadata that holds them (prefix ``ord_``).

Resource order items own every device change. A transaction belongs to one service order item; its
participants and decision are kept per attempt, so a later attempt never overwrites what was.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, Named, String, Text, TypedColumns

from oss_agent.spi import clock

METADATA = sa.MetaData()


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC time as RFC 3339 text in milliseconds: sorts and compares alike everywhere.

    The same precision as on the wire, so that a filter on a date that we showed finds its row.
    DateTime(timezone=True) was not taken because SQLite drops the zone.
    """

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:
        """Aware datetime to text."""
        del dialect
        return None if value is None else clock.rfc3339(value.astimezone(UTC))

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        """Text to aware datetime."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


class CounterColumns(TypedColumns):
    """The last number given out, by what is numbered; numbers are shared by all tenants."""

    name = Column(String(32), primary_key=True)
    tenant: Named[str]
    value: Named[int]


class OrderColumns(TypedColumns):
    """A service order (TMF641). ``number`` is ``id`` as an integer, for sorting.

    ``state_before`` is what it was before its cancellation was assessed: a refusal returns to it.
    ``changes`` counts the changes that were told, ``held_by`` is who put it on hold.
    ``expected_completion`` is what we promised, with the machine's own time of it where it is a
    duration from acceptance (law 9) and not a calendar's date; ``jeopardy`` are the alerts told,
    each level once. ``fallout`` is what becomes of an item that fails for good, where its sender
    said so; ``undone_by`` is the order of ours that undoes it. ``surface`` is the API that made it
    of a request of its own, where that API shows it by a monitor.
    """

    id = Column(String(20), primary_key=True)
    number: Named[int] = Column(Integer, unique=True)
    tenant: Named[str]
    requester: Named[str]
    external_id: Named[str | None]
    idempotency_key: Named[str | None]
    body_digest: Named[str]
    state: Named[str]
    description: Named[str | None] = Column(Text)
    category: Named[str | None]
    priority: Named[str | None]
    requested_start: Named[datetime | None] = Column(Moment)
    requested_completion: Named[datetime | None] = Column(Moment)
    order_date: Named[datetime] = Column(Moment)
    start_date: Named[datetime | None] = Column(Moment)
    completion_date: Named[datetime | None] = Column(Moment)
    cancel_requested: Named[bool]
    state_before: Named[str | None]
    changes: Named[int] = Column(Integer, server_default="0")
    fallout: Named[str | None] = Column(String(8))
    undone_by: Named[str | None] = Column(String(20), index=True)
    cancellation_date: Named[datetime | None] = Column(Moment)
    cancellation_reason: Named[str | None] = Column(Text)
    expected_completion: Named[datetime | None] = Column(Moment)
    expected_boot_id: Named[str | None]
    expected_boot: Named[float | None]
    jeopardy = Column(sa.JSON, server_default="[]")
    held_by: Named[str | None]
    held_reason: Named[str | None] = Column(Text)
    error = Column(sa.JSON(none_as_null=True), nullable=True)
    extra = Column(sa.JSON)
    surface: Named[str | None] = Column(String(16))


class CancelColumns(TypedColumns):
    """The task that cancels an order (TMF641 cancelServiceOrder)."""

    id = Column(String(20), primary_key=True)
    number: Named[int] = Column(Integer, unique=True)
    tenant: Named[str]
    order_id: Named[str] = Column(ForeignKey("ord_order.id"), index=True)
    state: Named[str] = Column(String(20), index=True)
    asked_by: Named[str]
    asked_at: Named[datetime] = Column(Moment)
    reason: Named[str | None] = Column(Text)
    requested: Named[datetime | None] = Column(Moment)
    effective: Named[datetime | None] = Column(Moment)
    message: Named[str | None] = Column(Text)
    error = Column(sa.JSON(none_as_null=True), nullable=True)
    extra = Column(sa.JSON)


class ItemColumns(TypedColumns):
    """An item of a service order; ``position`` counts from 1.

    ``parent`` is the position of the item that it is nested in; ``service_state`` what it wants
    the service to be (TMF638), NULL where it says nothing of it.
    """

    order_id: Named[str] = Column(ForeignKey("ord_order.id"), primary_key=True)
    position = Column(Integer, primary_key=True, autoincrement=False)
    tenant: Named[str]
    item_id: Named[str]
    action: Named[str]
    state: Named[str]
    specification_id: Named[str]
    specification_version: Named[str]
    specification_name: Named[str]
    service_id: Named[str]
    service_name: Named[str]
    characteristics = Column(sa.JSON)
    error = Column(sa.JSON(none_as_null=True), nullable=True)
    milestones = Column(sa.JSON)
    extra = Column(sa.JSON)
    path: Named[str]
    parent: Named[int | None]
    service_state: Named[str | None] = Column(String(20))


class DependencyColumns(TypedColumns):
    """An item begins only when another item, or a whole order, is completed.

    ``on_position`` 0 means all of ``on_order``. ``waived``: it failed, and a person said that what
    comes after it goes on all the same.
    """

    order_id: Named[str] = Column(ForeignKey("ord_order.id"), primary_key=True)
    position = Column(Integer, primary_key=True, autoincrement=False)
    on_order: Named[str] = Column(String(20), primary_key=True, index=True)
    on_position = Column(Integer, primary_key=True, autoincrement=False)
    tenant: Named[str]
    waived: Named[bool] = Column(sa.Boolean, server_default="0")


class ResourceOrderColumns(TypedColumns):
    """A resource order (TMF652): one per device change of a transaction."""

    id = Column(String(20), primary_key=True)
    number: Named[int] = Column(Integer, unique=True)
    tenant: Named[str]
    order_id: Named[str] = Column(ForeignKey("ord_order.id"))
    transaction_id: Named[str]
    state: Named[str]
    order_date: Named[datetime] = Column(Moment)
    completion_date: Named[datetime | None] = Column(Moment)


class ResourceItemColumns(TypedColumns):
    """An item of a resource order: exactly one device change, with its native text both ways."""

    resource_order_id: Named[str] = Column(ForeignKey("ord_resource_order.id"), primary_key=True)
    position = Column(Integer, primary_key=True, autoincrement=False)
    tenant: Named[str]
    device: Named[str]
    rfs: Named[str]
    action: Named[str]
    state: Named[str]
    change: Named[str] = Column(Text)
    reverse: Named[str] = Column(Text)


class TransactionColumns(TypedColumns):
    """The device work of one service order item. ``accepted`` orders the queues.

    ``deadline`` is when waiting for ``deadline_of`` (a device, a lease) ends in failure; ``faults``
    counts how often the agent itself failed at it in a row. ``wait_until`` is the calendar's date
    before which its wait does not end (a start date, a window), where there is one. ``stale`` is the
    attempt that works on what its item does not ask for any more.
    """

    id = Column(String(40), primary_key=True)
    tenant: Named[str]
    order_id: Named[str] = Column(ForeignKey("ord_order.id"))
    position: Named[int]
    accepted: Named[int] = Column(Integer, unique=True)
    stage: Named[str] = Column(String(16), index=True)
    run: Named[int]
    attempt: Named[int]
    token: Named[int]
    tries: Named[int]
    touched_at: Named[datetime] = Column(Moment)
    wait_reason: Named[str | None] = Column(Text)
    wait_since: Named[datetime | None] = Column(Moment)
    wake_at: Named[datetime | None] = Column(Moment)
    wait_who: Named[str | None] = Column(Text)
    wait_kind: Named[str | None] = Column(String(16))
    wait_until: Named[datetime | None] = Column(Moment)
    deadline: Named[datetime | None] = Column(Moment)
    deadline_of: Named[str | None]
    faults: Named[int] = Column(Integer, server_default="0")
    design = Column(sa.JSON(none_as_null=True), nullable=True)
    hash: Named[str | None]
    approved: Named[str | None] = Column(String(64))
    by_hand: Named[str | None] = Column(String(8))
    leader: Named[str | None] = Column(String(40), index=True)
    group_limit: Named[int | None]
    stale: Named[int | None]
    closed_at: Named[datetime | None] = Column(Moment)


class ParticipantColumns(TypedColumns):
    """One configuration store's part in one attempt.

    ``persist`` is what the device knows our commit by, ``sent`` whether a commit of ours may have
    reached it, ``confirmed`` whether the device said ok to our confirmation, ``pushed`` whether it
    was changed again after the decision.
    """

    transaction_id: Named[str] = Column(ForeignKey("ord_transaction.id"), primary_key=True)
    attempt = Column(Integer, primary_key=True, autoincrement=False)
    device = Column(String(64), primary_key=True)
    store = Column(String(32), primary_key=True, server_default="")
    tenant: Named[str]
    platform: Named[str]
    state: Named[str]
    since: Named[datetime] = Column(Moment)
    token: Named[int]
    persist: Named[str]
    before = Column(sa.JSON)
    target = Column(sa.JSON)
    roots = Column(sa.JSON)
    snapshot: Named[str] = Column(Text)
    snapshot_digest: Named[str]
    rung: Named[str | None]
    sent: Named[bool] = Column(sa.Boolean, server_default="0")
    confirmed: Named[bool] = Column(sa.Boolean, server_default="0")
    pushed: Named[bool] = Column(sa.Boolean, server_default="0")
    deadline: Named[datetime | None] = Column(Moment)
    deadline_boot_id: Named[str | None]
    deadline_boot: Named[float | None]
    cause: Named[str | None]
    reason: Named[str] = Column(Text)
    who: Named[str] = Column(Text)
    outcome: Named[str] = Column(Text)


class IntentColumns(TypedColumns):
    """What the service shall own in one configuration store, whether it has to change or not."""

    transaction_id: Named[str] = Column(ForeignKey("ord_transaction.id"), primary_key=True)
    device = Column(String(64), primary_key=True)
    store = Column(String(32), primary_key=True)
    tenant: Named[str]
    own = Column(sa.JSON)


class DecisionColumns(TypedColumns):
    """The one durable decision of an attempt: commit or abort, and why."""

    transaction_id: Named[str] = Column(ForeignKey("ord_transaction.id"), primary_key=True)
    attempt = Column(Integer, primary_key=True, autoincrement=False)
    tenant: Named[str]
    verdict: Named[str]
    cause: Named[str]
    reason: Named[str] = Column(Text)
    culprit: Named[str | None]
    who: Named[str] = Column(Text)
    token: Named[int]
    at: Named[datetime] = Column(Moment)


class LeaseColumns(TypedColumns):
    """Who may change a device now; ends by settling, never by time."""

    device = Column(String(64), primary_key=True)
    tenant: Named[str]
    transaction_id: Named[str] = Column(String(40), index=True)
    token: Named[int]
    since: Named[datetime] = Column(Moment)


class QueueColumns(TypedColumns):
    """Who waits for a device's lease; ``accepted`` is the place in the queue."""

    device = Column(String(64), primary_key=True)
    transaction_id = Column(String(40), primary_key=True)
    tenant: Named[str]
    accepted: Named[int]
    since: Named[datetime] = Column(Moment)


class ClaimColumns(TypedColumns):
    """Which pool keys a service holds, so that they can be given back; the pool has the values.

    ``transaction_id`` is who claimed it: what a modify claimed goes back when it fails.
    """

    key = Column(String(80), primary_key=True)
    tenant: Named[str]
    service_id: Named[str] = Column(String(40), index=True)
    transaction_id: Named[str | None] = Column(String(40), index=True)
    name: Named[str]


class EvidenceColumns(TypedColumns):
    """One judged predicate, kept with the order for ever.

    ``service_id`` names the neighbour whose predicate it is; NULL for the order's own service. Its
    ``stage`` is ``baseline`` before the first commit and ``held`` inside the window, ``test`` of a
    service test, whose id stands for the transaction's; ``about`` is
    what the predicate asks, as text, so that the two can be compared. ``tenant`` is whose it is.
    """

    number = Column(Integer, primary_key=True)
    tenant: Named[str]
    transaction_id: Named[str] = Column(String(40), index=True)
    attempt: Named[int]
    service_id: Named[str | None] = Column(String(40))
    stage: Named[str] = Column(String(16), server_default="held")
    about: Named[str] = Column(Text, server_default="")
    kind: Named[str]
    device: Named[str]
    outcome: Named[str]
    reason: Named[str] = Column(Text)
    at: Named[datetime] = Column(Moment)
    values_seen = Column(sa.JSON)
    transcript: Named[str] = Column(Text)
    digest: Named[str]


class StopColumns(TypedColumns):
    """What keeps writes from the network; a lifted one stays as a record."""

    number = Column(Integer, primary_key=True)
    tenant: Named[str]
    scope: Named[str] = Column(String(16))
    name: Named[str]
    reason: Named[str] = Column(Text)
    cause: Named[str] = Column(String(16))
    set_by: Named[str]
    begins: Named[datetime] = Column(Moment)
    ends: Named[datetime | None] = Column(Moment)
    lifted_at: Named[datetime | None] = Column(Moment)
    lifted_by: Named[str | None]


class PaceColumns(TypedColumns):
    """How long the last completed items of a specification took, step by step, in seconds."""

    tenant = Column(String(255), primary_key=True)
    specification_id = Column(String(255), primary_key=True)
    action = Column(String(16), primary_key=True)
    samples = Column(sa.JSON)


class PlanColumns(TypedColumns):
    """The native text of a plan by its hash, so that two plans can be shown side by side."""

    tenant = Column(String(255), primary_key=True)
    hash = Column(String(64), primary_key=True)
    at: Named[datetime] = Column(Moment)
    natives = Column(sa.JSON)


class HistoryColumns(TypedColumns):
    """What happened to an order, in sentences; append-only."""

    number = Column(Integer, primary_key=True)
    tenant: Named[str]
    order_id: Named[str] = Column(String(20), index=True)
    transaction_id: Named[str | None]
    at: Named[datetime] = Column(Moment)
    text: Named[str] = Column(Text)


counter = sa.Table("ord_counter", METADATA, CounterColumns)
order = sa.Table(
    "ord_order",
    METADATA,
    OrderColumns,
    # The truth about duplicates is in the database, not in a look before the write.
    sa.UniqueConstraint("tenant", "requester", "external_id", name="ord_order_external_id"),
    sa.UniqueConstraint("tenant", "requester", "idempotency_key", name="ord_order_key"),
    sa.Index("ord_order_tenant_state", "tenant", "state"),
)
cancel = sa.Table("ord_cancel", METADATA, CancelColumns)
item = sa.Table(
    "ord_item", METADATA, ItemColumns, sa.Index("ord_item_service", "service_id", "tenant")
)
dependency = sa.Table("ord_dependency", METADATA, DependencyColumns)
resource_order = sa.Table(
    "ord_resource_order",
    METADATA,
    ResourceOrderColumns,
    sa.Index("ord_resource_order_transaction", "transaction_id"),
)
resource_item = sa.Table("ord_resource_item", METADATA, ResourceItemColumns)
_IDLE = sa.text("stage IN ('queued', 'waiting')")
transaction = sa.Table(
    "ord_transaction",
    METADATA,
    TransactionColumns,
    sa.Index("ord_transaction_order", "order_id", "position"),
    sa.Index(
        "ord_transaction_idle",
        "tenant",
        "accepted",
        sqlite_where=_IDLE,
        postgresql_where=_IDLE,
    ),
)
participant = sa.Table("ord_participant", METADATA, ParticipantColumns)
intent = sa.Table("ord_intent", METADATA, IntentColumns)
decision = sa.Table("ord_decision", METADATA, DecisionColumns)
lease = sa.Table("ord_lease", METADATA, LeaseColumns)
queue = sa.Table("ord_lease_queue", METADATA, QueueColumns)
claim = sa.Table("ord_claim", METADATA, ClaimColumns)
evidence = sa.Table("ord_evidence", METADATA, EvidenceColumns)
stop = sa.Table("ord_stop", METADATA, StopColumns)
pace = sa.Table("ord_pace", METADATA, PaceColumns)
plan = sa.Table("ord_plan", METADATA, PlanColumns)
history = sa.Table("ord_history", METADATA, HistoryColumns)
