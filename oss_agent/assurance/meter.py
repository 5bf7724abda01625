"""Acts on raw octets: keeps the samples that bills rest on and writes usage records with events.

A record closes the interval since the last kept sample of its meter point and service; sample,
record and event are one unit. The primary key is (meter point, period start, revision), so a
poll that comes twice, or again after a crash, adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib import parse

import sqlalchemy as sa

from oss_agent.assurance import observe, port_table, usage, usage_rows
from oss_agent.spi import events, ledger, store
from oss_agent.spi.views import UsageView, as_json


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a usage record is, and how much before its end a poll may close it."""

    interval: timedelta = timedelta(minutes=5)
    early: timedelta = timedelta(seconds=15)


class Meter:
    """Turns polls into usage records of active services."""

    def __init__(
        self,
        rows: store.Store,
        inventory: ledger.Ledger,
        sink: events.EventSink,
        pace: Pace,
    ) -> None:
        self._store = rows
        self._ledger = inventory
        self._sink = sink
        self._pace = pace
        self.records = 0
        """Usage records written."""
        self.gaps = 0
        """Of those, intervals whose usage nobody knows."""

    async def take(self, sight: observe.Sight) -> None:
        """Close every interval that is due on the device's meter points. StoreUnavailable."""
        due = await self._store.read(lambda connection: self._due(connection, sight))
        if not due:
            return
        written = await self._store.write(lambda connection: self._write(connection, sight))
        self.records += len(written)
        self.gaps += sum(view.gap is not None for view in written)

    def _due(self, connection: sa.Connection, sight: observe.Sight) -> Sequence[_Reading]:
        ports = {port.name: port for port in sight.ports}
        found = [
            _Reading(watched, _sample(sight, port))
            for watched in self._ledger.watched(connection, sight.device)
            if (port := ports.get(watched.port)) is not None
        ]
        return [reading for reading in found if self._is_due(connection, reading, sight.at)]

    def _is_due(self, connection: sa.Connection, reading: _Reading, at: datetime) -> bool:
        last = _last(connection, reading)
        if last is None or last.meter_point != reading.sample.meter_point:
            return True  # renamed: before it may be renamed again, its new name has a sample
        return usage.due(last, at, self._pace.interval, self._pace.early)

    def _write(self, connection: sa.Connection, sight: observe.Sight) -> Sequence[UsageView]:
        records = (self._close(connection, reading) for reading in self._due(connection, sight))
        return [record for record in records if record is not None]

    def _close(self, connection: sa.Connection, reading: _Reading) -> UsageView | None:
        """Keep the sample; with one before it, the record between them. None without news."""
        watched, sample = reading.watched, reading.sample
        last = _last(connection, reading)
        usage_rows.put_sample(connection, sample, watched)
        if last is None:
            return None
        view = usage.record(watched, last, sample)
        if not usage_rows.put_record(connection, view, known_from=sample.at):
            return None
        self._sink(connection, _event(view, sample.at))
        return view


@dataclass(frozen=True, slots=True)
class _Reading:
    watched: ledger.WatchedPort
    sample: usage.Sample


def _last(connection: sa.Connection, reading: _Reading) -> usage.Sample | None:
    """The sample that the period began with; a suspension ends it, and a resume begins another.

    A port that was renamed goes on counting: its last sample has the name of before. The newest of
    both counts: a port that has an old name again has older samples of that name, too.
    """
    watched = reading.watched
    last = usage_rows.last_sample(connection, reading.sample.meter_point, watched.service)
    if watched.formerly is not None:
        point = usage.meter_point(watched.device, watched.formerly)
        before = usage_rows.last_sample(connection, point, watched.service)
        if before is not None and (last is None or last.at < before.at):
            last = before
    earlier = last is not None and watched.resumed is not None and last.at < watched.resumed
    return None if earlier else last


def _sample(sight: observe.Sight, port: port_table.Port) -> usage.Sample:
    return usage.Sample(
        meter_point=usage.meter_point(sight.device, port.name),
        at=sight.at,
        uptime=sight.uptime,
        discontinuity=port.discontinuity,
        octets_in=port.octets_in,
        octets_out=port.octets_out,
    )


def _event(view: UsageView, at: datetime) -> events.Event:
    return events.Event(
        id=f"usage-{parse.quote(view.key, safe=':/')}",  # it becomes a header's value
        kind=events.EventKind.USAGE_CREATE,
        tenant=view.tenant,
        entity=f"usage:{view.meter_point}",
        at=at,
        payload=as_json(view),
    )
