"""Acts on what a poll saw: observed ports, alarms, service status and events, in one unit.

The decisions are correlate.py's and impact.py's. Most polls see nothing new, so a poll is judged
on a reader connection first and a unit is written only when that found something to write; the
unit then judges again by itself, because what was read may be old by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from oss_agent.assurance import alarm_rows, correlate, impact, port_table, recognise
from oss_agent.spi import alarms, events, ledger, store
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import AlarmView, as_json

_STATUS: Final = ("operatingStatus", "operatingStatusDate", "operatingStatusReason")
_SIGHT_EVERY: Final = timedelta(minutes=1)
"""A write per device and minute is what a fresh 'last seen' may cost."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One believed poll of a device: its ports, when, and at what sysUpTime.

    ``whole`` is false when the poll was cut short: a port that is not in it may still exist.
    ``prompt`` says which trap made us look; "" when it was simply time. ``held`` are ports that may be in
    it under another name: nothing is said of them; of the ``unsure`` a look should have told by now.
    """

    device: str
    ports: tuple[port_table.Port, ...]
    at: datetime
    uptime: int
    whole: bool = True
    prompt: str = ""
    held: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Step:
    """One alarm to report (``fault``) or to clear, and the services it may concern."""

    key: alarms.AlarmKey
    fault: alarms.Fault | None
    services: tuple[ledger.Affected, ...] = field(default=())


class Observer:
    """Writes what polls saw. One per agent; remembers the last ports of each device."""

    def __init__(
        self,
        rows: store.Store,
        inventory: ledger.Ledger,
        desk: alarms.Alarms,
        sink: events.EventSink,
    ) -> None:
        self._store = rows
        self._ledger = inventory
        self._desk = desk
        self._sink = sink
        self._recognition = recognise.Recognition(rows, inventory)
        self._last: dict[str, tuple[port_table.Port, ...]] = {}
        self._sighted: dict[str, datetime] = {}
        self._looked: dict[str, datetime | None] = {}

    async def take(self, polled: Sight) -> Sight:
        """Take in a poll, its ports as the device calls them: raise, update, clear what it verifies.

        Returns it with the ports as we call them. StoreUnavailable, NotFound.
        """
        found = await self._recognition.of(polled.device, polled.ports, polled.at)
        sight = replace(polled, ports=found.ports, held=found.held, unsure=found.unsure)
        ports = self._has_news(sight, found.looked_at)
        if (
            ports
            or self._is_stale(sight)
            or await self._store.read(lambda connection: bool(self._plan(connection, sight)))
        ):
            await self._store.write(lambda c: self._write(c, sight, ports=ports))
            self._sighted[sight.device] = sight.at
        self._remember(sight)
        self._looked[sight.device] = found.looked_at
        return sight

    def forget(self, device: str) -> None:
        """The device is no longer polled."""
        self._recognition.forget(device)
        self._last.pop(device, None)
        self._sighted.pop(device, None)
        self._looked.pop(device, None)

    def _has_news(self, sight: Sight, looked_at: datetime | None) -> bool:
        """Are ports other than at the poll before, or may the ledger be older than that one?"""
        # A look writes what it read minutes before: what a poll saw meanwhile is written again.
        after_look = self._looked.get(sight.device) != looked_at
        return after_look or self._rows(sight.device) != _rows(sight.ports)

    def _is_stale(self, sight: Sight) -> bool:
        """Is it time to write down again that the device answers, although nothing is new?"""
        before = self._sighted.get(sight.device)
        return before is None or sight.at - before >= _SIGHT_EVERY

    def _remember(self, sight: Sight) -> None:
        """What a poll that was cut short did not reach stays as it was last seen; so does what is held."""
        seen = {port.name for port in sight.ports}
        kept = tuple(
            port
            for port in self._last.get(sight.device, ())
            if port.name not in seen and (port.name in sight.held or not sight.whole)
        )
        self._last[sight.device] = (*sight.ports, *kept)

    def _rows(self, device: str) -> Sequence[tuple[str, int, str, str]]:
        return _rows(self._last.get(device, ()))

    def _write(self, connection: sa.Connection, sight: Sight, *, ports: bool) -> None:
        if ports:
            # A row in doubt, once written, would be in doubt no longer, though nothing told which it is.
            self._ledger.observe_ports(
                connection,
                device=sight.device,
                rows=[row for row in _rows(sight.ports) if row[0] not in sight.unsure],
                at=sight.at,
                doubted=sight.held | sight.unsure,
            )
        self._ledger.sight_device(connection, device=sight.device, trouble=None, at=sight.at)
        for step in self._plan(connection, sight):
            self._apply(connection, step, sight.at)

    def _apply(self, connection: sa.Connection, step: _Step, at: datetime) -> None:
        if step.fault is not None:
            self._desk.report(connection, step.fault, at)
        else:
            self._desk.clear(connection, step.key, at)
        for service in step.services:
            self._set_status(connection, service, at)

    def _set_status(
        self, connection: sa.Connection, service: ledger.Affected, at: datetime
    ) -> None:
        found = impact.next_status(
            service.status, alarm_rows.affecting(connection, service.service)
        )
        if found is None:
            return
        status, cause = found
        view = self._ledger.set_status(
            connection, service=service.service, status=status, cause=cause, at=at
        )
        if view is None:
            return
        event = events.Event(
            id=f"service-{view.id}-{view.operating_status}-{rfc3339(at)}",
            kind=events.EventKind.SERVICE_OPERATING_STATUS,
            tenant=view.tenant,
            entity=f"service:{view.id}",
            at=at,
            payload=as_json(view),
            changed=_STATUS,
        )
        self._sink(connection, event)

    def _plan(self, connection: sa.Connection, sight: Sight) -> tuple[_Step, ...]:
        """What this poll changes, judged against the rows as they are now."""
        steps = [
            self._port_step(connection, sight, port) for port in self._suspects(connection, sight)
        ]
        answering = correlate.device_key(sight.device)
        if alarm_rows.open_of(connection, answering) is not None:
            steps.append(_Step(answering, None))
        return tuple(step for step in steps if step is not None)

    def _suspects(self, connection: sa.Connection, sight: Sight) -> Iterator[port_table.Port]:
        """Ports worth a look: those not up, those with an open alarm, those that are gone."""
        alarmed = self._alarmed(connection, sight.device)
        present = {port.name for port in sight.ports}
        for port in sight.ports:
            if port.oper != port_table.UP or port.name in alarmed:
                yield port
        if sight.whole:
            metered = {port.port for port in self._ledger.watched(connection, sight.device)}
            gone = (metered | set(alarmed)) - present - sight.held
            yield from map(correlate.missing, sorted(gone))

    def _alarmed(self, connection: sa.Connection, device: str) -> dict[str, AlarmView]:
        open_ones = alarm_rows.open_like(
            connection,
            alarm_type=correlate.COMMUNICATIONS,
            probable_cause=correlate.LINK_DOWN,
            prefix=f"{device}:",
        )
        return {alarm.alarmed_object.removeprefix(f"{device}:"): alarm for alarm in open_ones}

    def _port_step(
        self, connection: sa.Connection, sight: Sight, port: port_table.Port
    ) -> _Step | None:
        key = correlate.port_key(sight.device, port.name)
        current = alarm_rows.open_of(connection, key)
        services = self._ledger.on_port(connection, sight.device, port.name)
        verdict = correlate.judge_port(
            correlate.PortEvidence(
                device=sight.device,
                port=port,
                services=services,
                was_up=self._was_up(sight.device, port.name),
                alarmed=current is not None,
                at=sight.at,
                uptime=sight.uptime,
                prompt=sight.prompt,
                doubt=_doubt(sight, port),
            )
        )
        told = _is_told(current, verdict.fault) and not any(
            impact.next_status(s.status, alarm_rows.affecting(connection, s.service))
            for s in services
        )
        return _Step(key, verdict.fault, services) if verdict.known and not told else None

    def _was_up(self, device: str, name: str) -> bool:
        return any(
            port.name == name and port.oper == port_table.UP for port in self._last.get(device, ())
        )

    async def miss(self, device: str, reason: str, at: datetime) -> None:
        """The device does not answer: its own alarm, raised once; services keep their status."""
        key = correlate.device_key(device)
        if await self._store.read(lambda c: alarm_rows.open_of(c, key) is not None):
            return

        def unit(connection: sa.Connection) -> None:
            services = self._ledger.on_device(connection, device)
            fault = correlate.unreachable(device, reason, services, at)
            self._desk.report(connection, fault, at)
            self._ledger.sight_device(connection, device=device, trouble=reason, at=at)

        await self._store.write(unit)


def _doubt(sight: Sight, port: port_table.Port) -> str:
    if port.name not in sight.unsure:
        return ""
    minutes = recognise.PATIENCE // timedelta(minutes=1)
    return (
        f"{rfc3339(sight.at)} which row of {sight.device} is {port.name} was in doubt for {minutes} min, and "
        "no look told it"
    )


def _rows(ports: Sequence[port_table.Port]) -> tuple[tuple[str, int, str, str], ...]:
    return tuple(port.row for port in ports)


def _is_told(current: AlarmView | None, fault: alarms.Fault | None) -> bool:
    """Does the alarm say already what the verdict says?"""
    if current is None or fault is None:
        return current is None and fault is None
    return current.text == fault.text and current.severity is fault.severity
