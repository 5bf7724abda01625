"""Decides which value of a pool a key gets; the unique index over current claims is the only truth.

A claim is keyed: asking again gives the same value, so a repeated step of an order never takes
two. The lowest free value is proposed and then inserted; who inserts first has it, the others
propose again. A released value rests before another key may have it, because devices may still
hold it for a while; its own key may have it back at once. Values are numbers here; what they mean
and how they are written is ``pool_values``'.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from inventory import history, pool_values, tables
from oss_agent import errors
from oss_agent.moment import Moment

_ATTEMPTS = 64
"""How often a value may be lost to somebody quicker before that is called contention."""
_C = tables.pool_claims.c
_OF_POOL = sa.and_(history.current(tables.pool_claims), _C.pool == sa.bindparam("at_pool"))
_OF_KEY = _C.key == sa.bindparam("at_key")
_RESTED_BY: sa.BindParameter[datetime] = sa.bindparam("rested", type_=Moment())
_UNAVAILABLE = sa.and_(_OF_POOL, sa.or_(_C.released_at.is_(None), _C.released_at > _RESTED_BY))
"""Claims of a pool that are held, or still rest: released later than ``rested``."""
_POOLS = sa.select(tables.pools).where(history.current(tables.pools))
_HELD_BY = sa.select(tables.pool_claims).where(
    history.current(tables.pool_claims), _OF_KEY, _C.released_at.is_(None)
)
_HELD = sa.select(_C.value, _C.text).where(_OF_POOL, _OF_KEY, _C.released_at.is_(None)).limit(1)
_RESTED = (
    sa.select(_C.value)
    .where(
        _OF_POOL,
        _OF_KEY,
        _C.released_at.is_not(None),
        _C.value.between(sa.bindparam("first"), sa.bindparam("last")),
    )
    .order_by(_C.value)
    .limit(1)
)
_BLOCKER = sa.select(_C.key, _C.released_at).where(
    _UNAVAILABLE, _C.value == sa.bindparam("at_value")
)
_OVER = sa.select(tables.pool_claims).where(
    _OF_POOL,
    _C.value == sa.bindparam("at_value"),
    _C.released_at.is_not(None),
    sa.or_(_OF_KEY, _C.released_at <= _RESTED_BY),
)
"""Made once: to build a statement costs several times as much as to run it."""


def _lowest() -> sa.Select[Any]:
    """The lowest free value from ``first`` on is that or the successor of a taken one.

    Two index scans, where listing the range would cost the size of the pool.
    """
    first: sa.BindParameter[int] = sa.bindparam("first", type_=_C.value.type)
    taken = sa.select(_C.value).where(_UNAVAILABLE, _C.value >= first).cte("taken")
    successor: sa.Select[Any] = sa.select((taken.c.value + 1).label("value"))
    candidates = sa.union_all(sa.select(first.label("value")), successor).subquery("candidates")
    return sa.select(sa.func.min(candidates.c.value)).where(
        candidates.c.value <= sa.bindparam("last"),
        candidates.c.value.not_in(sa.select(taken.c.value)),
    )


_LOWEST_FREE = _lowest()


@dataclass(frozen=True, slots=True)
class PoolRange:
    """A pool of whole numbers, ``first`` and ``last`` included, or of a prefix (``of_prefix``).

    ``quarantine`` is how long (seconds) a released value rests before another key may have it.
    """

    name: str
    first: int
    last: int
    quarantine: float = 300.0
    prefix: str | None = None
    length: int | None = None

    @classmethod
    def of_prefix(
        cls, name: str, prefix: str, length: int | None = None, quarantine: float = 300.0
    ) -> PoolRange:
        """The addresses of ``prefix``, or with a ``length`` the prefixes of that length in it."""
        try:
            found = pool_values.of(0, 0, prefix, length)
        except ValueError as wrong:
            raise errors.ConfigurationError(f"pool {name}: {wrong}") from wrong
        return cls(name, found.first, found.last, quarantine, prefix, length)


@dataclass(frozen=True, slots=True)
class _Pool:
    """A pool as the database has it."""

    name: str
    tenant: str
    quarantine: float
    values: pool_values.Values

    @property
    def first(self) -> int:
        return self.values.first

    @property
    def last(self) -> int:
        return self.values.last


def seed(
    connection: sa.Connection, pools: Sequence[PoolRange], *, tenant: str, at: datetime
) -> None:
    """Make the pools what the settings say. Claims outside a shrunken range stay valid.

    ConfigurationError when a pool would get another prefix while values of the old one are held.
    """
    for pool in pools:
        try:
            pool_values.of(pool.first, pool.last, pool.prefix, pool.length)
        except ValueError as wrong:
            raise errors.ConfigurationError(f"pool {pool.name}: {wrong}") from wrong
        _refuse_other_meaning(connection, pool, at)
        facts = {
            "tenant": tenant,
            "first": pool.first,
            "last": pool.last,
            "quarantine": pool.quarantine,
            "prefix": pool.prefix,
            "length": pool.length,
        }
        history.put(connection, tables.pools, {"name": pool.name}, facts, at)


def _refuse_other_meaning(connection: sa.Connection, pool: PoolRange, at: datetime) -> None:
    """Claims are numbers: under another prefix the same number would be another address."""
    before = _rows(connection).get(pool.name)
    if before is None or (before["prefix"], before["length"]) == (pool.prefix, pool.length):
        return
    c = tables.pool_claims.c
    mine = sa.and_(history.current(tables.pool_claims), c.pool == pool.name)
    held = connection.execute(sa.select(c.key).where(mine, c.released_at.is_(None)).limit(1))
    holder = held.scalar_one_or_none()
    if holder is not None:
        raise errors.ConfigurationError(
            f"pool {pool.name} was of {before['prefix'] or 'numbers'} and {holder} still has a value "
            "of it: give the new values a pool of another name"
        )
    history.end(connection, tables.pool_claims, c.pool == pool.name, at)


def likely(connection: sa.Connection, pool: str, at: datetime, beside: Collection[str] = ()) -> str:
    """The value a claim of a new key would get at ``at``, were those ``beside`` it claimed before.

    Conflict when the pool is exhausted.
    """
    found = _pool(connection, pool)
    taken = {found.values.number(text) for text in beside}
    value = _lowest_free(connection, found, at, found.first)
    while value in taken:
        value = _lowest_free(connection, found, at, value + 1)
    return found.values.text(value)


def granted(connection: sa.Connection, pool: str, key: str, wanted: str, at: datetime) -> str:
    """The wanted value as ``claim`` would give it to ``key``, or its Conflict; claims nothing."""
    found = _pool(connection, pool)
    return found.values.text(_wish(connection, found, key, wanted, at))


def claim(
    connection: sa.Connection, *, pool: str, key: str, wanted: str | None, at: datetime
) -> str:
    """Give ``key`` a value of ``pool``; the same key always gets the same one.

    Conflict when the wanted value is held or rests (holder named), is not what the key already
    has, lies outside of the pool, or when nothing is left. ConfigurationError on an unknown pool.
    """
    found = _pool(connection, pool)
    for _ in range(_ATTEMPTS):
        held = _held(connection, pool, key)
        if held is not None:
            return _keep(pool, key, held, wanted)
        value = _proposal(connection, found, key, wanted, at)
        if _take(connection, found, key, value, at):
            return found.values.text(value)
    raise errors.Conflict(
        f"pool {pool} is contended: {_ATTEMPTS} values were taken by others; retry"
    )


def release(connection: sa.Connection, *, key: str, at: datetime) -> None:
    """Every value of ``key`` rests from ``at`` on. Safe twice."""
    held = connection.execute(_HELD_BY, {"at_key": key}).mappings().all()
    rests = [(row, {"released_at": at}) for row in held]
    history.replace(connection, tables.pool_claims, rests, at)


def _rows(connection: sa.Connection) -> dict[str, sa.RowMapping]:
    return {row["name"]: row for row in connection.execute(_POOLS).mappings()}


def _pool(connection: sa.Connection, pool: str) -> _Pool:
    rows = _rows(connection)
    if pool not in rows:
        known = ", ".join(sorted(rows)) or "none"
        raise errors.ConfigurationError(
            f"pool {pool} does not exist (known: {known}); add it to the settings"
        )
    row = rows[pool]
    values = pool_values.of(row["first"], row["last"], row["prefix"], row["length"])
    return _Pool(pool, row["tenant"], row["quarantine"], values)


def _held(connection: sa.Connection, pool: str, key: str) -> str | None:
    """What the key has, as it was written then: a pool's range may have changed since."""
    row = connection.execute(_HELD, {"at_pool": pool, "at_key": key}).first()
    return None if row is None else row.text or str(row.value)


def _proposal(
    connection: sa.Connection, pool: _Pool, key: str, wanted: str | None, at: datetime
) -> int:
    if wanted is not None:
        return _wish(connection, pool, key, wanted, at)
    had = _rested(connection, pool, key)
    return had if had is not None else _lowest_free(connection, pool, at, pool.first)


def _rested(connection: sa.Connection, pool: _Pool, key: str) -> int | None:
    """The lowest of the key's own values that rest."""
    mine = {"at_pool": pool.name, "at_key": key, "first": pool.first, "last": pool.last}
    return connection.execute(_RESTED, mine).scalar_one_or_none()


def _keep(pool: str, key: str, held: str, wanted: str | None) -> str:
    if wanted is not None and wanted != held:
        raise errors.Conflict(
            f"{key} already has {held} of pool {pool} and asks for {wanted}; release it first",
            holder=key,
        )
    return held


def _wish(connection: sa.Connection, pool: _Pool, key: str, wanted: str, at: datetime) -> int:
    number = pool.values.number(wanted)
    if number is None:
        raise errors.Conflict(f"{wanted} is not in pool {pool.name} ({pool.values})")
    holder = _blocker(connection, pool, number, at)
    if holder is not None and holder["key"] != key:
        raise errors.Conflict(_blocked(pool, wanted, holder), holder=holder["key"])
    return number


def _blocker(
    connection: sa.Connection, pool: _Pool, value: int, at: datetime
) -> sa.RowMapping | None:
    rested = at - timedelta(seconds=pool.quarantine)
    this = {"at_pool": pool.name, "at_value": value, "rested": rested}
    return connection.execute(_BLOCKER, this).mappings().first()


def _blocked(pool: _Pool, wanted: str, holder: sa.RowMapping) -> str:
    if holder["released_at"] is None:
        return f"{wanted} of pool {pool.name} is held by {holder['key']}"
    free_at = holder["released_at"] + timedelta(seconds=pool.quarantine)
    return (
        f"{wanted} of pool {pool.name} was released by {holder['key']} "
        f"and rests until {free_at:%Y-%m-%d %H:%M:%S}Z"
    )


def _lowest_free(connection: sa.Connection, pool: _Pool, at: datetime, start: int) -> int:
    range_ = {"at_pool": pool.name, "first": start, "last": pool.last}
    rested = at - timedelta(seconds=pool.quarantine)
    value = connection.execute(_LOWEST_FREE, {**range_, "rested": rested}).scalar_one()
    if value is None:
        raise errors.Conflict(
            f"pool {pool.name} ({pool.values}) is exhausted; "
            "widen it in the settings or wait until released values have rested"
        )
    return int(value)


def _take(connection: sa.Connection, pool: _Pool, key: str, value: int, at: datetime) -> bool:
    """Insert the claim; False when somebody was quicker."""
    claim = {
        "tenant": pool.tenant,
        "pool": pool.name,
        "value": value,
        "text": pool.values.text(value),
        "key": key,
        "released_at": None,
    }
    try:
        with connection.begin_nested():
            history.end_rows(
                connection, tables.pool_claims, _over(connection, pool, key, value, at), at
            )
            history.begin(connection, tables.pool_claims, claim, at)
    except exc.IntegrityError:
        return False
    return True


def _over(
    connection: sa.Connection, pool: _Pool, key: str, value: int, at: datetime
) -> Sequence[sa.RowMapping]:
    """A rest at this value that is over, or the key's own, which ends when it comes back."""
    rested = at - timedelta(seconds=pool.quarantine)
    this = {"at_pool": pool.name, "at_value": value, "at_key": key, "rested": rested}
    return connection.execute(_OVER, this).mappings().all()
