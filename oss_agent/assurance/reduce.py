"""Decides what a report does to an alarm, and whether a reading may be believed at all. Pure.

An alarm is state, not an event: its key is (managed object, alarm type, probable cause); it is
raised, updated and cleared, and once cleared it is never set again: the next report raises
another (X.733 8.1.2.3, RFC 8632 3.5). A trap is a hint: it changes no alarm, but it makes a
reading that began before it unbelievable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from oss_agent.spi import alarms
from oss_agent.spi.views import AlarmView

RAISED: Final = "raised"
UPDATED: Final = "updated"
CLEARED: Final = "cleared"

_SAME_BOOT: Final = timedelta(seconds=10)
"""Two estimates of when a device booted that differ by less are the same boot."""


class Kind(StrEnum):
    """What became of an alarm."""

    RAISED = "raised"
    UPDATED = "updated"
    REPEATED = "repeated"
    """reported again unchanged: counted, nobody is told"""
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm's next version."""

    kind: Kind
    alarm: AlarmView


def report(
    current: AlarmView | None, fault: alarms.Fault, at: datetime, *, new_id: str
) -> Change | None:
    """What a fault does: ``current`` is the open alarm of its key, if any.

    None when this very report was taken in already (nothing differs and it is not later).
    """
    if current is None or current.state == CLEARED:
        return Change(Kind.RAISED, _raised(fault, at, new_id))
    told = _told(current, fault)
    if told == current:
        if at <= current.changed_at:
            return None
        again = replace(current, count=current.count + 1, changed_at=at)
        return Change(Kind.REPEATED, again)
    changed_at = max(at, current.changed_at)
    return Change(
        Kind.UPDATED,
        replace(told, state=UPDATED, count=current.count + 1, changed_at=changed_at),
    )


def clear(current: AlarmView | None, at: datetime) -> Change | None:
    """The fault is gone; None when there is no open alarm."""
    if current is None or current.state == CLEARED:
        return None
    at = max(at, current.changed_at)
    return Change(Kind.CLEARED, replace(current, state=CLEARED, changed_at=at, cleared_at=at))


def _raised(fault: alarms.Fault, at: datetime, new_id: str) -> AlarmView:
    return AlarmView(
        id=new_id,
        tenant=fault.tenant,
        state=RAISED,
        alarm_type=fault.key.alarm_type,
        probable_cause=fault.key.probable_cause,
        specific_problem=fault.specific_problem,
        severity=fault.severity,
        alarmed_object=fault.key.alarmed_object,
        alarmed_object_type=fault.alarmed_object_type,
        raised_at=at,
        changed_at=at,
        cleared_at=None,
        is_root_cause=fault.is_root_cause,
        service_affecting=fault.service_affecting,
        affected_services=fault.affected_services,
        evidence=fault.evidence,
        count=1,
        text=fault.text,
    )


def _told(current: AlarmView, fault: alarms.Fault) -> AlarmView:
    """The alarm with what this fault says; evidence of the raise is kept, it is not news."""
    return replace(
        current,
        severity=fault.severity,
        specific_problem=fault.specific_problem,
        text=fault.text,
        is_root_cause=fault.is_root_cause,
        service_affecting=fault.service_affecting,
        affected_services=fault.affected_services,
    )


@dataclass(frozen=True, slots=True, order=True)
class DeviceTime:
    """A device's own time: when it booted, by our clock, and sysUpTime (1/100 s) since then."""

    boot: datetime
    uptime: int


def device_time(known: DeviceTime | None, at: datetime, uptime: int) -> DeviceTime:
    """Place a sysUpTime heard at ``at``. The estimate jitters; the same boot keeps one value."""
    boot = at - timedelta(milliseconds=uptime * 10)
    if known is not None and abs(boot - known.boot) <= _SAME_BOOT:
        boot = known.boot
    return DeviceTime(boot, uptime)


@dataclass(frozen=True, slots=True)
class Reading:
    """When a poll was: ``started`` on our monotonic clock, ``time`` on the device's."""

    started: float
    time: DeviceTime


@dataclass(frozen=True, slots=True)
class Hint:
    """When a trap came: ``arrived`` on our monotonic clock, ``time`` as the sender claims."""

    arrived: float
    time: DeviceTime


@dataclass(frozen=True, slots=True)
class Order:
    """The newest that was heard of one device."""

    read: Reading | None = None
    hinted: Hint | None = None

    def with_hint(self, hint: Hint) -> Order:
        """Doubt every reading that is older than this trap."""
        old = self.hinted
        if old is not None:
            hint = Hint(max(old.arrived, hint.arrived), max(old.time, hint.time))
        return replace(self, hinted=hint)

    def with_reading(self, reading: Reading) -> Order | None:
        """Take a reading in; None when it must not be believed: late, repeated, or overtaken.

        Overtaken by a trap only if it began before the trap came, and the device's own time does
        not show that its answer is the newer of the two. A trap that lies about its time can so
        discard the poll in flight and nothing more.
        """
        if self.read is not None and reading.started <= self.read.started:
            return None
        hint = self.hinted
        if hint is not None and reading.started < hint.arrived and reading.time <= hint.time:
            return None
        return replace(self, read=reading)
