"""Decides when a pool will be full, by the history of its own claims, or that nobody can say. Pure.

A straight line (least squares) through how many values were held at the end of each day. A pool
that was not watched long enough, hardly moves or empties has no date: none is better than a guess.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from oss_agent.spi.pools import ForecastView

WINDOW = 90
"""Days that are looked back on at most: older habits say little."""
_DAY: Final = timedelta(days=1)
_LEAST = 7
"""Days of history at least: a week has all of its days."""
_MOVES = 5
"""Claims in that time at least."""


@dataclass(frozen=True, slots=True)
class Day:
    """What of a pool came to be held, or was given back, ``ago`` whole days before now: ``claims``, ``amount``."""

    ago: int
    amount: int
    claims: int = 1


def forecast(
    came: Sequence[Day], went: Sequence[Day], size: int, now: datetime, first: datetime | None
) -> ForecastView:
    """``came`` of every claim that stood in the window, ``went`` of those that ended in it; ``size`` the pool's.

    ``first`` is when the oldest of them began.
    """
    days = min((now - (first or now)) / _DAY, float(WINDOW))
    recent = sum(day.claims for day in came if day.ago < WINDOW)
    if days < _LEAST or recent < _MOVES:
        return ForecastView(
            None,
            None,
            round(days, 1),
            f"no forecast: {recent} claims in {days:.1f} days; {_MOVES} in {_LEAST} days are needed",
        )
    return _by_line(levels(came, went, int(days)), size)


def levels(came: Sequence[Day], went: Sequence[Day], days: int) -> list[int]:
    """How much was held at each day's end, the oldest first."""
    changes = [0] * (days + 1)
    for every, sign in ((came, 1), (went, -1)):
        for day in every:
            changes[days - min(day.ago, days)] += sign * day.amount
    return list(itertools.accumulate(changes))


def _by_line(levels: Sequence[int], size: int) -> ForecastView:
    per_day, days = _slope(levels), float(len(levels) - 1)
    if levels[-1] >= size:
        return ForecastView(0.0, round(per_day, 3), days, "it is full")
    if per_day <= 0:
        return ForecastView(None, round(per_day, 3), days, "it is not filling")
    left = (size - levels[-1]) / per_day
    words = f"{per_day:.2f} more held a day over the last {days:.0f} days"
    return ForecastView(round(left, 1), round(per_day, 3), days, words)


def _slope(levels: Sequence[int]) -> float:
    middle = (len(levels) - 1) / 2
    mean = sum(levels) / len(levels)
    above = sum((x - middle) * (y - mean) for x, y in enumerate(levels))
    return above / sum((x - middle) ** 2 for x in range(len(levels)))
