"""Decides whether a device may be written to now: pauses, freezes, change windows. Pure.

A stop covers devices by name, site or platform, or all of them. Change windows turn it round: a
device that any window covers is written to inside one of its windows only. Times of windows are
UTC and wall clock, because they are made for people's calendars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import states
from oss_agent.spi import clock, stops

_WEEK = 7
_STOP = states.WaitKind.STOP


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transaction would write."""

    device: str
    site: str
    platform: str


def covers(scope: stops.Scope, name: str, place: Place) -> bool:
    """Is this place meant?"""
    return {
        stops.Scope.ALL: True,
        stops.Scope.DEVICE: place.device == name,
        stops.Scope.SITE: place.site == name,
        stops.Scope.PLATFORM: place.platform == name,
    }[scope]


def wait(
    standing: Sequence[stops.StopView],
    windows: Sequence[limits.Window],
    places: Sequence[Place],
    at: datetime,
    look_again: float,
) -> states.Wait | None:
    """Why nothing may be written at these places now, None when it may.

    ``look_again`` is the longest sleep in seconds: a stop may be lifted any time.
    """
    latest = at + timedelta(seconds=look_again)
    for place in places:
        for stop in standing:
            if _holds(stop, at) and covers(stop.scope, stop.name, place):
                wake = min(stop.ends, latest) if stop.ends else latest
                return states.Wait(_paused(stop, place), at, wake, _who(stop), _STOP, stop.ends)
        opens = _opens(windows, place, at)
        if opens is not None:
            return states.Wait(
                f"the change window of device {place.device}, which opens {clock.rfc3339(opens)}",
                at,
                min(opens, latest),
                "wait, or an operator, who can change fulfilment.windows",
                _STOP,
                opens,
            )
    return None


def _holds(stop: stops.StopView, at: datetime) -> bool:
    return stop.begins <= at and (stop.ends is None or at < stop.ends)


def _paused(stop: stops.StopView, place: Place) -> str:
    until = f" until {clock.rfc3339(stop.ends)}" if stop.ends else ""
    what = "all writes" if stop.scope is stops.Scope.ALL else f"writes to {stop.scope} {stop.name}"
    return f"device {place.device}: {what} are paused{until} by {stop.set_by}: {stop.reason}"


def _who(stop: stops.StopView) -> str:
    return f"{stop.set_by}, or an operator: oss-agent resume {stop.id}"


def _opens(windows: Sequence[limits.Window], place: Place, at: datetime) -> datetime | None:
    """When the next window of a place opens; None when one is open, or none concerns it."""
    mine = [window for window in windows if covers(window.scope, window.name, place)]
    spans = [span for window in mine for span in _spans(window, at)]
    if not spans or any(begins <= at < ends for begins, ends in spans):
        return None
    return min(begins for begins, _ in spans if begins > at)


def _spans(window: limits.Window, at: datetime) -> list[tuple[datetime, datetime]]:
    """Its openings from yesterday on, for as long as it takes to meet each of its days."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight + timedelta(days=ahead) for ahead in range(-1, _WEEK + 1))
    return [_span(window, day) for day in days if day.weekday() in window.days]


def _span(window: limits.Window, day: datetime) -> tuple[datetime, datetime]:
    begins = datetime.combine(day.date(), window.begins, day.tzinfo)
    ends = datetime.combine(day.date(), window.ends, day.tzinfo)
    return begins, ends if ends > begins else ends + timedelta(days=1)
