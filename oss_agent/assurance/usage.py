"""Decides how many octets a customer used between two raw samples, or that nobody knows. Pure.

Counters are integers from the device; a difference is trusted only when the device's own time
shows one uninterrupted run and nothing says that the counters were reset. Otherwise the interval
is a gap: unknown, never zero, never interpolated. A Counter64 that falls was reset; it does not
wrap within the life of a port.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from oss_agent.spi import ledger
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import UsageView

_TICKS: Final = 2**32
"""sysUpTime (1/100 s) wraps here, after 497 days."""
_WRAP: Final = timedelta(milliseconds=_TICKS * 10)
_SLACK: Final = timedelta(seconds=2)
_DRIFT: Final = 0.02
"""How far the device's clock and ours may differ over an interval, beyond the slack."""
_LARGEST: Final = 2**63 - 1
_FASTEST: Final = 10**13
"""Bits a second that no port of today has: more is a broken counter, not traffic."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One raw reading of a meter point. Octets are None where the device gave none.

    ``uptime`` is sysUpTime and ``discontinuity`` ifCounterDiscontinuityTime, 1/100 s.
    """

    meter_point: str
    at: datetime
    uptime: int
    discontinuity: int | None
    octets_in: int | None
    octets_out: int | None

    @property
    def id(self) -> str:
        """What a usage record names it by."""
        return f"{self.meter_point}@{rfc3339(self.at)}"

    @property
    def unread(self) -> bool:
        """Did the device give no octets?"""
        return self.octets_in is None or self.octets_out is None


def meter_point(device: str, port: str) -> str:
    """The stable identity of a meter point."""
    return f"{device}:{port}"


def port_of(point: str, device: str) -> str:
    """The port of a meter point of a device."""
    return point.removeprefix(f"{device}:")


def key(point: str, period_start: datetime, revision: int) -> str:
    """The idempotency key: the same for every resend, after every crash."""
    return f"{point}/{rfc3339(period_start)}/{revision}"


def record(
    watched: ledger.WatchedPort, before: Sample, after: Sample, *, revision: int = 1
) -> UsageView:
    """The usage of one service at one meter point between two samples."""
    octets_in, octets_out, gap = difference(before, after)
    # Of a clock that was set back nobody knows how long it was: a period never ends before it begins.
    period_end = max(before.at, after.at)
    return UsageView(
        key=key(before.meter_point, before.at, revision),
        tenant=watched.tenant,
        service=watched.service,
        service_name=watched.service_name,
        customer=watched.customer,
        meter_point=before.meter_point,
        period_start=before.at,
        period_end=period_end,
        revision=revision,
        octets_in=octets_in,
        octets_out=octets_out,
        gap=gap,
        samples=(before.id, after.id),
    )


def closed(
    watched: ledger.WatchedPort, before: Sample, seen: Sample | None, after: Sample
) -> tuple[UsageView, ...]:
    """The records of a period that ``after`` closes.

    Where the counters were interrupted, what was read last before that (``seen``) is known all the same:
    two records, and only the second one is a gap.
    """
    whole = record(watched, before, after)
    if seen is None or not _saves(before, seen, after):
        return (whole,)
    return record(watched, before, seen), record(watched, seen, after)


def _saves(before: Sample, seen: Sample, after: Sample) -> bool:
    """Is the period unknown as a whole, and known until it was read last?"""
    return (
        before.at < seen.at
        and difference(before, after)[2] is not None
        and difference(before, seen)[2] is None
    )


def last_record(
    watched: ledger.WatchedPort, before: Sample, seen: Sample | None, left: datetime
) -> UsageView | None:
    """What is told of the period that ``before`` began, once the service has left the meter point.

    It ends with the last reading while the service was there (``seen``), for what is counted later
    is not its own. Without one nobody knows: a gap until it ``left``. None: all of it is told already.
    """
    if seen is not None:
        return record(watched, before, seen) if seen.at > before.at else None
    if left <= before.at:
        return None
    unread = dataclasses.replace(before, at=left, octets_in=None, octets_out=None)
    view = record(watched, before, unread)
    why = "the service left it before it was read again"
    return dataclasses.replace(
        view, octets_in=None, octets_out=None, gap=why, samples=(before.id, "")
    )


def difference(
    before: Sample, after: Sample, least: timedelta = timedelta()
) -> tuple[int | None, int | None, str | None]:
    """Octets in and out, or (None, None, why nobody knows). ``least`` as in ``interruption``."""
    gap = interruption(before, after, least)
    if gap is not None:
        return None, None, gap
    counted: list[int] = []
    for name, first, second in (
        ("ifHCInOctets", before.octets_in, after.octets_in),
        ("ifHCOutOctets", before.octets_out, after.octets_out),
    ):
        if first is None or second is None:
            return None, None, f"{name} was not read"
        if second < first:
            return None, None, f"{name} fell: the counter was reset"
        counted.append(second - first)
    most = _FASTEST * (after.at - before.at).total_seconds() / 8
    if max(counted) > min(most, _LARGEST):
        return None, None, "the counters rose faster than any port: they were reset"
    return counted[0], counted[1], None


def interruption(before: Sample, after: Sample, least: timedelta = timedelta()) -> str | None:
    """Why the two samples do not belong to one uninterrupted run of the counters, or None.

    The two clocks may differ by what they may in ``least``, also where less time has passed.
    """
    wall = after.at - before.at
    if wall < timedelta():
        return "our clock was set back"
    if not timedelta() < wall < _WRAP:
        return "the samples are not in order, or more than 497 days apart"
    device = timedelta(milliseconds=(after.uptime - before.uptime) % _TICKS * 10)
    if abs(device - wall) > _SLACK + max(wall, least) * _DRIFT:
        return (
            "sysUpTime did not run on as our clock did: the agent restarted, or our clock was set"
        )
    if before.discontinuity != after.discontinuity:
        return "ifCounterDiscontinuityTime changed: the counters were interrupted"
    return None


def due(before: Sample, now: Sample, interval: timedelta, early: timedelta) -> bool:
    """Is a record due? ``early`` lets a poll that comes a little before the interval's end close it.

    A poll may lack a port's octets, and the next one has them: they are waited for an interval longer.
    After such a sample, and when our clock was set back, a new period begins at once.
    """
    waited = now.at - before.at
    if waited < timedelta() or (before.unread and not now.unread):
        return waited != timedelta()
    missed = _lacks(before, now)
    return waited >= interval * (2 if missed else 1) - early


def broken(before: Sample, seen: Sample | None, now: Sample, interval: timedelta) -> bool:
    """Were the counters interrupted since they were read last? What was known until then is told at once.

    On proof alone: a poll that was late, or lacks a cell, says nothing of a period that goes on.
    """
    if seen is None or _lacks(before, now) or not _saves(before, seen, now):
        return False
    return difference(before, now, interval)[2] is not None


def _lacks(before: Sample, now: Sample) -> bool:
    """Was something not read that the period began with?"""
    unread = now.unread and not before.unread
    return unread or (now.discontinuity is None and before.discontinuity is not None)
