"""Several writers at once, as several nodes on one database are: nothing is ever held twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.planning import port_claims
from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from oss_agent import errors

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_WRITERS = 6
_EACH = 8


def _together(engine: sa.Engine, work: Callable[[sa.Connection, int], str]) -> list[str]:
    """Run ``work`` in as many connections as there are writers, all starting at once."""
    start = threading.Barrier(_WRITERS)

    def write(number: int) -> list[str]:
        start.wait(timeout=300)
        out: list[str] = []
        for turn in range(_EACH):
            with engine.begin() as connection:
                out.append(work(connection, number * _EACH + turn))
        return out

    with ThreadPoolExecutor(_WRITERS) as threads:
        return [value for values in threads.map(write, range(_WRITERS)) for value in values]


def test_racing_claims_get_distinct_values(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        wide = pools.PoolRange("vni", 1, 1000)
        pools.seed(connection, [wide], tenant="default", at=_AT)

    def claim(connection: sa.Connection, number: int) -> str:
        return pool_claims.claim(connection, pool="vni", key=f"key-{number}", wanted=None, at=_AT)

    values = _together(engine, claim)

    assert sorted(map(int, values)) == list(range(1, _WRITERS * _EACH + 1))


def test_racing_claims_of_one_key_get_one_value(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        pools.seed(connection, [pools.PoolRange("vni", 1, 1000)], tenant="default", at=_AT)

    def claim(connection: sa.Connection, _: int) -> str:
        return pool_claims.claim(connection, pool="vni", key="same", wanted=None, at=_AT)

    assert set(_together(engine, claim)) == {"1"}


def test_racing_claims_of_a_value_that_has_rested_have_one_winner(engine: sa.Engine) -> None:
    later = _AT + timedelta(seconds=600)
    with engine.begin() as connection:
        pools.seed(connection, [pools.PoolRange("vni", 1, 1)], tenant="default", at=_AT)
        pool_claims.claim(connection, pool="vni", key="old", wanted=None, at=_AT)
        pool_claims.release(connection, key="old", at=_AT)

    def claim(connection: sa.Connection, number: int) -> str:
        try:
            return pool_claims.claim(connection, pool="vni", key=f"k{number}", wanted="1", at=later)
        except errors.Conflict:
            return ""

    assert [value for value in _together(engine, claim) if value] == ["1"]
    with engine.begin() as connection:
        current = history.current(tables.pool_claims)
        rows = connection.execute(sa.select(tables.pool_claims).where(current)).all()
        assert len(rows) == 1


@pytest.mark.parametrize("turn", range(3))
def test_a_port_taken_by_many_at_once_has_one_holder(engine: sa.Engine, turn: int) -> None:
    def take(connection: sa.Connection, number: int) -> str:
        service = f"svc-{number}"
        try:
            port_claims.take(
                connection,
                service=service,
                order=str(number),
                ports=[("pe1", f"eth{turn}")],
                tenant="default",
                at=_AT,
            )
        except errors.Conflict:
            return ""
        return service

    winners = [service for service in _together(engine, take) if service]

    assert len(winners) == 1
    with engine.begin() as connection:
        rows = connection.execute(sa.select(tables.port_claims)).mappings().all()
        assert [row["service"] for row in rows] == winners
