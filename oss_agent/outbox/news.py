"""What the outbox says to whoever calls a person: halts, lateness, and that either is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from oss_agent.spi import events


@dataclasses.dataclass(frozen=True, slots=True)
class Halt:
    """Something a person must look at: an event was parked, or a receiver stopped.

    A receiver that is stopped for having accepted nothing has neither entity nor event.
    """

    receiver: str
    delivery: events.Delivery
    entity: str
    event_id: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Late:
    """A receiver's oldest event waits too long; ``oldest`` is when that happened. Said at each look."""

    receiver: str
    oldest: datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Caught:
    """A receiver that was late is not any more."""

    receiver: str


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """An event that was refused before was accepted or given up: its halt is over."""

    receiver: str
    entity: str


Notice = Late | Caught | Accepted
Report = Callable[[sa.Connection, Halt], None]
"""Called inside the unit that records the halt, so that an alarm commits with it."""
Heed = Callable[[sa.Connection, Notice], None]
"""Called inside the unit that records it, so that an alarm is raised or cleared with it."""


def unheeded(connection: sa.Connection, notice: Notice) -> None:
    """A ``Heed`` for whoever needs none."""
    del connection, notice
