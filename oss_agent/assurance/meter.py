"""Acts on raw octets: keeps the samples that bills rest on and writes usage records with events.

A record closes the interval since the last kept sample of its meter point and service; sample,
record and event are one unit. When the service has left the meter point (terminated, suspended, moved)
the next poll closes its last period with what was read last while it was there. The primary key is (meter point, period start, revision), so a
poll that comes twice, or again after a crash, adds nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
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
        self._read: dict[str, Mapping[_Place, usage.Sample]] = {}
        """What each device's meter points had last: most readings close no period, and are not kept."""
        self.records = 0
        """Usage records written."""
        self.gaps = 0
        """Of those, intervals whose usage nobody knows."""

    async def take(self, sight: observe.Sight) -> None:
        """Close every interval that is due or over on the device's meter points. StoreUnavailable."""
        seen = await self._store.read(lambda connection: self._look(connection, sight))
        if seen.due or seen.left:
            written = await self._store.write(lambda connection: self._write(connection, sight))
            self.records += len(written)
            self.gaps += sum(view.gap is not None for view in written)
        before = self._read.get(sight.device, {})
        kept = {place: read for place, read in before.items() if place in seen.places}
        self._read[sight.device] = kept | {one.place: one.sample for one in seen.readings}

    def _look(self, connection: sa.Connection, sight: observe.Sight) -> _Seen:
        # Of a port in doubt the octets may be another customer's: the interval ends when a look told.
        ports = {port.name: port for port in sight.ports if port.name not in sight.unsure}
        watched = self._ledger.watched(connection, sight.device)
        readings = [
            _Reading(one, _sample(sight, port))
            for one in watched
            if (port := ports.get(one.port)) is not None
        ]
        begun = {_place(one): one for one in usage_rows.open_of(connection, sight.device)}
        places = {place for one in watched for place in _places(one)}
        anew = {place for one in watched if _came_back(connection, one) for place in _places(one)}
        return _Seen(
            readings=readings,
            due=[one for one in readings if self._is_due(connection, one, sight.at)],
            places=places,
            begun=begun,
            left=[one for place, one in begun.items() if place not in places - anew],
        )

    def _is_due(self, connection: sa.Connection, reading: _Reading, at: datetime) -> bool:
        last = _last(connection, reading.watched)
        if last is None or last.meter_point != reading.sample.meter_point:
            return True  # renamed: before it may be renamed again, its new name has a sample
        return usage.due(last, at, self._pace.interval, self._pace.early)

    def _write(self, connection: sa.Connection, sight: observe.Sight) -> Sequence[UsageView]:
        seen = self._look(connection, sight)
        records = [self._leave(connection, watched, sight.at) for watched in seen.left]
        begun = seen.begun.keys() - {_place(one) for one in seen.left}
        for reading in seen.due:
            records.append(self._close(connection, reading))
            if reading.place not in begun:
                usage_rows.begin(connection, reading.watched)
        return [record for record in records if record is not None]

    def _leave(
        self, connection: sa.Connection, watched: ledger.WatchedPort, at: datetime
    ) -> UsageView | None:
        """Tell the last period of a service that is there no more. None when all of it is told.

        Only what was read while it was there is its own; who was killed since knows no such reading.
        """
        point, service = _place(watched)
        usage_rows.end(connection, point, service)
        last = usage_rows.last_sample(connection, point, service)
        seen = self._read.get(watched.device, {}).get((point, service))
        view = None if last is None else usage.last_record(watched, last, seen, at)
        if view is None:
            return None
        if seen is not None:
            usage_rows.put_sample(connection, seen, watched)
        return self._tell(connection, view, at)

    def _close(self, connection: sa.Connection, reading: _Reading) -> UsageView | None:
        """Keep the sample; with one before it, the record between them. None without news."""
        watched, sample = reading.watched, reading.sample
        last = _last(connection, watched)
        usage_rows.put_sample(connection, sample, watched)
        if last is None:
            return None
        if last.meter_point != sample.meter_point:
            usage_rows.end(connection, last.meter_point, watched.service)
        return self._tell(connection, usage.record(watched, last, sample), sample.at)

    def _tell(self, connection: sa.Connection, view: UsageView, at: datetime) -> UsageView | None:
        if not usage_rows.put_record(connection, view, known_from=at):
            return None
        self._sink(connection, _event(view, at))
        return view


_Place: TypeAlias = "tuple[str, str]"
"""A meter point and a service."""


@dataclass(frozen=True, slots=True)
class _Reading:
    watched: ledger.WatchedPort
    sample: usage.Sample

    @property
    def place(self) -> _Place:
        """Where it was read."""
        return _place(self.watched)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device's meter points at a poll: what was read, what of it closes a period, who has left.

    ``places`` are those of now, also by the name of before; ``begun`` those where a period goes on.
    """

    readings: Sequence[_Reading]
    due: Sequence[_Reading]
    places: Collection[_Place]
    begun: Mapping[_Place, ledger.WatchedPort]
    left: Sequence[ledger.WatchedPort]


def _place(watched: ledger.WatchedPort) -> _Place:
    return usage.meter_point(watched.device, watched.port), watched.service


def _places(watched: ledger.WatchedPort) -> Iterator[_Place]:
    """Where it is metered; a port that was renamed goes on under its new name."""
    yield _place(watched)
    if watched.formerly is not None:
        yield usage.meter_point(watched.device, watched.formerly), watched.service


def _last(connection: sa.Connection, watched: ledger.WatchedPort) -> usage.Sample | None:
    """The sample that the period began with; a suspension ends it, and a resume begins another."""
    last = _newest(connection, watched)
    return None if _is_before(last, watched.resumed) else last


def _came_back(connection: sa.Connection, watched: ledger.WatchedPort) -> bool:
    """Was it suspended and resumed since its last sample?"""
    return watched.resumed is not None and _is_before(_newest(connection, watched), watched.resumed)


def _is_before(last: usage.Sample | None, resumed: datetime | None) -> bool:
    return last is not None and resumed is not None and last.at < resumed


def _newest(connection: sa.Connection, watched: ledger.WatchedPort) -> usage.Sample | None:
    """Its newest sample.

    A port that was renamed goes on counting: its last sample has the name of before. The newest of
    both counts: a port that has an old name again has older samples of that name, too.
    """
    found = (usage_rows.last_sample(connection, *place) for place in _places(watched))
    return max((one for one in found if one is not None), key=lambda one: one.at, default=None)


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
