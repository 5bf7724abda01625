"""What billing may be told, whatever its kind: usage, a day of usage, a service's change of status.

An outbox row becomes one of three facts here, and every renderer starts from a fact. Quantities are
whole octets, never floats; keys are the outbox's own, so that a resend after a crash is the same
everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import pydantic

from oss_agent.spi import events, views


class Meter(StrEnum):
    """What is counted at a meter point; each is a metric of its own at the billing system."""

    OCTETS_IN = "octets_in"
    OCTETS_OUT = "octets_out"
    OCTETS = "octets"
    """both directions together"""


class Change(StrEnum):
    """What happened to a service, in billing's words."""

    STARTED = "started"
    CHANGED = "changed"
    SUSPENDED = "suspended"
    """TMF638 v4 has no such state: it is inactive after it was active"""
    RESUMED = "resumed"
    """it is active again; told to everybody who is told of suspensions"""
    TERMINATED = "terminated"
    RUNNING = "running"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Usage:
    """Octets of one meter point over one period; None where nobody knows (``view.gap`` says why)."""

    event: events.Event
    view: views.UsageView

    @property
    def key(self) -> str:
        """From meter point, period and revision: the idempotency key at every receiver."""
        return self.view.key

    def quantity(self, meter: Meter) -> int | None:
        """Octets of a meter, None when unknown."""
        return counted(self.view.octets_in, self.view.octets_out)[meter]


@dataclass(frozen=True, slots=True)
class DayView:
    """A service's octets of one UTC day (``2026-11-21``), over its meter points, for one receiver.

    ``part`` counts from 1: usage that came after a day was told is a further part of that day.
    """

    receiver: str
    tenant: str
    service: str
    service_name: str
    customer: str
    day: str
    part: int
    octets_in: int
    octets_out: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of usage that may be told."""

    event: events.Event
    view: DayView

    def quantity(self, meter: Meter) -> int | None:
        """Octets of a meter."""
        return counted(self.view.octets_in, self.view.octets_out)[meter]


@dataclass(frozen=True, slots=True)
class Status:
    """A customer's service changed."""

    event: events.Event
    view: views.ServiceView
    change: Change


Fact: TypeAlias = Usage | Day | Status

_STATES: Final[Mapping[views.ServiceState, Change]] = {
    views.ServiceState.ACTIVE: Change.STARTED,
    views.ServiceState.INACTIVE: Change.SUSPENDED,
    views.ServiceState.TERMINATED: Change.TERMINATED,
}
_RUNS: Final[Mapping[views.OperatingStatus, Change]] = {
    views.OperatingStatus.RUNNING: Change.RUNNING,
    views.OperatingStatus.DEGRADED: Change.DEGRADED,
    views.OperatingStatus.FAILED: Change.FAILED,
}


def fact(event: events.Event) -> Fact | None:
    """The fact in an event; None when billing is not concerned. ValueError for a broken row."""
    if event.kind is events.EventKind.USAGE_CREATE:
        return Usage(event, _reader(views.UsageView).validate_python(event.payload))
    if event.kind is events.EventKind.USAGE_DAY:
        return Day(event, _reader(DayView).validate_python(event.payload))
    return _status(event) if event.kind in _OF_SERVICES else None


_OF_SERVICES: Final = frozenset(
    {
        events.EventKind.SERVICE_STATE,
        events.EventKind.SERVICE_CHANGE,
        events.EventKind.SERVICE_OPERATING_STATUS,
    }
)
"""A creation is not among them: the change of state beside it says the same."""


@functools.cache
def _reader(view: type[Any]) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(view)


def _status(event: events.Event) -> Status | None:
    view = _reader(views.ServiceView).validate_python(event.payload)
    if view.category != "CFS":  # the customer bought the whole, not its ends
        return None
    if event.kind is events.EventKind.SERVICE_CHANGE:
        return Status(event, view, Change.CHANGED)
    by_state = event.kind is events.EventKind.SERVICE_STATE
    change = _STATES.get(view.state) if by_state else _RUNS.get(view.operating_status)
    if change is Change.STARTED and view.start_date is not None and view.start_date < event.at:
        change = Change.RESUMED
    return None if change is None else Status(event, view, change)


def counted(octets_in: int | None, octets_out: int | None) -> Mapping[Meter, int | None]:
    """Every meter of a pair of counters; the sum is unknown when one of them is."""
    known = octets_in is not None and octets_out is not None
    return {
        Meter.OCTETS_IN: octets_in,
        Meter.OCTETS_OUT: octets_out,
        Meter.OCTETS: (octets_in or 0) + (octets_out or 0) if known else None,
    }
