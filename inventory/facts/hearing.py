"""Decides which neighbours a device hears, from all readings of it, in whatever order they came. Pure.

What the last reading has is heard. What it lacks is missed: kept until ``PATIENCE`` whole readings in
a row lack it. A device that is not read forgets nothing. Rejected: to drop at once what a newer
reading shows to be over, because then a reading that comes late would bring it back; ``topology``
looks past it instead.

Whoever is on the wire of a port can make up neighbours there, as many as he likes: of a port few are kept,
and those that were there come first. What he does on his port costs no other port a neighbour.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
MOST_OF_PORT: Final = 512
"""Neighbours of one port that are looked at, for those among them that are known. A port with more is a crowd."""
MOST_READ: Final = 4_096
"""Neighbours of one device that are looked at: a box with all its ports wired hears a thousand."""


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


def looked_at(told: Iterable[facts.NeighbourFact]) -> tuple[tuple[facts.NeighbourFact, ...], bool]:
    """What is looked at of a table, and whether it was cut short: more ports tell of more than that.

    One more than ``MOST_OF_PORT`` of a port, which makes it a crowd; then each port's first before any
    port's second. Of two that are one the first counts, with the model that only another protocol tells.
    """
    found: dict[Key, facts.NeighbourFact] = {}
    places: dict[Key, int] = {}
    of_port = Counter[str]()
    for fact in told:
        name = key(fact)
        if name in found:
            if fact.model and not found[name].model:
                found[name] = dataclasses.replace(found[name], model=fact.model)
        elif of_port[fact.port] <= MOST_OF_PORT:
            found[name], places[name] = fact, of_port[fact.port]
            of_port[fact.port] += 1
    if len(found) <= MOST_READ:
        return tuple(found.values()), False
    return tuple(found[name] for name in sorted(found, key=places.__getitem__)[:MOST_READ]), True


def remembered(memory: Memory, reading: Reading) -> tuple[Memory, frozenset[str]]:
    """What is remembered with one reading more, and the ports of which something is left out."""
    told = tuple(reading.neighbours)
    crowds = _crowds(told)
    # Who was heard there may be among those that were not looked at: it is not missed.
    heard = (one for one in memory.heard.values() if not memory.missed(one))
    known = (one.fact for one in heard if one.fact.port in crowds)
    now = after(memory, Reading(reading.at, (*told, *known), reading.whole))
    kept = dict(_bounded(memory, now))
    left_out = {port for port, *_ in now.heard.keys() - kept.keys()}
    return Memory(now.readings, kept), crowds | left_out


def _crowds(told: Iterable[facts.NeighbourFact]) -> frozenset[str]:
    count = Counter(fact.port for fact in told)
    return frozenset(port for port, several in count.items() if several > MOST_OF_PORT)


def _bounded(before: Memory, now: Memory) -> Iterator[tuple[Key, Hearing]]:
    """``MOST`` a port: first who was known and not missed, then who was known, then who is new.

    As no port has more that are known, who makes up others at each reading drives out nobody that is heard.
    """
    ports: defaultdict[str, list[tuple[Key, Hearing]]] = defaultdict(list)
    for name, one in now.heard.items():
        ports[name[0]].append((name, one))

    def rank(named: tuple[Key, Hearing]) -> tuple[bool, bool, bool]:
        old = before.heard.get(named[0])
        return old is None, old is not None and before.missed(old), now.missed(named[1])

    return itertools.chain.from_iterable(sorted(s, key=rank)[:MOST] for s in ports.values())


def key(fact: facts.NeighbourFact) -> Key:
    """What tells neighbours apart."""
    return (fact.port, fact.chassis, fact.port_id)
