"""Decides how what must be told to others is stored: events, and what became of each at whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, Named, String, Text, TypedColumns

from oss_agent.moment import Moment

METADATA: Final = sa.MetaData()


class State(StrEnum):
    """What became of an event at a receiver."""

    PENDING = "pending"
    PARKED = "parked"
    """refused for good: its entity waits at this receiver until a person decides"""
    DONE = "done"
    SKIPPED = "skipped"
    """given up by a person; the reason says who and why"""


# SQLite numbers rows by itself only in a column that is exactly INTEGER.
_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class EventColumns(TypedColumns):
    """``number`` is the order of appending; ``spread``: every receiver has its delivery row."""

    number = Column(_Number, primary_key=True)
    id: Named[str] = Column(String(255), unique=True)
    tenant: Named[str] = Column(String(255))
    kind: Named[str] = Column(String(64))
    entity: Named[str] = Column(String(255))
    at: Named[datetime] = Column(Moment)
    payload: Named[Any] = Column(sa.JSON)
    changed: Named[Any] = Column(sa.JSON, server_default="[]")
    spread: Named[bool]


class DeliveryColumns(TypedColumns):
    """One event at one receiver. ``entity`` is the event's, here so that one index keeps the order."""

    receiver = Column(String(255), primary_key=True)
    event = Column(_Number, sa.ForeignKey("out_event.number"), primary_key=True)
    tenant: Named[str] = Column(String(255))
    entity: Named[str] = Column(String(255))
    state: Named[str] = Column(String(16))
    attempts: Named[int]
    next_at: Named[datetime] = Column(Moment)
    changed_at: Named[datetime] = Column(Moment)
    reason: Named[str] = Column(Text)


class StopColumns(TypedColumns):
    """A receiver that is told nothing until a person acts. It has no tenant: billing serves all."""

    receiver = Column(String(255), primary_key=True)
    at: Named[datetime] = Column(Moment)
    reason: Named[str] = Column(Text)


EVENTS: Final = sa.Table("out_event", METADATA, EventColumns)
DELIVERIES: Final = sa.Table("out_delivery", METADATA, DeliveryColumns)
STOPS: Final = sa.Table("out_stop", METADATA, StopColumns)

_UNSPREAD = sa.text("NOT spread")
_OPEN = sa.text("state IN ('pending', 'parked')")
sa.Index(
    "out_event_unspread",
    EVENTS.c.number,
    sqlite_where=_UNSPREAD,
    postgresql_where=_UNSPREAD,
)
sa.Index(
    "out_delivery_open",
    DELIVERIES.c.receiver,
    DELIVERIES.c.entity,
    DELIVERIES.c.event,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
_PENDING = sa.text("state = 'pending'")
sa.Index(
    "out_delivery_next",
    DELIVERIES.c.receiver,
    DELIVERIES.c.event,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)
sa.Index("out_delivery_event", DELIVERIES.c.event)
