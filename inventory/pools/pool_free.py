"""Decides which value of a pool is the lowest free one, without reading all that are taken.

Below a pool's floor each value has a current row, or is a hole: its row ended. So the lowest free is
a hole, a value whose rest or reservation is over, or the first above the floor without a row. Rows
above it are read a chunk at a time, and the floor follows, so that no chunk is read through twice.
Floor and holes only say where to look, and the unique index over claims stays the only truth: each
row that ends leaves a hole, whatever the floor is just then, because another node may be moving it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from inventory.pools import pool_sql, pools
from inventory.rows import savepoint, tables

CHUNK: Final = 256
"""Claims that are read at once, and how far a floor may stay behind: to move it is a write."""
_C, _F, _H = tables.pool_claims.c, tables.pool_floors.c, tables.pool_holes.c
_POOL: Final[sa.BindParameter[str]] = sa.bindparam("at_pool")
_START: Final[sa.BindParameter[int]] = sa.bindparam("start", type_=sa.BigInteger())
_END: Final[sa.BindParameter[int]] = sa.bindparam("end", type_=sa.BigInteger())
_HOLE = (
    sa.select(_H.value)
    .where(_H.pool == _POOL, _H.value >= _START, _H.value < _END)
    .where(~sa.exists().where(pool_sql.UNAVAILABLE, _C.value == _H.value))
    .order_by(_H.value)
    .limit(1)
)
_OVER = (
    sa.select(_C.value)
    .where(pool_sql.OVER_BY_NOW, _C.value >= _START, _C.value < _END)
    .order_by(_C.value)
    .limit(1)
)
_CLAIMED = sa.select(_C.value).where(pool_sql.OF_POOL, _C.value >= _START, _C.value < _END)
_FLOOR = sa.select(_F.floor).where(_F.pool == _POOL, _F.first == sa.bindparam("at_first"))
_RAISE = sa.update(tables.pool_floors).where(
    _F.pool == _POOL, _F.first == sa.bindparam("at_first"), _F.floor < sa.bindparam("to")
)
_FILL = sa.delete(tables.pool_holes).where(_H.pool == _POOL, _H.value >= _START, _H.value < _END)


@dataclass(frozen=True, slots=True)
class Lowest:
    """A free value, and up to where each value was seen to have a row."""

    value: int
    floor: int


def lowest(connection: sa.Connection, pool: pools.Pool, at: datetime, start: int) -> Lowest | None:
    """The lowest value from ``start`` on that is free at ``at``; None when none is. Writes nothing."""
    end = pool.last + 1
    asked = {**pool.at(at), "start": start, "end": end}
    given = (connection.execute(one, asked).scalar_one_or_none() for one in (_HOLE, _OVER))
    before = min((value for value in given if value is not None), default=end)
    floor = _floor(connection, pool)
    value, reached = _unclaimed(connection, pool.name, max(start, floor), before)
    return Lowest(value, reached if start <= floor else floor) if value < end else None


def _floor(connection: sa.Connection, pool: pools.Pool) -> int:
    named = {"at_pool": pool.name, "at_first": pool.first}
    found = connection.execute(_FLOOR, named).scalar_one_or_none()
    return pool.first if found is None else int(found)


def _unclaimed(connection: sa.Connection, pool: str, start: int, end: int) -> tuple[int, int]:
    """The first value without a row, else ``end``; and up to where all chunks were full."""
    while start < end:
        chunk = range(start, min(start + CHUNK, end))
        asked = {"at_pool": pool, "start": chunk.start, "end": chunk.stop}
        claimed = set(connection.execute(_CLAIMED, asked).scalars())
        if len(claimed) < len(chunk):
            return next(value for value in chunk if value not in claimed), start
        start = chunk.stop
    return end, start


def ended(connection: sa.Connection, rows: Iterable[Mapping[Any, Any]]) -> None:
    """The current rows of these claims end: their values have none any more."""
    holes = [{"pool": row["pool"], "value": row["value"]} for row in rows]
    if holes:
        connection.execute(sa.insert(tables.pool_holes), holes)


def claimed(connection: sa.Connection, pool: pools.Pool, value: int, size: int, floor: int) -> None:
    """A value has a row now; ``floor`` is as ``lowest`` told it."""
    span = {"at_pool": pool.name, "start": value, "end": value + size}
    connection.execute(_FILL, span)
    if floor - _floor(connection, pool) >= CHUNK:
        _raise(connection, pool, floor)


def _raise(connection: sa.Connection, pool: pools.Pool, floor: int) -> None:
    named = {"at_pool": pool.name, "at_first": pool.first}
    if _raised(connection, named, floor):
        return
    row = {"pool": pool.name, "first": pool.first, "floor": floor}
    try:
        with savepoint.within(connection):
            connection.execute(sa.insert(tables.pool_floors), row)
    except exc.IntegrityError:
        _raised(connection, named, floor)  # somebody else's is there, perhaps lower


def _raised(connection: sa.Connection, named: Mapping[str, Any], floor: int) -> bool:
    done = connection.execute(_RAISE.values(floor=floor), {**named, "to": floor})
    return done.rowcount > 0
