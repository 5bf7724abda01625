"""Decides whether a date is in danger, and what can be promised. Pure.

A promise is later than what history says, by slack: it is kept as a rule, and there is time to warn
before it breaks. What stood for an hour is promised for half an hour more, so that an order that is
stuck moves its promise a few times and not every minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oss_agent.fulfilment.turn.estimate import Estimate
from oss_agent.spi import clock, views

PROMISE = "expectedCompletionDate"
WISH = "requestedCompletionDate"
"""What a date is called in the order."""


@dataclass(frozen=True, slots=True)
class Due:
    """A date that the order should be completed by; ``name`` is its attribute."""

    name: str
    at: datetime


def promise(late: datetime, begun: datetime, now: datetime, slack: float) -> datetime:
    """What can be promised ``now`` for work that was ready at ``begun`` and ends by ``late``.

    Slack is in seconds.
    """
    takes = max(late - max(begun, now), timedelta())
    stood = max(now - begun, timedelta())
    return late + max(timedelta(seconds=slack), (takes + stood) / 2)


def level(expected: Estimate, due: datetime) -> views.Jeopardy | None:
    """How much a date is in danger; None when even long work would keep it."""
    if expected.soonest > due:
        return views.Jeopardy.CRITICAL
    if expected.usually > due:
        return views.Jeopardy.HAZARD
    return views.Jeopardy.NORMAL if expected.late > due else None


def alert(
    expected: Estimate,
    dues: Sequence[Due],
    told: Sequence[views.Jeopardy],
    why: str,
    items: tuple[str, ...],
    at: datetime,
) -> views.JeopardyView | None:
    """What is to be told now of the date that is nearest; each level of an order once."""
    if not dues:
        return None
    due = min(dues, key=lambda one: one.at)
    found = level(expected, due.at)
    if found is None or found in told:
        return None
    return views.JeopardyView(found, due.name, why, words(found, expected, due, why), at, items)


def words(found: views.Jeopardy, expected: Estimate, due: Due, why: str) -> str:
    """The same as a sentence."""
    what = {
        views.Jeopardy.NORMAL: "is kept unless the rest takes long",
        views.Jeopardy.HAZARD: "will not be kept unless the rest is quicker than usual",
        views.Jeopardy.CRITICAL: "cannot be kept any more",
    }[found]
    least = "" if expected.known else "at the soonest "
    date, by = clock.rfc3339(due.at), clock.rfc3339(expected.usually)
    because = f": {why}" if why else ""
    return f"{due.name} {date} {what}; it will be completed {least}by {by}{because}"
