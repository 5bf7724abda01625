"""F-14: sixty-four at once for a pool of sixty-three; everybody has his own value, one has none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from oss_agent import errors

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_WRITERS = 64
_VALUES = range(100, 100 + _WRITERS - 1)


@pytest.fixture
def writers(engine: sa.Engine) -> Iterator[ThreadPoolExecutor]:
    """As many threads as there are orders, on a pool with one value too few."""
    small = pools.PoolRange("vni", _VALUES[0], _VALUES[-1])
    with engine.begin() as connection:
        pools.seed(connection, [small], tenant="default", at=_AT)
    with ThreadPoolExecutor(_WRITERS) as threads:
        yield threads


def test_each_has_a_value_of_its_own_and_exactly_one_is_refused(
    engine: sa.Engine, writers: ThreadPoolExecutor
) -> None:
    start = threading.Barrier(_WRITERS)

    def claim(number: int) -> str:
        start.wait(timeout=300)
        with engine.begin() as connection:
            return _claimed(connection, f"key-{number}")

    given = list(writers.map(claim, range(_WRITERS)))

    refused = [words for words in given if not words.isdigit()]
    assert len(refused) == 1, refused
    assert "exhausted" in refused[0]
    assert sorted(int(value) for value in given if value.isdigit()) == list(_VALUES)
    assert _holders(engine) == len(_VALUES)


def _claimed(connection: sa.Connection, key: str) -> str:
    try:
        return pool_claims.claim(connection, pool="vni", key=key, wanted=None, at=_AT)
    except errors.Conflict as refused:
        return str(refused)


def _holders(engine: sa.Engine) -> int:
    c = tables.pool_claims.c
    held = (history.current(tables.pool_claims), c.released_at.is_(None))
    with engine.connect() as connection:
        asked = sa.select(sa.func.count(sa.distinct(c.key))).where(*held)
        return int(connection.execute(asked).scalar_one())
