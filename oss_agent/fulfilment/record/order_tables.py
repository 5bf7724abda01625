"""The rows of service orders and of the resource orders under them, and what is told of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, Named, String, Text, TypedColumns

from oss_agent.fulfilment.record.metadata import METADATA, Moment


class CounterColumns(TypedColumns):
    """The last number given out, by what is numbered; numbers are shared by all tenants."""

    name = Column(String(32), primary_key=True)
    tenant: Named[str]
    value: Named[int]


counter = sa.Table("ord_counter", METADATA, CounterColumns)


class OrderColumns(TypedColumns):
    """A service order (TMF641). ``number`` is ``id`` as an integer, for sorting.

    ``state_before`` is what it was before its cancellation was assessed: a refusal returns to it.
    ``changes`` counts the changes that were told, ``held_by`` is who put it on hold.
    ``expected_completion`` is what we promised, with the machine's own time of it where it is a
    duration from acceptance (law 9) and not a calendar's date; ``jeopardy`` are the alerts told,
    each level once; ``unpromised`` is why nothing was promised (``promises.Withheld``). ``fallout`` is what becomes of an item that fails for good, where its sender
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
    unpromised: Named[str | None] = Column(String(8))
    jeopardy = Column(sa.JSON, server_default="[]")
    held_by: Named[str | None]
    held_reason: Named[str | None] = Column(Text)
    error = Column(sa.JSON(none_as_null=True), nullable=True)
    extra = Column(sa.JSON)
    surface: Named[str | None] = Column(String(16))


order = sa.Table(
    "ord_order",
    METADATA,
    OrderColumns,
    # The truth about duplicates is in the database, not in a look before the write.
    sa.UniqueConstraint("tenant", "requester", "external_id", name="ord_order_external_id"),
    sa.UniqueConstraint("tenant", "requester", "idempotency_key", name="ord_order_key"),
    sa.Index("ord_order_tenant_state", "tenant", "state"),
)


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


cancel = sa.Table("ord_cancel", METADATA, CancelColumns)


class ItemColumns(TypedColumns):
    """An item of a service order; ``position`` counts from 1.

    ``parent`` is the position of the item that it is nested in; ``service_state`` what it wants
    the service to be (TMF638), NULL where it says nothing of it. ``claims`` are the values that an
    adopted service has already, by need. ``withdrawn``: it was taken out of its order while that was
    at work, and ends cancelled.
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
    claims = Column(sa.JSON(none_as_null=True), nullable=True)
    withdrawn: Named[bool] = Column(sa.Boolean, server_default="0")


item = sa.Table(
    "ord_item", METADATA, ItemColumns, sa.Index("ord_item_service", "service_id", "tenant")
)


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


dependency = sa.Table("ord_dependency", METADATA, DependencyColumns)


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


resource_order = sa.Table(
    "ord_resource_order",
    METADATA,
    ResourceOrderColumns,
    sa.Index("ord_resource_order_transaction", "transaction_id"),
)


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


resource_item = sa.Table("ord_resource_item", METADATA, ResourceItemColumns)


class PaceColumns(TypedColumns):
    """How long the last completed items of a specification took, step by step, in seconds."""

    tenant = Column(String(255), primary_key=True)
    specification_id = Column(String(255), primary_key=True)
    action = Column(String(16), primary_key=True)
    samples = Column(sa.JSON)


pace = sa.Table("ord_pace", METADATA, PaceColumns)


class HistoryColumns(TypedColumns):
    """What happened to an order, in sentences; append-only."""

    number = Column(Integer, primary_key=True)
    tenant: Named[str]
    order_id: Named[str] = Column(String(20), index=True)
    transaction_id: Named[str | None]
    at: Named[datetime] = Column(Moment)
    text: Named[str] = Column(Text)


history = sa.Table("ord_history", METADATA, HistoryColumns)
