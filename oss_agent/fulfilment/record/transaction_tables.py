"""The rows of device work: what each attempt meant, did and saw at every device.

A transaction belongs to one service order item; its participants and decision are kept per attempt, so
that a later attempt never overwrites what was.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, Named, String, Text, TypedColumns

from oss_agent.fulfilment.record.metadata import METADATA, Moment

_IDLE = sa.text("stage IN ('queued', 'waiting')")


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


participant = sa.Table("ord_participant", METADATA, ParticipantColumns)


class IntentColumns(TypedColumns):
    """What the service shall own in one configuration store, whether it has to change or not."""

    transaction_id: Named[str] = Column(ForeignKey("ord_transaction.id"), primary_key=True)
    device = Column(String(64), primary_key=True)
    store = Column(String(32), primary_key=True)
    tenant: Named[str]
    own = Column(sa.JSON)


intent = sa.Table("ord_intent", METADATA, IntentColumns)


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


decision = sa.Table("ord_decision", METADATA, DecisionColumns)


class ClaimColumns(TypedColumns):
    """Which pool keys a service holds, so that they can be given back; the pool has the values.

    ``transaction_id`` is who claimed it: what a modify claimed goes back when it fails.
    """

    key = Column(String(80), primary_key=True)
    tenant: Named[str]
    service_id: Named[str] = Column(String(40), index=True)
    transaction_id: Named[str | None] = Column(String(40), index=True)
    name: Named[str]


claim = sa.Table("ord_claim", METADATA, ClaimColumns)


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


evidence = sa.Table("ord_evidence", METADATA, EvidenceColumns)
