"""No order is 'running' without a live owner: a run that is lost without a word is taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.transact import transaction
from oss_agent.spi import views
from oss_agent.testing.simulated.history import Kind
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
PHASES = ("prepare", "hold", "vote", "settle", "report")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def owner(world: World) -> tuple[str, int]:
    """Where the one transaction stands, and which run has it."""
    asked = sa.select(tables.transaction.c.stage, tables.transaction.c.run)
    row = (await world.rows.read(lambda c: c.execute(asked).all()))[-1]
    return row.stage, row.run


def pass_time(world: World, seconds: float) -> None:
    """For the routers too: what nobody confirms they undo."""
    world.clock.ahead += seconds
    for device in world.devices.values():
        if device.pending and seconds > world.limits.confirm_within:
            device.datastores.expire()


@pytest.mark.parametrize("done", range(len(PHASES)), ids=lambda n: f"lost-before-{PHASES[n]}")
async def test_a_run_that_is_lost_is_taken_up_in_its_time_and_carried_out_once(
    world: World, done: int
) -> None:
    assert tuple(phase.name for phase in transaction.phases(world.parts)) == PHASES
    await world.order()
    await world.feeder.feed()
    for _ in range(done):
        await world.flow.step()
    world.flow.lose()

    pass_time(world, world.limits.stalled_after - 60)
    await world.run()
    assert await owner(world) == (states.Stage.RUNNING, 1)
    pass_time(world, 61)
    await world.feeder.feed()
    assert await owner(world) == (states.Stage.RUNNING, 2)
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    for name, device in world.devices.items():
        assert world.holds(name)
        assert len(device.history.of(Kind.CONFIRM, Kind.COMMIT)) == 1
        assert not device.pending


async def test_a_run_that_comes_back_from_the_dead_changes_nothing_any_more(world: World) -> None:
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    lost = {phase.name: phase for phase in transaction.phases(world.parts)}
    world.flow.lose()
    pass_time(world, world.limits.stalled_after + 1)
    await world.run_to_the_end()
    ended = await owner(world)
    kept = {name: len(device.history) for name, device in world.devices.items()}

    for name in PHASES:
        await lost[name].act("1-1", 1)
    assert await owner(world) == ended
    assert {name: len(device.history) for name, device in world.devices.items()} == kept
