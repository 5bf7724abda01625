"""Acts on raw octets: keeps the samples that bills rest on and writes usage records with events.

A record closes the period since the sample that it began with; sample, record and event are one unit.
When the service has left the meter point (terminated, suspended, moved) the next poll closes its last
period with what was read last while it was there; where no poll comes any more, ``away`` does. The
primary key is (meter point, period start, revision), so a poll that comes twice, or again after a
crash, adds nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib import parse

import sqlalchemy as sa

from oss_agent.assurance import observe, periods, port_table, usage, usage_rows, withheld
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
        self._read: dict[str, Mapping[periods.Place, usage.Sample]] = {}
        """What each device's meter points had last: most readings close no period, and are not kept."""
        self._notice = withheld.Notice(inventory)
        self.records = 0
        """Usage records written."""
        self.gaps = 0
        """Of those, intervals whose usage nobody knows."""

    async def take(self, sight: observe.Sight) -> None:
        """Close every interval that is due or over on the device's meter points. StoreUnavailable."""
        seen = await self._store.read(lambda connection: self._look(connection, sight))
        if seen.due or seen.over:
            self._count(await self._store.write(lambda c: self._write(c, sight)))
        before = self._read.get(sight.device, {})
        kept = {place: read for place, read in before.items() if place in seen.places}
        # A poll may lack a port's octets: what was read before it is still what was read last.
        now = {one.place: one.sample for one in seen.readings if not one.sample.unread}
        self._read[sight.device] = kept | now
        missing = self._unmetered(sight, seen)
        await self._notice.tell(self._store, sight.device, missing, sight.held, sight.at)

    async def away(self, polled: Collection[str], silent: Collection[str], at: datetime) -> None:
        """Tell what nobody else does, of devices that are not ``polled`` or are ``silent``.

        The last periods of services that left; and of devices that are not polled what was read last
        and not told yet. Should they be polled again, the period goes on from there. StoreUnavailable.
        """
        begun = await self._store.read(usage_rows.devices)
        for device in sorted(begun & set(silent)):
            await self._settle(device, at, rest=False)
        for device in sorted((begun | self._notice.devices()) - set(polled)):
            missing = await self._settle(device, at, rest=True)
            await self._notice.tell(self._store, device, missing, (), at)
        for device in self._read.keys() - set(polled):
            del self._read[device]

    async def _settle(self, device: str, at: datetime, *, rest: bool) -> Sequence[ledger.Withheld]:
        """Close what is over on a device without a poll, and with ``rest`` what goes on, as it was read."""

        def unit(connection: sa.Connection) -> Sequence[UsageView]:
            now = self._sort(connection, device, at)
            over = [self._leave(connection, period, at) for period in now.over]
            read = [self._rest(connection, one, at) for one in now.on.values() if rest]
            return [view for view in (*over, *read) if view is not None]

        now = await self._store.read(lambda connection: self._sort(connection, device, at))
        unread = rest and any(self._later(period) for period in now.on.values())
        if now.over or unread:
            self._count(await self._store.write(unit))
            now = await self._store.read(lambda connection: self._sort(connection, device, at))
        return [withheld.unpolled(period) for period in now.on.values()]

    def _sort(self, connection: sa.Connection, device: str, at: datetime) -> periods.Sorted:
        watched = self._ledger.watched(connection, device)
        return periods.sort(watched, usage_rows.begun(connection, device), at)

    def _look(self, connection: sa.Connection, sight: observe.Sight) -> _Seen:
        # Of a port in doubt the octets may be another customer's: the interval ends when a look told.
        ports = {port.name: port for port in sight.ports if port.name not in sight.unsure}
        watched = self._ledger.watched(connection, sight.device)
        now = periods.sort(watched, usage_rows.begun(connection, sight.device), sight.at)
        readings = [
            _Reading(one, _sample(sight, port), now.on.get(periods.place(one)))
            for one in watched
            if (port := ports.get(one.port)) is not None and periods.counts(one, sight.at, sight.at)
        ]
        return _Seen(
            watched=watched,
            readings=readings,
            due=[one for one in readings if self._is_due(one)],
            on=now.on,
            over=now.over,
        )

    def _is_due(self, reading: _Reading) -> bool:
        period, sample = reading.period, reading.sample
        if period is None or period.first.meter_point != sample.meter_point:
            return True  # renamed: before it may be renamed again, its new name has a sample
        pace = self._pace
        return usage.due(period.first, sample, pace.interval, pace.early) or usage.broken(
            period.first, self._last(period), sample, pace.interval
        )

    def _last(self, period: periods.Period) -> usage.Sample | None:
        return self._read.get(period.whose.device, {}).get(period.place)

    def _later(self, period: periods.Period) -> usage.Sample | None:
        """What was read last, if that is later than the period's first sample."""
        last = self._last(period)
        return last if last is not None and last.at > period.first.at else None

    def _write(self, connection: sa.Connection, sight: observe.Sight) -> Sequence[UsageView]:
        seen = self._look(connection, sight)
        told = [self._leave(connection, period, sight.at) for period in seen.over]
        for reading in seen.due:  # two ports may have exchanged their names: first all end
            if reading.period is not None and reading.period.place != reading.place:
                usage_rows.end(connection, reading.period.place)
        for reading in seen.due:
            told += self._close(connection, reading)
        return [view for view in told if view is not None]

    def _leave(
        self, connection: sa.Connection, period: periods.Period, at: datetime
    ) -> UsageView | None:
        """Tell the last period of a service that is there no more. None when all of it is told.

        Only what was read while it was there is its own; who was killed since knows no such reading.
        """
        usage_rows.end(connection, period.place)
        seen, whose = self._last(period), period.whose
        gone = self._ledger.left(
            connection,
            device=whose.device,
            port=whose.port,
            service=whose.service,
            after=period.first.at,
        )
        left = at if gone is None else min(gone, at)
        view = usage.last_record(whose, period.first, seen, left)
        if view is None:
            return None
        if seen is not None:
            usage_rows.put_sample(connection, seen, whose)
        return self._tell(connection, view, at)

    def _rest(
        self, connection: sa.Connection, period: periods.Period, at: datetime
    ) -> UsageView | None:
        """Tell what was read last of a period that goes on: nobody knows when the next reading comes."""
        seen = self._later(period)
        if seen is None:
            return None
        usage_rows.begin(connection, period.whose, seen)
        return self._tell(connection, usage.record(period.whose, period.first, seen), at)

    def _close(self, connection: sa.Connection, reading: _Reading) -> Sequence[UsageView | None]:
        """Begin a period with the sample; of one that went on, the records until then."""
        watched, period = reading.watched, reading.period
        usage_rows.begin(connection, watched, reading.sample)
        if period is None:
            return ()
        seen = self._last(period)
        views = usage.closed(watched, period.first, seen, reading.sample)
        if seen is not None and len(views) > 1:
            usage_rows.put_sample(connection, seen, watched)
        return [self._tell(connection, view, reading.sample.at) for view in views]

    def _tell(self, connection: sa.Connection, view: UsageView, at: datetime) -> UsageView | None:
        if not usage_rows.put_record(connection, view, known_from=at):
            return None
        self._sink(connection, _event(view, at))
        return view

    def _count(self, written: Sequence[UsageView]) -> None:
        self.records += len(written)
        self.gaps += sum(view.gap is not None for view in written)

    def _unmetered(self, sight: observe.Sight, seen: _Seen) -> Sequence[ledger.Withheld]:
        """Whose ports are in doubt, and since when nothing is counted of them."""
        doubted = sight.held | sight.unsure
        read = self._read.get(sight.device, {})
        return [
            withheld.in_doubt(one, seen.on.get(periods.place(one)), read, sight.at)
            for one in seen.watched
            if one.port in doubted
        ]


@dataclass(frozen=True, slots=True)
class _Reading:
    watched: ledger.WatchedPort
    sample: usage.Sample
    period: periods.Period | None

    @property
    def place(self) -> periods.Place:
        """Where it was read."""
        return periods.place(self.watched)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device's meter points at a poll: what was read, what of it closes a period, what is over."""

    watched: Sequence[ledger.WatchedPort]
    readings: Sequence[_Reading]
    due: Sequence[_Reading]
    on: Mapping[periods.Place, periods.Period]
    over: Sequence[periods.Period]

    @property
    def places(self) -> Collection[periods.Place]:
        """Where something may be read, and where what was read last may still be told."""
        return {*map(periods.place, self.watched), *(one.place for one in self.on.values())}


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
