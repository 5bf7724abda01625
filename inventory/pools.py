"""Decides which value of a pool a key gets; the unique index over current claims is the only truth.

A claim is keyed: asking again gives the same value, so a repeated step of an order never takes
two. The lowest free value is proposed and then inserted; who inserts first has it, the others
propose again. A released value rests before another key may have it, because devices may still
hold it for a while; its own key may have it back at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from inventory import history, tables
from oss_agent import errors

_ATTEMPTS = 64
"""How often a value may be lost to somebody quicker before that is called contention."""
_MAX_DIGITS = 18
"""Fits every column of a pool's values: they are 64 bits wide, 19 digits and a sign."""


@dataclass(frozen=True, slots=True)
class PoolRange:
    """A pool of whole numbers, ``first`` and ``last`` included.

    ``quarantine`` is how long (seconds) a released value rests before another key may have it.
    """

    name: str
    first: int
    last: int
    quarantine: float = 300.0


def seed(
    connection: sa.Connection, pools: Sequence[PoolRange], *, tenant: str, at: datetime
) -> None:
    """Make the pools what the settings say. Claims outside a shrunken range stay valid."""
    for pool in pools:
        if not 0 <= pool.first <= pool.last:
            raise errors.ConfigurationError(
                f"pool {pool.name}: first {pool.first} to last {pool.last} is no range; "
                "first must be 0 or more and not above last"
            )
        facts = {
            "tenant": tenant,
            "first": pool.first,
            "last": pool.last,
            "quarantine": pool.quarantine,
        }
        history.put(connection, tables.pools, {"name": pool.name}, facts, at)


def likely(connection: sa.Connection, pool: str, at: datetime) -> str:
    """The value a claim of a new key would get at ``at``; Conflict when the pool is exhausted."""
    return str(_lowest_free(connection, _row(connection, pool), at))


def claim(
    connection: sa.Connection, *, pool: str, key: str, wanted: str | None, at: datetime
) -> str:
    """Give ``key`` a value of ``pool``; the same key always gets the same one.

    Conflict when the wanted value is held or rests (holder named), is not what the key already
    has, lies outside of the pool, or when nothing is left. ConfigurationError on an unknown pool.
    """
    row = _row(connection, pool)
    for _ in range(_ATTEMPTS):
        held = _held(connection, pool, key)
        if held is not None:
            return _keep(pool, key, held, wanted)
        value = _proposal(connection, row, key, wanted, at)
        if _take(connection, row, key, value, at):
            return str(value)
    raise errors.Conflict(
        f"pool {pool} is contended: {_ATTEMPTS} values were taken by others; retry"
    )


def release(connection: sa.Connection, *, key: str, at: datetime) -> None:
    """Every value of ``key`` rests from ``at`` on. Safe twice."""
    c = tables.pool_claims.c
    held = sa.select(c.pool, c.value).where(
        history.current(tables.pool_claims), c.key == key, c.released_at.is_(None)
    )
    for pool, value in connection.execute(held).all():
        at_value = {"pool": pool, "value": value}
        history.put(connection, tables.pool_claims, at_value, {"released_at": at}, at)


def _row(connection: sa.Connection, pool: str) -> sa.RowMapping:
    current = sa.select(tables.pools).where(history.current(tables.pools))
    rows = {row["name"]: row for row in connection.execute(current).mappings()}
    if pool not in rows:
        known = ", ".join(sorted(rows)) or "none"
        raise errors.ConfigurationError(
            f"pool {pool} does not exist (known: {known}); add it to the settings"
        )
    return rows[pool]


def _held(connection: sa.Connection, pool: str, key: str) -> int | None:
    return _value(connection, pool, key, tables.pool_claims.c.released_at.is_(None))


def _proposal(
    connection: sa.Connection, pool: sa.RowMapping, key: str, wanted: str | None, at: datetime
) -> int:
    if wanted is not None:
        return _wish(connection, pool, key, wanted, at)
    c = tables.pool_claims.c
    rests = sa.and_(c.released_at.is_not(None), c.value.between(pool["first"], pool["last"]))
    had = _value(connection, pool["name"], key, rests)
    return had if had is not None else _lowest_free(connection, pool, at)


def _value(
    connection: sa.Connection, pool: str, key: str, which: sa.ColumnElement[bool]
) -> int | None:
    c = tables.pool_claims.c
    mine = sa.select(c.value).where(
        history.current(tables.pool_claims), c.pool == pool, c.key == key, which
    )
    return connection.execute(mine.order_by(c.value).limit(1)).scalar_one_or_none()


def _keep(pool: str, key: str, held: int, wanted: str | None) -> str:
    if wanted is not None and wanted != str(held):
        raise errors.Conflict(
            f"{key} already has {held} of pool {pool} and asks for {wanted}; release it first",
            holder=key,
        )
    return str(held)


def _wish(
    connection: sa.Connection, pool: sa.RowMapping, key: str, wanted: str, at: datetime
) -> int:
    if not _inside(pool, wanted):
        raise errors.Conflict(
            f"{wanted} is not in pool {pool['name']} ({pool['first']} to {pool['last']})"
        )
    holder = _blocker(connection, pool, int(wanted), at)
    if holder is not None and holder["key"] != key:
        raise errors.Conflict(_blocked(pool, wanted, holder), holder=holder["key"])
    return int(wanted)


def _inside(pool: sa.RowMapping, wanted: str) -> bool:
    # isascii because int() reads digits of other scripts too
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= _MAX_DIGITS):
        return False
    return bool(pool["first"] <= int(wanted) <= pool["last"])


def _blocker(
    connection: sa.Connection, pool: sa.RowMapping, value: int, at: datetime
) -> sa.RowMapping | None:
    c = tables.pool_claims.c
    taken = sa.select(c.key, c.released_at).where(_unavailable(pool, at), c.value == value)
    return connection.execute(taken).mappings().first()


def _blocked(pool: sa.RowMapping, wanted: str, holder: sa.RowMapping) -> str:
    if holder["released_at"] is None:
        return f"{wanted} of pool {pool['name']} is held by {holder['key']}"
    free_at = holder["released_at"] + timedelta(seconds=pool["quarantine"])
    return (
        f"{wanted} of pool {pool['name']} was released by {holder['key']} "
        f"and rests until {free_at:%Y-%m-%d %H:%M:%S}Z"
    )


def _unavailable(pool: sa.RowMapping, at: datetime) -> sa.ColumnElement[bool]:
    """Claims of this pool that are held, or rest at ``at``."""
    c = tables.pool_claims.c
    rested = at - timedelta(seconds=pool["quarantine"])
    return sa.and_(
        history.current(tables.pool_claims),
        c.pool == pool["name"],
        sa.or_(c.released_at.is_(None), c.released_at > rested),
    )


def _lowest_free(connection: sa.Connection, pool: sa.RowMapping, at: datetime) -> int:
    # The lowest free value is the first of the pool or the successor of a taken one: two index
    # scans, where listing the range would cost the size of the pool.
    taken = (
        sa.select(tables.pool_claims.c.value)
        .where(_unavailable(pool, at), tables.pool_claims.c.value >= pool["first"])
        .cte("taken")
    )
    successor: sa.Select[Any] = sa.select((taken.c.value + 1).label("value"))
    candidates = sa.union_all(
        sa.select(sa.literal(pool["first"]).label("value")), successor
    ).subquery("candidates")
    free = sa.select(sa.func.min(candidates.c.value)).where(
        candidates.c.value <= pool["last"], candidates.c.value.not_in(sa.select(taken.c.value))
    )
    value = connection.execute(free).scalar_one()
    if value is None:
        raise errors.Conflict(
            f"pool {pool['name']} ({pool['first']} to {pool['last']}) is exhausted; "
            "widen it in the settings or wait until released values have rested"
        )
    return int(value)


def _take(
    connection: sa.Connection, pool: sa.RowMapping, key: str, value: int, at: datetime
) -> bool:
    """Insert the claim; False when somebody was quicker."""
    claim = {
        "tenant": pool["tenant"],
        "pool": pool["name"],
        "value": value,
        "key": key,
        "released_at": None,
    }
    try:
        with connection.begin_nested():
            history.end(connection, tables.pool_claims, _over(pool, key, value, at), at)
            history.begin(connection, tables.pool_claims, claim, at)
    except exc.IntegrityError:
        return False
    return True


def _over(pool: sa.RowMapping, key: str, value: int, at: datetime) -> sa.ColumnElement[bool]:
    """A rest at this value that is over, or the key's own, which ends when it comes back."""
    c = tables.pool_claims.c
    rested = at - timedelta(seconds=pool["quarantine"])
    return sa.and_(
        c.pool == pool["name"],
        c.value == value,
        c.released_at.is_not(None),
        sa.or_(c.key == key, c.released_at <= rested),
    )
