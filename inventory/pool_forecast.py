"""Decides when a pool will be full, by the history of its own claims, or that nobody can say. Pure.

A straight line (least squares) through how many values were held at the end of each day. A pool
that was not watched long enough, hardly moves or empties has no date: none is better than a guess.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
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


def forecast(
    held: Sequence[tuple[datetime, datetime | None, int]], size: int, now: datetime
) -> ForecastView:
    """``held`` are (from, to, how much) of every claim that stood in the window, ``size`` the pool's.

    ``to`` is None while it stands.
    """
    first = min((begin for begin, _, _ in held), default=now)
    days = min((now - first) / timedelta(days=1), float(WINDOW))
    recent = sum(1 for begin, _, _ in held if begin > now - timedelta(days=WINDOW))
    if days < _LEAST or recent < _MOVES:
        return ForecastView(
            None,
            None,
            round(days, 1),
            f"no forecast: {recent} claims in {days:.1f} days; {_MOVES} in {_LEAST} days are needed",
        )
    return _by_line(levels(held, now, int(days)), size)


def levels(
    held: Sequence[tuple[datetime, datetime | None, int]], now: datetime, days: int
) -> list[int]:
    """How much was held at each day's end, the oldest first; each claim is looked at once."""
    changes = [0] * (days + 1)
    for begin, end, amount in held:
        for moment, change in ((begin, amount), (end, -amount)):
            if moment is not None and moment <= now:
                changes[days - min((now - moment) // _DAY, days)] += change
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
