"""Decides which neighbours a device hears, from all readings of it, in whatever order they came. Pure.

What the last reading has is heard. What it lacks is missed: kept until ``PATIENCE`` whole readings in
a row lack it. A device that is not read forgets nothing. Rejected: to drop at once what a newer
reading shows to be over, because then a reading that comes late would bring it back; ``topology``
looks past it instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from inventory.facts import facts

Key: TypeAlias = tuple[str, str, str]
"""(port, chassis, port id)"""
PATIENCE: Final = 3
"""Agents drop a neighbour that missed a few of its own announcements, and have it back soon."""
MOST: Final = 64
"""Neighbours of one port that are kept: more than any hub has, and fewer than a station can make up."""
MOST_READ: Final = 4_096
"""Neighbours of one device and protocol that are read."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """A neighbour, and when the last reading that had it was made."""

    fact: facts.NeighbourFact
    at: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """The last whole readings, newest first, and who was heard since the oldest of them."""

    readings: tuple[datetime, ...] = ()
    heard: Mapping[Key, Hearing] = field(default_factory=dict[Key, Hearing])

    def missed(self, hearing: Hearing) -> bool:
        """Does the last whole reading lack it?"""
        return bool(self.readings) and hearing.at < self.readings[0]


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a device's neighbours; ``whole`` unless a limit cut it short."""

    at: datetime
    neighbours: Iterable[facts.NeighbourFact]
    whole: bool = True


def after(memory: Memory, reading: Reading) -> Memory:
    """What is remembered with one reading more; an old one changes nothing that is newer."""
    heard = dict(memory.heard)
    for fact in reading.neighbours:
        old = heard.get(key(fact))
        if old is None or old.at < reading.at:
            heard[key(fact)] = Hearing(fact, reading.at)
    readings = memory.readings
    if reading.whole:
        readings = tuple(sorted({*readings, reading.at}, reverse=True))[:PATIENCE]
    oldest = readings[-1] if len(readings) == PATIENCE else None
    kept = {name: one for name, one in heard.items() if oldest is None or one.at >= oldest}
    return Memory(readings, kept)


def bounded(memory: Memory, reading: Reading) -> tuple[Reading, tuple[str, ...]]:
    """The reading with ``MOST`` neighbours a port, and the ports that told of more.

    Those that are known first: who makes up a thousand neighbours drives out none that was there.
    """
    ports = defaultdict[str, list[facts.NeighbourFact]](list)
    for fact in reading.neighbours:
        ports[fact.port].append(fact)
    kept = [
        fact
        for several in ports.values()
        for fact in sorted(several, key=lambda one: key(one) not in memory.heard)[:MOST]
    ]
    full = tuple(sorted(port for port, several in ports.items() if len(several) > MOST))
    return Reading(reading.at, kept, reading.whole), full


def key(fact: facts.NeighbourFact) -> Key:
    """What tells neighbours apart."""
    return (fact.port, fact.chassis, fact.port_id)
