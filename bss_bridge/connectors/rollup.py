"""Adds a service's usage up by the day, for billing systems that want one call a day.

A record counts once, by its key, however often it is delivered. A day is told when it has been over
for an hour: an event of its own in the outbox, in the same unit that marks its records as told. What
comes later still is a further part of that day, so that nothing is lost and nothing told twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from bss_bridge.connectors import record, sender
from bss_bridge.events.tables import USAGE
from oss_agent import errors
from oss_agent.spi import views
from oss_agent.spi.clock import Clock
from oss_agent.spi.events import Attempt, Delivery, Event, EventKind, EventSink
from oss_agent.spi.store import Store

GRACE: Final = timedelta(hours=1)
"""After midnight, for records whose period ends in the next day and polls that come late."""
_EVERY: Final = 60.0
_GROUPS: Final = 200
"""Days closed in one unit: the writer is not held longer than that."""
_U: Final = USAGE.c
_GROUP: Final = (_U.receiver, _U.tenant, _U.service, _U.day)


def day_of(moment: datetime) -> str:
    """The UTC day, ``2026-11-21``."""
    return moment.astimezone(UTC).date().isoformat()


def count(connection: sa.Connection, receiver: str, view: views.UsageView) -> bool:
    """Count a record into the day in which its period begins. False when it is counted already."""
    known = sa.select(_U.key).where(_U.receiver == receiver, _U.key == view.key)
    if connection.execute(known).first() is not None:
        return False
    connection.execute(
        USAGE.insert().values(
            receiver=receiver,
            key=view.key,
            tenant=view.tenant,
            service=view.service,
            service_name=view.service_name,
            customer=view.customer,
            day=day_of(view.period_start),
            octets_in=view.octets_in,
            octets_out=view.octets_out,
        )
    )
    return True


def close(connection: sa.Connection, sink: EventSink, names: Sequence[str], now: datetime) -> int:
    """Tell of days that are over; how many, at most ``_GROUPS``. Marks and tells in one unit."""
    over = (_U.receiver.in_(names), _U.told.is_(None), _U.day < day_of(now - GRACE))
    sums = sa.select(
        *_GROUP,
        sa.func.max(_U.service_name).label("service_name"),
        sa.func.max(_U.customer).label("customer"),
        sa.func.sum(_U.octets_in).label("octets_in"),
        sa.func.sum(_U.octets_out).label("octets_out"),
    )
    found = (
        connection.execute(
            sums.where(*over).group_by(*_GROUP).order_by(_U.day, *_GROUP).limit(_GROUPS)
        )
        .mappings()
        .all()
    )
    for row in found:
        event = _event(_view(connection, row), now)
        sink(connection, event)
        same = [column == row[column.name] for column in _GROUP]
        connection.execute(USAGE.update().where(*same, _U.told.is_(None)).values(told=event.id))
    return len(found)


def _view(connection: sa.Connection, row: sa.RowMapping) -> record.DayView:
    same = [column == row[column.name] for column in _GROUP]
    before = sa.select(sa.func.count(sa.distinct(_U.told))).where(*same)
    # a sum of BIGINT is NUMERIC on PostgreSQL, whole all the same
    return record.DayView(
        receiver=row["receiver"],
        tenant=row["tenant"],
        service=row["service"],
        service_name=row["service_name"],
        customer=row["customer"],
        day=row["day"],
        part=connection.execute(before).scalar_one() + 1,
        octets_in=int(row["octets_in"]),
        octets_out=int(row["octets_out"]),
    )


def _event(view: record.DayView, now: datetime) -> Event:
    """Its id is from receiver, service, day and part: 42 letters, within every receiver's column."""
    whose = "\n".join((view.receiver, view.tenant, view.service, view.day, str(view.part)))
    return Event(
        id=f"usage-day-{hashlib.sha256(whose.encode()).hexdigest()[:32]}",
        kind=EventKind.USAGE_DAY,
        tenant=view.tenant,
        entity=f"usageDay:{view.service}",
        at=now,
        payload=views.as_json(view),
    )


@dataclass(frozen=True, slots=True)
class DailyReceiver:
    """``spi.events.Receiver``: a connector that is told of usage by the day."""

    inner: sender.ConnectorReceiver
    store: Store

    @property
    def id(self) -> str:
        """The connector's own."""
        return self.inner.id

    def wants(self, event: Event) -> bool:
        """Usage that is known, to count it; else what the connector wants."""
        if event.kind is not EventKind.USAGE_CREATE or event.tenant != self.inner.tenant:
            return self.inner.wants(event)
        try:
            fact = record.fact(event)
        except ValueError:
            return True  # parked by deliver, where a person sees it
        return isinstance(fact, record.Usage) and fact.view.gap is None

    async def deliver(self, event: Event) -> Attempt:
        """Count it, or tell it."""
        if event.kind is not EventKind.USAGE_CREATE:
            return await self.inner.deliver(event)
        try:
            fact = record.fact(event)
        except ValueError as bad:
            return Attempt(Delivery.PARKED, f"the event row cannot be read: {bad}")
        if not isinstance(fact, record.Usage) or fact.quantity(record.Meter.OCTETS) is None:
            return Attempt(Delivery.DONE, "nobody knows how much it was")
        view = fact.view
        new = await self.store.write(lambda c: count(c, self.id, view))
        day = day_of(view.period_start)
        return Attempt(Delivery.DONE, f"{'counted' if new else 'was counted'} into {day}")


@dataclass(frozen=True, slots=True)
class Closer:
    """Role: tells of days that are over."""

    store: Store
    sink: EventSink
    clock: Clock
    names: tuple[str, ...]

    async def run(self) -> None:
        """For ever; at once over when nobody is told by the day."""
        while self.names:
            try:
                await self.close()
            except errors.StoreUnavailable as error:
                structlog.get_logger().warning("days of usage wait", reason=str(error))
            await asyncio.sleep(_EVERY)

    async def close(self) -> None:
        """Every day that is over now."""
        now = self.clock.now()
        while await self.store.write(lambda c: close(c, self.sink, self.names, now)) == _GROUPS:
            pass
