"""Decides how pools and their claims are shown: counts, states, the history behind a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory import (
    history,
    pool_absence,
    pool_claims,
    pool_forecast,
    pool_sql,
    pool_values,
    pools,
    tables,
)
from oss_agent import errors
from oss_agent.moment import Moment
from oss_agent.spi.pools import ClaimState, ClaimView, ForecastView, PoolView

_MOST: Final = 10_000
"""Claims of one pool that are shown at most."""
_C = tables.pool_claims.c
_RESERVED = sa.and_(pool_sql.LIVE, _C.expires_at.is_not(None))
_HELD = sa.and_(pool_sql.LIVE, _C.expires_at.is_(None))
_IN_RANGE = _C.value.between(sa.bindparam("first"), sa.bindparam("last"))
_COUNTS = sa.select(
    *(
        sa.func.coalesce(
            sa.func.sum(sa.case((which, sa.func.coalesce(_C.size, 1)), else_=0)), 0
        ).label(name)
        for name, which in (("held", _HELD), ("reserved", _RESERVED), ("resting", pool_sql.RESTS))
    )
).where(history.current(tables.pool_claims), _C.pool == sa.bindparam("at_pool"), _IN_RANGE)
_CLAIMS = (
    sa.select(tables.pool_claims)
    .where(
        history.current(tables.pool_claims),
        _C.pool == sa.bindparam("at_pool"),
        sa.or_(pool_sql.LIVE, pool_sql.RESTS),
    )
    .order_by(_C.value)
    .limit(_MOST)
)
_SINCE: Final[sa.BindParameter[datetime]] = sa.bindparam("since", type_=Moment())
_PAST = sa.select(_C.valid_from, _C.valid_to, sa.func.coalesce(_C.size, 1)).where(
    _C.pool == sa.bindparam("at_pool"),
    _C.known_to.is_(None),
    _C.released_at.is_(None),
    _C.expires_at.is_(None),
    sa.or_(_C.valid_to.is_(None), _C.valid_to > _SINCE),
)


def found(connection: sa.Connection, tenant: str, name: str) -> pools.Pool:
    """One of a tenant's pools; NotFound."""
    known = {one.name: one for one in pools.rows(connection) if one.tenant == tenant}
    if name not in known:
        raise errors.NotFound(f"pool {name}")
    return known[name]


def listing(connection: sa.Connection, tenant: str, at: datetime) -> tuple[PoolView, ...]:
    """A tenant's pools, by name."""
    mine = [one for one in pools.rows(connection) if one.tenant == tenant]
    return tuple(view(connection, one, at) for one in mine)


def view(
    connection: sa.Connection, pool: pools.Pool, at: datetime, *, ahead: bool = False
) -> PoolView:
    """One pool with its counts; ``ahead``: with its forecast."""
    counts = _counts(connection, pool, at)
    size = pool_values.count(pool.values)
    taken = sum(counts.values())
    return PoolView(
        name=pool.name,
        kind=pool.kind.value,
        gives=str(pool.values),
        size=size,
        **counts,
        free=size - taken,
        used=round(taken / size, 4),
        quarantine=pool.quarantine,
        unseen=pool.unseen,
        forecast=_forecast(connection, pool, at) if ahead else None,
    )


def used(connection: sa.Connection, at: datetime) -> Mapping[str, float]:
    """By pool: the part that nobody may have now, 0 to 1."""
    known = pools.rows(connection)
    return {
        one.name: sum(_counts(connection, one, at).values()) / pool_values.count(one.values)
        for one in known
    }


def free(connection: sa.Connection, at: datetime) -> Mapping[str, float]:
    """By pool: how many values may be given out now."""
    known = pools.rows(connection)
    return {
        one.name: pool_values.count(one.values) - sum(_counts(connection, one, at).values())
        for one in known
    }


def claims(connection: sa.Connection, pool: pools.Pool, at: datetime) -> tuple[ClaimView, ...]:
    """What is not free, by value."""
    rows = connection.execute(_CLAIMS, pool.at(at)).mappings()
    return tuple(claim(pool, row) for row in rows)


def claim(pool: pools.Pool, row: Mapping[Any, Any]) -> ClaimView:
    """One claim as it is shown. Pure."""
    state, since, until, why = ClaimState.HELD, row["valid_from"], row["expires_at"], ""
    if row["released_at"] is not None:
        rest = pool_absence.rest(row, pool.quarantine, pool.unseen)
        state, since, until, why = (
            ClaimState.RESTING,
            row["released_at"],
            rest.until,
            rest.words,
        )
    elif until is not None:
        state = ClaimState.RESERVED
    return ClaimView(pool.name, pool_claims.text_of(row), row["key"], state, since, until, why)


def _counts(connection: sa.Connection, pool: pools.Pool, at: datetime) -> dict[str, int]:
    asked = {**pool.at(at), "first": pool.first, "last": pool.last}
    row = connection.execute(_COUNTS, asked).mappings().one()
    return {name: int(number) for name, number in row.items()}


def _forecast(connection: sa.Connection, pool: pools.Pool, at: datetime) -> ForecastView:
    since = at - timedelta(days=pool_forecast.WINDOW)
    rows = connection.execute(_PAST, {"at_pool": pool.name, "since": since}).all()
    past = [(row[0], row[1], row[2] or 1) for row in rows]
    return pool_forecast.forecast(past, pool_values.count(pool.values), at)
