"""A thousand at once through the real store, as four nodes on one database: nothing is given twice."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from oss_agent import errors, store

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_NODES = 4
_CLAIMS = 1_000
_PREFIXES = 120


async def _race(url: str, pool: str, wishes: Sequence[str | None]) -> list[str]:
    """Every wish claimed under a key of its own, all at once, over as many stores as nodes."""
    async with contextlib.AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(store.open_store(url)) for _ in range(_NODES)]
        turns = zip(itertools.count(), itertools.cycle(nodes), wishes, strict=False)

        async def claim(number: int, node: store.SqlStore, wanted: str | None) -> str:
            key = f"key-{number}"
            while True:
                try:
                    return await node.write(
                        lambda c: pool_claims.claim(c, pool=pool, key=key, wanted=wanted, at=_AT)
                    )
                except errors.Conflict:
                    return ""
                except errors.StoreUnavailable:
                    continue  # SQLite lets nobody stand in a queue: who got no turn asks again

        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            tasks = [group.create_task(claim(*turn)) for turn in turns]
        return [task.result() for task in tasks]


@pytest.mark.anyio
async def test_a_thousand_claims_have_a_thousand_values(
    engine: sa.Engine, database_url: str
) -> None:
    with engine.begin() as connection:
        wide = pools.PoolRange("vni", 10_000, 20_000)
        pools.seed(connection, [wide], tenant="default", at=_AT)

    values = await _race(database_url, "vni", [None] * _CLAIMS)

    assert sorted(map(int, values)) == list(range(10_000, 10_000 + _CLAIMS))
    with engine.connect() as connection:
        c = tables.pool_claims.c
        kept = sa.select(c.key, c.value).where(history.current(tables.pool_claims))
        rows = connection.execute(kept).all()
    assert (len(rows), len({row.value for row in rows})) == (_CLAIMS, _CLAIMS)


@pytest.mark.anyio
async def test_prefixes_chosen_and_named_at_once_never_overlap(
    engine: sa.Engine, database_url: str
) -> None:
    """A named one may lie in the midst of what another node gives out: no index sees that."""
    block = pools.PoolRange.of_prefix("blocks", "203.0.112.0/20", 30, longest=32)
    with engine.begin() as connection:
        pools.seed(connection, [block], tenant="default", at=_AT)
    named = (f"203.0.{112 + n // 4}.{n % 4 * 64 + 13}/32" for n in range(_PREFIXES))
    wishes = [wish for one in named for wish in ("/29", one, None, "/27")][:_PREFIXES]

    texts = await _race(database_url, "blocks", wishes)

    given = sorted(ipaddress.ip_network(text) for text in texts if text)
    assert len(given) >= _PREFIXES * 3 // 4
    for one, other in itertools.pairwise(given):
        assert not one.overlaps(other)
