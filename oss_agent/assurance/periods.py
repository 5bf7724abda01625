"""Decides which of the periods that have begun go on at a poll, and which have ended. Pure.

A period goes on at the port on which its service stood without a break since the first sample: the same
stay, whatever the port was called meanwhile. Every other one is over, also where the service is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from oss_agent.assurance import usage
from oss_agent.spi import ledger

Place: TypeAlias = "tuple[str, str]"
"""A meter point and a service."""
_LATEST: Final = timedelta(minutes=1)
"""A poll is written so much later than its answer came, at most."""


@dataclass(frozen=True, slots=True)
class Period:
    """It began with ``first``, at a port as it was known then."""

    whose: ledger.WatchedPort
    first: usage.Sample

    @property
    def place(self) -> Place:
        """Where it began."""
        return self.first.meter_point, self.whose.service


@dataclass(frozen=True, slots=True)
class Sorted:
    """``on`` are those that go on, by the place of now; ``over`` the others."""

    on: Mapping[Place, Period]
    over: Sequence[Period]


def place(watched: ledger.WatchedPort) -> Place:
    """Where it is metered."""
    return usage.meter_point(watched.device, watched.port), watched.service


def sort(watched: Iterable[ledger.WatchedPort], begun: Sequence[Period], now: datetime) -> Sorted:
    """Which periods go on at the ports of now."""
    at = {period.place: period for period in begun}
    found = {place(port): _of(port, at, now) for port in watched}
    on = {where: period for where, period in found.items() if period is not None}
    kept = {period.place for period in on.values()}
    return Sorted(on, [period for period in begun if period.place not in kept])


def counts(port: ledger.WatchedPort, moment: datetime, now: datetime) -> bool:
    """Was the port the service's already when it was read?"""
    came = port.came
    return came is None or came <= moment or _was_set_back(port, now)


def _of(port: ledger.WatchedPort, at: Mapping[Place, Period], now: datetime) -> Period | None:
    for name, since, until in _names(port):
        period = at.get((usage.meter_point(port.device, name), port.service))
        if period is None or not counts(port, period.first.at, now):
            continue
        called = (since is None or since <= period.first.at) and (
            until is None or period.first.at <= until
        )
        if called or _was_set_back(port, now):
            return period
    return None


def _names(port: ledger.WatchedPort) -> Iterator[tuple[str, datetime | None, datetime | None]]:
    """What it was called, and from when until when; the newest first."""
    until: datetime | None = None
    for one in port.names:
        yield one.name, one.since, until
        until = one.since
    if not port.names:
        yield port.port, None, None


def _was_set_back(port: ledger.WatchedPort, now: datetime) -> bool:
    """It came there later than now: our clock was set back since, and its times prove nothing."""
    return port.came is not None and port.came > now + _LATEST
