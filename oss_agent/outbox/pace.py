"""Decides how patiently and how much at once a receiver is told. Pure."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Final

from oss_agent.spi import events

LONGEST_PAUSE: Final = timedelta(hours=1)
"""No retry is put off longer, whatever a receiver asks for."""
_FORGIVEN: Final = 3
"""Failures in a row before the receiver is left alone: one event that it cannot take is no outage."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How much at the same time, and how patiently; times in seconds unless they are spans."""

    tick: float = 1.0
    """how often to look although nobody called"""
    spread: int = 500
    """events per unit that are given their delivery rows"""
    parallel: int = 8
    """deliveries at the same time to one receiver"""
    at_once: int = 256
    """deliveries at the same time in all"""
    turn: int = 20
    """deliveries of one entity before another gets its place"""
    deadline: float = 60.0
    """for one delivery, although a receiver should have its own"""
    first_pause: float = 1.0
    longest_pause: float = 300.0
    patience: timedelta = timedelta(days=7)
    """then an event that is still refused is parked: a person decides"""
    look: float = 60.0
    """how often to look who is late, dead or gone"""
    late: timedelta = timedelta(minutes=15)
    """an event that waits longer calls a person"""
    give_up: timedelta = timedelta(days=3)
    """a receiver that accepted nothing for so long is told nothing more until a person says so"""
    keep: timedelta = timedelta(days=30)
    """then what everybody has is forgotten"""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How a receiver has answered lately: failures in a row, and until when it is left alone."""

    strikes: int = 0
    quiet_until: float = 0.0
    """monotonic seconds"""

    def lanes(self, pace: Pace) -> int:
        """How many deliveries at once: one that fails is probed by one, so that it holds no more."""
        return 1 if self.strikes else pace.parallel


def after(
    standing: Standing, attempt: events.Attempt, pace: Pace, now: float, chance: float
) -> Standing:
    """What one more answer makes of a receiver's standing; ``now`` is monotonic seconds."""
    failed = attempt.delivery is events.Delivery.RETRY
    if not failed:
        return Standing()
    strikes = standing.strikes + 1
    pause = attempt.retry_after or 0.0
    if strikes > _FORGIVEN:
        pause = max(pause, doubled(strikes - _FORGIVEN, pace) * (0.5 + chance / 2))
    until = now + min(pause, LONGEST_PAUSE.total_seconds())
    return Standing(strikes, max(standing.quiet_until, until))


def pause_after(attempts: int, retry_after: float | None, pace: Pace, chance: float) -> timedelta:
    """How long to wait after the ``attempts``-th failure; ``chance`` in [0, 1) is the jitter.

    Doubling from ``first_pause`` to ``longest_pause``, spread over its upper half so that entities
    that failed together do not come back together; never sooner than the receiver asked.
    """
    seconds = max(doubled(attempts, pace) * (0.5 + chance / 2), retry_after or 0.0)
    return min(timedelta(seconds=min(seconds, 1e6)), LONGEST_PAUSE)


def doubled(times: int, pace: Pace) -> float:
    """Seconds of the ``times``-th pause, before jitter."""
    return min(pace.longest_pause, pace.first_pause * 2.0 ** min(times - 1, 30))
