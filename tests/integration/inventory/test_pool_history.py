"""The forecast of a pool is counted by the database, day by day, as its claims stood."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from inventory.pools import pool_forecast, pool_views, pools
from inventory.rows import tables

_NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
_SIZE = 1_000


def _claim(value: int, begin: datetime, end: datetime | None) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(("released_at", "expires_at", "absent_at", "absence"))
    known = {"known_from": end or begin, "known_to": None}
    period = {"valid_from": begin, "valid_to": end}
    size = {"size": value % 3 or None, "text": None}
    return (
        {"tenant": "default", "pool": "p", "value": value, "key": f"k{value}"}
        | size
        | empty
        | (period | known)
    )


def test_the_database_counts_what_stood_at_each_days_end(connection: sa.Connection) -> None:
    hours = random.Random(5)  # noqa: S311  no secret
    held: list[tuple[datetime, datetime | None, int]] = []
    pools.seed(connection, [pools.PoolRange("p", 1, _SIZE)], tenant="default", at=_NOW)
    for value in range(3, 203):
        begin = _NOW - timedelta(hours=hours.uniform(1, 24 * 120))
        end = None if value % 4 else begin + (_NOW - begin) * hours.random()
        row = _claim(value, begin, end)
        connection.execute(sa.insert(tables.pool_claims).values(**row))
        held.append((begin, end, value % 3 or 1))
    later = _claim(999, _NOW + timedelta(hours=1), None)
    standing = [one for one in held if one[1] is None or one[1] > _NOW - timedelta(days=90)]
    connection.execute(sa.insert(tables.pool_claims).values(**later))
    (pool,) = pools.rows(connection)

    said = pool_views.view(connection, pool, _NOW, ahead=True).forecast
    levels = [
        sum(n for begin, end, n in standing if begin <= at and (end is None or end > at))
        for at in (_NOW - timedelta(days=ago) for ago in range(90, -1, -1))
    ]
    expected = pool_forecast.forecast(
        [
            pool_forecast.Day(90 - n, level - before)
            for n, (before, level) in enumerate(_pairs(levels))
        ],
        [],
        _SIZE,
        _NOW,
        _NOW - timedelta(days=120),
    )
    assert said is not None
    assert (said.days, said.per_day) == (expected.days, expected.per_day)
    assert said.over_days == 90


def _pairs(levels: list[int]) -> list[tuple[int, int]]:
    return list(zip([0, *levels], levels, strict=False))
