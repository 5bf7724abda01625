"""No order stands still for good, and none keeps others from their devices for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from oss_agent.fulfilment import journal, leases
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
OTHER_PORTS = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def test_a_holder_does_not_queue_behind_who_waits_for_it(world: World) -> None:
    await world.order("earlier")
    await world.order("later", characteristics=OTHER_PORTS)

    def take(connection: sa.Connection, transaction: str) -> tuple[leases.Blocker, ...]:
        mine = journal.load(connection, transaction)
        assert mine is not None
        return leases.take(connection, mine, worlds.PES, world.clock.now())

    assert await world.rows.write(lambda c: take(c, "2-1")) == ()
    waiting = await world.rows.write(lambda c: take(c, "1-1"))
    assert {one.transaction for one in waiting} == {"2-1"}
    # A crash before its intent was written: the later one takes again what it has.
    assert await world.rows.write(lambda c: take(c, "2-1")) == ()
