"""Decides which neighbour rows stand after a reading: those heard, and those missed not for long."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inventory import facts, hearing, history, tables
from oss_agent.spi import clock

_N, _S = tables.neighbours.c, tables.sightings.c
_FACTS: Final = tuple(field.name for field in dataclasses.fields(facts.NeighbourFact))
_HEARD = sa.select(tables.neighbours).where(
    history.current(tables.neighbours), _N.device == sa.bindparam("at_device")
)
_READINGS = sa.select(_S.readings, _S.discovered_at).where(_S.device == sa.bindparam("at_device"))
"""Made once: to build a statement costs several times as much as to run it."""


def remembered(connection: sa.Connection, device: str, reading: hearing.Reading) -> hearing.Memory:
    """What is known of a device's neighbours with this reading."""
    return hearing.after(_memory(connection, device), reading)


def rows(memory: hearing.Memory) -> Sequence[Mapping[str, Any]]:
    """The rows that stand; ``heard_until`` tells those that the last reading lacks."""
    return [
        {
            **dataclasses.asdict(one.fact),
            "heard_until": one.at if memory.missed(one) else None,
        }
        for one in memory.heard.values()
    ]


def readings(memory: hearing.Memory) -> dict[str, Any]:
    """What a sighting keeps of the readings."""
    if not memory.readings:
        return {}
    times = [clock.rfc3339(at) for at in memory.readings]
    return {"readings": times, "discovered_at": memory.readings[0]}


def _memory(connection: sa.Connection, device: str) -> hearing.Memory:
    asked = {"at_device": device}
    kept = connection.execute(_READINGS, asked).mappings().first()
    times = _times(kept) if kept is not None else ()
    heard: dict[hearing.Key, hearing.Hearing] = {}
    for row in connection.execute(_HEARD, asked).mappings():
        fact = facts.NeighbourFact(**{name: row[name] for name in _FACTS})
        at = row["heard_until"] or (times[0] if times else row["valid_from"])
        heard[hearing.key(fact)] = hearing.Hearing(fact, at)
    return hearing.Memory(times, heard)


def _times(kept: Mapping[Any, Any]) -> tuple[datetime, ...]:
    """The last readings; of a device that was read before they were kept, the last one."""
    if kept["readings"]:
        return tuple(datetime.fromisoformat(text) for text in kept["readings"])
    return (kept["discovered_at"],) if kept["discovered_at"] is not None else ()
