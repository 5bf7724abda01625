"""Decides how pools and their claims are shown: counts, states, the history behind a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.pools import pool_absence, pool_claims, pool_forecast, pool_sql, pool_values, pools
from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.moment import Moment
from oss_agent.spi.moments import AsOf
from oss_agent.spi.pools import ClaimState, ClaimView, ForecastView, PoolView

_MOST: Final = 10_000
"""Claims of one pool that are shown at most."""
_C = tables.pool_claims.c
_RESERVED = sa.and_(pool_sql.LIVE, _C.expires_at.is_not(None))
_HELD = sa.and_(pool_sql.LIVE, _C.expires_at.is_(None))
_IN_RANGE = _C.value.between(sa.bindparam("first"), sa.bindparam("last"))
_COUNTED = sa.select(
    *(
        sa.func.coalesce(
            sa.func.sum(sa.case((which, sa.func.coalesce(_C.size, 1)), else_=0)), 0
        ).label(name)
        for name, which in (("held", _HELD), ("reserved", _RESERVED), ("resting", pool_sql.RESTS))
    )
).where(_C.pool == sa.bindparam("at_pool"), _IN_RANGE)
_TAKEN = (
    sa.select(tables.pool_claims)
    .where(_C.pool == sa.bindparam("at_pool"), sa.or_(pool_sql.LIVE, pool_sql.RESTS))
    .order_by(_C.value)
    .limit(_MOST)
)
_S = tables.pool_shortages.c
_SHORT = sa.select(_S.why).where(_S.pool == sa.bindparam("at_pool"))
_NOW = history.current(tables.pool_claims)
_COUNTS, _CLAIMS = _COUNTED.where(_NOW), _TAKEN.where(_NOW)
_SINCE: Final[sa.BindParameter[datetime]] = sa.bindparam("since", type_=Moment())
_UNTIL: Final[sa.BindParameter[datetime]] = sa.bindparam("until", type_=Moment())
_STOOD = sa.and_(
    _C.pool == sa.bindparam("at_pool"),
    _C.known_to.is_(None),
    _C.released_at.is_(None),
    _C.expires_at.is_(None),
    sa.or_(_C.valid_to.is_(None), _C.valid_to > _SINCE),
)


def _by_day(moment: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """What stood in the window by how many whole days ago: a row a day, however many claims."""
    seconds = sa.cast(sa.extract("epoch", moment), sa.BigInteger)
    ago = (sa.bindparam("second", type_=sa.BigInteger()) - seconds) // 86_400
    amount = sa.func.sum(sa.func.coalesce(_C.size, 1))
    counts: list[sa.ColumnElement[Any]] = [ago.label("ago"), amount.label("amount")]
    counts += [sa.func.count().label("claims"), sa.func.min(moment).label("first")]
    return sa.select(*counts).where(_STOOD, moment <= _UNTIL).group_by("ago")


_CAME, _WENT = _by_day(_C.valid_from), _by_day(_C.valid_to)


def found(
    connection: sa.Connection, tenant: str, name: str, when: AsOf | None = None
) -> pools.Pool:
    """One of a tenant's pools; NotFound."""
    known = {one.name: one for one in pools.rows(connection, when) if one.tenant == tenant}
    if name not in known:
        raise errors.NotFound(f"pool {name}")
    return known[name]


def listing(
    connection: sa.Connection, tenant: str, at: datetime, when: AsOf | None = None
) -> tuple[PoolView, ...]:
    """A tenant's pools, by name."""
    mine = [one for one in pools.rows(connection, when) if one.tenant == tenant]
    return tuple(view(connection, one, at, when=when) for one in mine)


def view(
    connection: sa.Connection,
    pool: pools.Pool,
    at: datetime,
    *,
    ahead: bool = False,
    when: AsOf | None = None,
) -> PoolView:
    """One pool with its counts; ``ahead``: with its forecast."""
    counts = _counts(connection, pool, at, when)
    size = pool_values.count(pool.values)
    taken = sum(counts.values())
    return PoolView(
        name=pool.name,
        kind=kind_of(pool),
        gives=str(pool.values),
        size=size,
        **counts,
        free=size - taken,
        used=round(taken / size, 4),
        quarantine=pool.quarantine,
        unseen=pool.unseen,
        short=_short(connection, pool, when),
        forecast=_forecast(connection, pool, at) if ahead else None,
    )


def kind_of(pool: pools.Pool) -> str:
    """What its values are; of a pool that is no range the settings name no kind."""
    match pool.values:
        case pool_values.Addresses():
            return "address"
        case pool_values.Prefixes() | pool_values.Blocks():
            return "prefix"
        case _:
            return pool.kind.value


def _short(connection: sa.Connection, pool: pools.Pool, when: AsOf | None) -> str:
    query = _SHORT.where(history.there(tables.pool_shortages, when))
    return connection.execute(query, {"at_pool": pool.name}).scalar_one_or_none() or ""


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


def claims(
    connection: sa.Connection, pool: pools.Pool, at: datetime, when: AsOf | None = None
) -> tuple[ClaimView, ...]:
    """What is not free, now or as of a moment, by value."""
    query = _CLAIMS if when is None else _TAKEN.where(_then(when))
    rows = connection.execute(query, pool.at(at if when is None else when.valid)).mappings()
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


def _then(when: AsOf) -> sa.ColumnElement[bool]:
    return history.there(tables.pool_claims, when)


def _counts(
    connection: sa.Connection, pool: pools.Pool, at: datetime, when: AsOf | None = None
) -> dict[str, int]:
    times = pool.at(at if when is None else when.valid)
    query = _COUNTS if when is None else _COUNTED.where(_then(when))
    row = (
        connection.execute(query, {**times, "first": pool.first, "last": pool.last})
        .mappings()
        .one()
    )
    return {name: int(number) for name, number in row.items()}


def _forecast(connection: sa.Connection, pool: pools.Pool, at: datetime) -> ForecastView:
    since = at - timedelta(days=pool_forecast.WINDOW)
    asked = {"at_pool": pool.name, "since": since, "until": at, "second": int(at.timestamp())}
    came, went = (connection.execute(query, asked).mappings().all() for query in (_CAME, _WENT))
    first = min((row["first"] for row in came), default=None)
    size = pool_values.count(pool.values)
    return pool_forecast.forecast(
        [_day(row) for row in came], [_day(row) for row in went], size, at, first
    )


def _day(row: Mapping[Any, Any]) -> pool_forecast.Day:
    """PostgreSQL counts in numbers of its own."""
    return pool_forecast.Day(int(row["ago"]), int(row["amount"]), int(row["claims"]))
