"""Acts on what a poll saw: observed ports, alarms, service status and events, in one unit.

The decisions are correlate.py's and impact.py's. Most polls see nothing new, so a poll is judged
on a reader connection first and a unit is written only when that found something to write; the
unit then judges again by itself, because what was read may be old by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from oss_agent.assurance import alarm_rows, correlate, impact, port_table
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
    ``prompt`` says which trap made us look; "" when it was simply time.
    """

    device: str
    ports: tuple[port_table.Port, ...]
    at: datetime
    uptime: int
    whole: bool = True
    prompt: str = ""


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
        self._last: dict[str, tuple[port_table.Port, ...]] = {}
        self._sighted: dict[str, datetime] = {}

    async def take(self, sight: Sight) -> None:
        """Take in a poll: raise, update and clear what it verifies. StoreUnavailable, NotFound."""
        news = self._rows(sight.device) != _rows(sight.ports) or self._is_stale(sight)
        if news or await self._store.read(lambda connection: bool(self._plan(connection, sight))):
            await self._store.write(lambda connection: self._write(connection, sight))
            self._sighted[sight.device] = sight.at
        self._remember(sight)

    def forget(self, device: str) -> None:
        """The device is no longer polled."""
        self._last.pop(device, None)
        self._sighted.pop(device, None)

    def _is_stale(self, sight: Sight) -> bool:
        """Is it time to write down again that the device answers, although nothing is new?"""
        before = self._sighted.get(sight.device)
        return before is None or sight.at - before >= _SIGHT_EVERY

    def _remember(self, sight: Sight) -> None:
        """What a poll that was cut short did not reach stays as it was last seen."""
        seen = {port.name for port in sight.ports}
        old = () if sight.whole else self._last.get(sight.device, ())
        kept = tuple(port for port in old if port.name not in seen)
        self._last[sight.device] = (*sight.ports, *kept)

    def _rows(self, device: str) -> Sequence[tuple[str, int, str, str]]:
        return _rows(self._last.get(device, ()))

    def _write(self, connection: sa.Connection, sight: Sight) -> None:
        rows = _rows(sight.ports)
        if rows != self._rows(sight.device):
            self._ledger.observe_ports(connection, device=sight.device, rows=rows, at=sight.at)
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
            yield from map(correlate.missing, sorted((metered | set(alarmed)) - present))

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


def _rows(ports: Sequence[port_table.Port]) -> tuple[tuple[str, int, str, str], ...]:
    return tuple(port.row for port in ports)


def _is_told(current: AlarmView | None, fault: alarms.Fault | None) -> bool:
    """Does the alarm say already what the verdict says?"""
    if current is None or fault is None:
        return current is None and fault is None
    return current.text == fault.text and current.severity is fault.severity
