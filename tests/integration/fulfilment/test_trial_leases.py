"""While a driver's laws are run on a device no order has it; what a crash left is given back."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.talk import quiet
from oss_agent.fulfilment.transact import transaction
from oss_agent.fulfilment.turn import trial_leases
from oss_agent.spi import views
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


async def _take(world: worlds.World, run: str = "r1") -> None:
    at = world.clock.now()
    await world.rows.write(lambda c: trial_leases.take(c, run, worlds.TENANT, "pe2", at))


async def _end(world: worlds.World, run: str = "r1") -> None:
    at = world.clock.now()
    await world.rows.write(lambda c: trial_leases.release(c, run, at))


async def test_an_order_waits_until_the_run_is_over(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _take(world)
        with pytest.raises(errors.OrderRejected, match="pe2: its laws are being run; try again"):
            await _take(world, "r2")
        await _end(world, "r2")
        assert await world.rows.read(lambda c: quiet.since(c, world.lines, "pe2")) is None

        await world.order()
        await world.feeder.feed()
        await world.flow.step()
        waiting = await world.orders.explain(worlds.TENANT, "1")
        assert "device pe2: lease held by a run of its driver's laws" in repr(waiting)

        await _end(world)
        await world.run()
        assert (await world.get("1")).state is views.OrderState.COMPLETED
        assert await world.count(tables.lease) == 0


async def test_a_run_is_refused_while_an_order_has_the_device(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.feeder.feed()
        await world.flow.step()
        with pytest.raises(errors.OrderRejected, match="pe2: order 1 is changing it"):
            await _take(world)
        await world.run()
        await _take(world)


async def test_a_start_gives_back_what_a_crash_left(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _take(world)
        with structlog.testing.capture_logs() as told:
            await transaction.settle_all(world.parts)
        assert [one["device"] for one in told if "laws were run" in one["event"]] == ["pe2"]
        assert await world.count(tables.lease) == 0
