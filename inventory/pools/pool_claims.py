"""Decides which value of a pool a key gets; the unique index over current claims is the only truth.

A claim is keyed: asking again gives the same value, so a repeated step of an order never takes
two. The lowest free value is proposed and then inserted; who inserts first has it, the others
propose again. A reservation is a claim with an end: it keeps a value from being given out by
chance, and who names that value has it. A released value rests before another key may have it,
because devices may still hold it for a while; its own key may have it back at once. Values are
numbers here; what they mean and how they are written is ``pool_values``'.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from inventory.pools import pool_absence, pool_fit, pool_free, pool_sql, pool_values, pools
from inventory.rows import history, savepoint, tables
from oss_agent import errors

_LENGTH = re.compile(r"/(0|[1-9][0-9]{0,63})")
_ATTEMPTS = 64
"""How often a value may be lost to somebody quicker before that is called contention."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a pool a claim would lie; ``named`` when it was asked for by its value.

    ``floor`` is as ``pool_free.lowest`` told it.
    """

    value: int
    size: int
    text: str
    named: bool = False
    floor: int = 0


def likely(connection: sa.Connection, pool: str, at: datetime, beside: Collection[str] = ()) -> str:
    """The value a claim of a new key would get at ``at``, were those ``beside`` it claimed before.

    Conflict when the pool is exhausted.
    """
    found = pools.one(connection, pool)
    if isinstance(found.values, pool_values.Blocks):
        return _fitting(connection, found, found.values, found.values.length, at, beside).text
    taken = {found.values.number(text) for text in beside}
    value = _lowest_free(connection, found, at, found.first).value
    while value in taken:
        value = _lowest_free(connection, found, at, value + 1).value
    return found.values.text(value)


def granted(connection: sa.Connection, pool: str, key: str, wanted: str, at: datetime) -> str:
    """The wanted value as ``claim`` would give it to ``key``, or its Conflict; claims nothing."""
    found = pools.one(connection, pool)
    return _proposal(connection, found, key, wanted, at, reserving=False).text


def claim(
    connection: sa.Connection,
    *,
    pool: str,
    key: str,
    wanted: str | None,
    at: datetime,
    until: datetime | None = None,
) -> str:
    """Give ``key`` a value of ``pool``; the same key always gets the same one.

    ``wanted`` is a value, or of a block a length (``/29``). With ``until`` it is only reserved: free
    again then, unless claimed without by then, or asked for longer. Conflict when the wanted value
    is held or rests (holder named), is not what the key already has, lies outside of the pool, or
    when nothing is left. ConfigurationError on an unknown pool.
    """
    found = pools.one(connection, pool)
    if isinstance(found.values, pool_values.Blocks):
        connection.execute(pool_sql.LOCK, {"at_pool": pool}).first()
    for _ in range(_ATTEMPTS):
        held = _held(connection, found, key, at)
        if held is not None:
            return _keep(connection, held, wanted, at, until)
        place = _proposal(connection, found, key, wanted, at, reserving=until is not None)
        if _take(connection, found, key, place, at, until):
            return place.text
    raise errors.Conflict(
        f"pool {pool} is contended: {_ATTEMPTS} values were taken by others; retry"
    )


def release(connection: sa.Connection, *, key: str, at: datetime) -> None:
    """Every value of ``key`` rests from ``at`` on; what was only reserved is free. Safe twice."""
    held = connection.execute(pool_sql.OF_KEY, {"at_key": key}).mappings().all()
    reserved = [row for row in held if row["expires_at"]]
    history.end_rows(connection, tables.pool_claims, reserved, at)
    pool_free.ended(connection, reserved)
    rests = [(row, _rest(connection, row, at)) for row in held if not row["expires_at"]]
    history.replace(connection, tables.pool_claims, rests, at)


def _rest(connection: sa.Connection, row: sa.RowMapping, at: datetime) -> dict[str, Any]:
    """How a value begins to rest: seen to be gone from the devices already, or not yet."""
    seen = pool_absence.evidence(connection, row, text_of(row))
    if seen is None:
        return {"released_at": at, "absent_at": None}
    return {"released_at": at, "absent_at": at, "absence": seen}


def text_of(row: Mapping[Any, Any]) -> str:
    """A claim's value as it was written then: a pool's range may have changed since."""
    return row["text"] or str(row["value"])


def _held(
    connection: sa.Connection, pool: pools.Pool, key: str, at: datetime
) -> sa.RowMapping | None:
    return connection.execute(pool_sql.HELD, {**pool.at(at), "at_key": key}).mappings().first()


def _keep(
    connection: sa.Connection,
    held: sa.RowMapping,
    wanted: str | None,
    at: datetime,
    until: datetime | None,
) -> str:
    """What the key has already; a reservation that is claimed now, or asked for longer, becomes so."""
    text, expires = text_of(held), held["expires_at"]
    if not _suits(text, wanted):
        raise errors.Conflict(
            f"{held['key']} already has {text} of pool {held['pool']} and asks for {wanted}; "
            "release it first",
            holder=held["key"],
        )
    if expires is not None and (until is None or until > expires):
        history.replace(connection, tables.pool_claims, [(held, {"expires_at": until})], at)
    return text


def _suits(text: str, wanted: str | None) -> bool:
    """Is what a key has what it asks for now? ``/29`` is any prefix of that length."""
    if wanted is None or text == wanted:
        return True
    return wanted.startswith("/") and text.endswith(wanted)


def _proposal(
    connection: sa.Connection,
    pool: pools.Pool,
    key: str,
    wanted: str | None,
    at: datetime,
    *,
    reserving: bool,
) -> _Place:
    length = _length(pool, wanted)
    if wanted is not None and length is None:
        return _wish(connection, pool, key, wanted, at, reserving=reserving)
    had = _rested(connection, pool, key, length)
    if had is not None:
        return had
    if isinstance(pool.values, pool_values.Blocks):
        return _fitting(connection, pool, pool.values, length or pool.values.length, at)
    free = _lowest_free(connection, pool, at, pool.first)
    return _Place(free.value, 1, pool.values.text(free.value), floor=free.floor)


def _length(pool: pools.Pool, wanted: str | None) -> int | None:
    """The length of a wish for any prefix of one (``/29``); only a block has several."""
    blocks = isinstance(pool.values, pool_values.Blocks)
    written = _LENGTH.fullmatch(wanted) if blocks and wanted is not None else None
    return None if written is None else int(written[1])


def _rested(
    connection: sa.Connection, pool: pools.Pool, key: str, length: int | None
) -> _Place | None:
    """The lowest of the key's own values that rest and would do."""
    mine = {"at_pool": pool.name, "at_key": key, "first": pool.first, "last": pool.last}
    for row in connection.execute(pool_sql.RESTED, mine):
        place = _place(pool, row.value, row.size or 1)
        if length is None or place.text.endswith(f"/{length}"):
            return place
    return None


def _place(pool: pools.Pool, value: int, size: int) -> _Place:
    if isinstance(pool.values, pool_values.Blocks):
        return _Place(value, size, pool.values.written(value, size))
    return _Place(value, 1, pool.values.text(value))


def _wish(
    connection: sa.Connection,
    pool: pools.Pool,
    key: str,
    wanted: str,
    at: datetime,
    *,
    reserving: bool,
) -> _Place:
    number = pool.values.number(wanted)
    if number is None:
        raise errors.Conflict(f"{wanted} is not in pool {pool.name} ({pool.values})")
    size = 1
    if isinstance(pool.values, pool_values.Blocks):
        size = pool.values.size(int(wanted.partition("/")[2])) or 1
    place = _Place(number, size, wanted, named=True)
    holder = _blocker(connection, pool, key, place, at, reserving=reserving)
    if holder is not None:
        raise errors.Conflict(_blocked(pool, wanted, holder), holder=holder["key"])
    return place


def _blocker(
    connection: sa.Connection,
    pool: pools.Pool,
    key: str,
    place: _Place,
    at: datetime,
    *,
    reserving: bool,
) -> sa.RowMapping | None:
    """Who has it. A reservation gives way to who claims exactly what was reserved."""
    blocks = isinstance(pool.values, pool_values.Blocks)
    statement = pool_sql.BLOCKER_OF_BLOCK if blocks else pool_sql.BLOCKER
    for row in connection.execute(statement, _there(pool, key, place, at)).mappings():
        reserved = row["released_at"] is None and row["expires_at"] is not None
        if reserving or not reserved or text_of(row) != place.text:
            return row
    return None


def _there(pool: pools.Pool, key: str, place: _Place, at: datetime) -> dict[str, Any]:
    named = place.text if place.named else None
    span = {"start": place.value, "end": place.value + place.size}
    need = pool_sql.need_of(key)
    return {**pool.at(at), **span, "at_key": key, "at_need": need, "named": named}


def _blocked(pool: pools.Pool, wanted: str, holder: sa.RowMapping) -> str:
    what = f"{wanted} of pool {pool.name}"
    if text_of(holder) != wanted:
        what = f"{wanted} lies over {text_of(holder)}, which"
    if holder["released_at"] is None:
        until = holder["expires_at"]
        ends = f" until {until:%Y-%m-%d %H:%M:%S}Z" if until else ""
        return f"{what} is {'reserved' if until else 'held'} by {holder['key']}{ends}"
    rest = pool_absence.rest(holder, pool.quarantine, pool.unseen)
    return f"{what} was released by {holder['key']} and {rest.words}"


def _lowest_free(
    connection: sa.Connection, pool: pools.Pool, at: datetime, start: int
) -> pool_free.Lowest:
    found = pool_free.lowest(connection, pool, at, start)
    if found is None:
        raise _exhausted(pool, "")
    return found


def _fitting(
    connection: sa.Connection,
    pool: pools.Pool,
    blocks: pool_values.Blocks,
    length: int,
    at: datetime,
    beside: Collection[str] = (),
) -> _Place:
    """Where a prefix of ``length`` fits best. Reads all that is taken: for the few pools of blocks."""
    size = blocks.size(length)
    if size is None:
        raise errors.Conflict(f"/{length} is no length of pool {pool.name} ({blocks})")
    rows = connection.execute(pool_sql.TAKEN, pool.at(at))
    taken = [(start, amount or 1) for start, amount in rows]
    taken += [one for text in beside if (one := _span(blocks, text)) is not None]
    value = pool_fit.place(taken, pool_values.count(blocks), size)
    if value is None:
        raise _exhausted(pool, f" for a /{length}")
    return _place(pool, value, size)


def _span(blocks: pool_values.Blocks, text: str) -> tuple[int, int] | None:
    start = blocks.number(text)
    return None if start is None else (start, blocks.size(int(text.partition("/")[2])) or 1)


def _exhausted(pool: pools.Pool, what: str) -> errors.Conflict:
    return errors.Conflict(
        f"pool {pool.name} ({pool.values}) is exhausted{what}; "
        "widen it in the settings or wait until released values have rested"
    )


def _take(
    connection: sa.Connection,
    pool: pools.Pool,
    key: str,
    place: _Place,
    at: datetime,
    until: datetime | None,
) -> bool:
    """Insert the claim; False when somebody was quicker."""
    claim = {
        "tenant": pool.tenant,
        "pool": pool.name,
        "value": place.value,
        "size": None if place.size == 1 else place.size,
        "text": place.text,
        "key": key,
        "released_at": None,
        "expires_at": until,
        "absent_at": None,
        "absence": None,
    }
    blocks = isinstance(pool.values, pool_values.Blocks)
    over = pool_sql.OVER_OF_BLOCK if blocks else pool_sql.OVER
    try:
        with savepoint.within(connection):
            gone = connection.execute(over, _there(pool, key, place, at)).mappings().all()
            history.end_rows(connection, tables.pool_claims, gone, at)
            pool_free.ended(connection, gone)
            history.begin(connection, tables.pool_claims, claim, at)
            pool_free.claimed(connection, pool, place.value, place.size, place.floor)
    except exc.IntegrityError:
        return False
    return True
