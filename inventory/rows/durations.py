"""Decides how seconds are counted so that a page of metrics can say how long things take."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Final, NamedTuple

BOUNDS: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 150.0, 600.0)
"""Seconds: from one cheap answer to a box of 20,000 ports that is slow."""


class Spread(NamedTuple):
    """How many took at most so many seconds, by bound and in all, and the sum of them."""

    within: tuple[tuple[float, int], ...]
    sum: float


class Durations:
    """A bounded number of counters, however many there were."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """One more took so long."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._sum += seconds

    def spread(self) -> Spread:
        """What was counted until now; the last bound is infinity."""
        bounds = (*BOUNDS, float("inf"))
        return Spread(tuple(zip(bounds, accumulate(self._counts), strict=True)), self._sum)
