"""Decides what an audit of a device tells of released values that nobody has seen to be gone yet.

An audit reads everything below where our part of a store begins. A value is not there when the part of
its service, read after the release, mentions it nowhere. A store that shows nothing at all proves
nothing: so does a device that is still loading what it had.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from inventory.drift import drift
from inventory.pools import pool_absence, pool_sql
from inventory.rows import history, tables
from oss_agent.spi import tree
from oss_agent.spi.tree import Path, Tree

_MOST: Final = 500
"""Releases that are asked about at most, the newest first: the others rest by time."""
_C = tables.pool_claims.c
_UNSEEN = (
    sa.select(_C.row, _C.key, _C.text, _C.value, _C.released_at)
    .where(pool_sql.UNSEEN)
    .order_by(_C.released_at.desc())
    .limit(_MOST)
)
_ON = sa.select(tables.configured.c.device, tables.configured.c.service).where(
    history.current(tables.configured),
    tables.configured.c.service.in_(sa.bindparam("services", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Rest:
    """A released value that nobody has seen to be gone; ``row`` is its claim's."""

    row: int
    service: str
    text: str


def resting(connection: sa.Connection, services: Collection[str]) -> tuple[Rest, ...]:
    """Those of some services."""
    rows = connection.execute(_UNSEEN)
    every = (Rest(one.row, _service(one.key), one.text or str(one.value)) for one in rows)
    return tuple(one for one in every if one.service in services)


def released(connection: sa.Connection) -> Mapping[str, datetime]:
    """By device: when a value of a service on it was last released that nobody has seen to be gone."""
    rows = connection.execute(_UNSEEN).all()
    latest: dict[str, datetime] = {}
    for one in reversed(rows):
        latest[_service(one.key)] = one.released_at
    if not latest:
        return {}
    found: dict[str, datetime] = {}
    for device, service in connection.execute(_ON, {"services": list(latest)}):
        found[device] = max(latest[service], found.get(device, latest[service]))
    return found


def gone(rests: Sequence[Rest], parts: Sequence[drift.Part], now: Tree) -> frozenset[int]:
    """Of ``rests`` the rows of those that ``now``, read where the parts begin, is without. Pure."""
    if not now.children:
        return frozenset()
    mine = {part.service: part for part in parts}
    return frozenset(
        one.row
        for one in rests
        if one.service in mine and not _holds(now, mine[one.service], one.text)
    )


def _holds(now: Tree, part: drift.Part, text: str) -> bool:
    places = (_at(now, path) for path in drift.starts([part]))
    return any(
        place is not None and pool_absence.mentions(tree.to_json(place), text) for place in places
    )


def _at(node: Tree, path: Path) -> Tree | None:
    for step in path:
        below = next((child for child in node.children if child.step == step), None)
        if below is None:
            return None
        node = below
    return node


def _service(key: str) -> str:
    return key.partition(".")[0]
