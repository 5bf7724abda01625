"""Decides when an order will be completed, from what its items wait for and how long such take. Pure.

Items run side by side unless one comes after another, or stands in line for a device (``line``). What nobody can know (how long a device stays
down, when a person approves) counts as over now: the estimate is then the soonest that is possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from graphlib import TopologicalSorter

from oss_agent.fulfilment.record import pace

QUICK, USUAL, LATE = SHARES = 0.0, 0.5, 0.9
"""Shares of the remembered items that needed no longer: the quickest, half, nine of ten."""
_NOTHING = pace.Pace()


@dataclass(frozen=True, slots=True)
class Work:
    """An open item. ``done`` are its ended steps, ``passed`` seconds of the one it is in.

    ``not_before`` is the latest calendar date that it waits for; ``after`` are positions of items of
    the same order; ``in_line`` are the seconds, by share, until its devices are free for it.
    """

    position: int
    pace: pace.Pace = _NOTHING
    done: int = 0
    passed: float = 0.0
    not_before: datetime | None = None
    after: tuple[int, ...] = ()
    in_line: Mapping[float, float] = field(default_factory=dict[float, float])


@dataclass(frozen=True, slots=True)
class Estimate:
    """When all of it is completed: at the soonest, usually, and when it takes long.

    ``known`` is False when the history of an item is too short to speak from.
    """

    soonest: datetime
    usually: datetime
    late: datetime
    known: bool


def estimate(works: Sequence[Work], now: datetime) -> Estimate:
    """Never before ``now``, and never sooner for waiting longer."""
    soonest, usually, late = (_end(works, now, share) for share in (QUICK, USUAL, LATE))
    return Estimate(soonest, usually, late, all(one.pace.known for one in works))


def late(works: Sequence[Work], now: datetime) -> datetime:
    """When all of it is completed when it takes long: what a promise is made of."""
    return _end(works, now, LATE)


def _end(works: Sequence[Work], now: datetime, share: float) -> datetime:
    by_position = {one.position: one for one in works}
    ends: dict[int, datetime] = {}
    for position in _in_order(by_position):
        one = by_position[position]
        free = now + timedelta(seconds=one.in_line.get(share, 0.0))
        begins = max([free, one.not_before or now, *(ends[p] for p in one.after if p in ends)])
        seconds = one.pace.left(one.done, one.passed, share) if one.pace.known else 0.0
        ends[position] = begins + timedelta(seconds=seconds)
    return max(ends.values(), default=now)


def _in_order(works: Mapping[int, Work]) -> tuple[int, ...]:
    after = {place: [p for p in one.after if p in works] for place, one in works.items()}
    return tuple(TopologicalSorter(after).static_order())
