"""F-14: more orders at once than a pool has values: each that completes has its own, one ends clean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.pools import pools
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent.fulfilment.record import tables
from oss_agent.spi import views
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
VALUES = (10_100, 10_101)
"""One too few for three orders."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path) as made:
        await made.rows.write(lambda c: narrow(c, made))
        yield made


def narrow(connection: sa.Connection, world: worlds.World) -> None:
    few = pools.PoolRange("core-vni", VALUES[0], VALUES[-1])
    pools.seed(connection, [few], tenant=worlds.TENANT, at=world.clock.now())


async def ordered(world: worlds.World) -> list[views.ServiceOrderView]:
    ids: list[str] = []
    for number, port in enumerate(worlds.PORTS):
        ends = {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"}
        ids.append((await world.order(f"acme-{number}", characteristics=ends)).id)
    await world.run_to_the_end()
    return [await world.get(key) for key in ids]


async def held(world: worlds.World) -> list[tuple[int, str]]:
    c = inventory_tables.pool_claims.c
    current = (history.current(inventory_tables.pool_claims), c.released_at.is_(None))
    asked = sa.select(c.value, c.key).where(*current).order_by(c.value)
    rows = await world.rows.read(lambda connection: connection.execute(asked).all())
    return [(row.value, row.key) for row in rows]


async def test_the_one_too_many_ends_clean_and_holds_nothing(world: worlds.World) -> None:
    before = await world.snapshots()
    orders = await ordered(world)

    completed = [one for one in orders if one.state is views.OrderState.COMPLETED]
    (refused,) = [one for one in orders if one not in completed]
    assert refused.state in {views.OrderState.REJECTED, views.OrderState.FAILED}
    assert "exhausted" in str(refused)
    assert [value for value, _ in await held(world)] == list(VALUES)
    living = {str(one.items[0].service_id) for one in completed}
    assert {key.partition(".")[0] for _, key in await held(world)} == living
    assert await world.count(tables.claim) == len(VALUES)
    assert await world.count(tables.lease) == 0
    assert before != await world.snapshots()
    assert not any(world.holds(name, refused.items[0].service_name or "?") for name in worlds.PES)
