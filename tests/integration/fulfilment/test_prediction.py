"""What a device says it would change is compared with the plan before anything is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import tables
from oss_agent.spi import views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.offer import OFFERS
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
SAID = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 20}
TELLING = [rung for rung in OFFERS if rung is not Rung.RUNNING]
LIVE = {Kind.COMMIT, Kind.HOLD}


def committed(world: World) -> set[str]:
    return {
        name
        for name, device in world.devices.items()
        if any(entry.kind in LIVE for entry in device.history)
    }


@pytest.mark.parametrize("rung", TELLING, ids=lambda rung: rung.name.lower())
async def test_who_would_change_otherwise_is_stopped_and_nobody_commits(
    rung: Rung, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path, offers={"pe2": OFFERS[rung]}) as world:
        before = await world.snapshots()
        world.devices["pe2"].faults = Faults(edit_ignores="rate")
        await world.order(characteristics=SAID)
        await world.run()

        order = await world.get("1")
        assert order.state is views.OrderState.FAILED
        assert order.error is not None
        assert (order.error.code, order.error.reference) == ("changeRejected", "pe2")
        assert "would change otherwise than planned: delete /services/eline" in order.error.message
        assert "/rate" in order.error.message
        assert committed(world) == set()
        assert await world.snapshots() == before
        assert not world.alarms.open
        assert await world.count(tables.lease) == 0

        world.devices["pe2"].faults = NONE
        await world.order("two", characteristics=SAID)
        await world.run()
        assert (await world.get("2")).state is views.OrderState.COMPLETED


async def test_who_cannot_tell_is_caught_by_the_read_back_inside_the_window(
    tmp_path: Path,
) -> None:
    offers = {"pe2": OFFERS[Rung.RUNNING]}
    async with worlds.open_world(tmp_path, offers=offers) as world:
        before = await world.snapshots()
        world.devices["pe2"].faults = Faults(ok_changes_nothing=True)
        await world.order(characteristics=SAID)
        await world.run()

        assert (await world.get("1")).state is views.OrderState.FAILED
        assert committed(world) == {"pe1", "pe2"}
        assert await world.snapshots() == before


@pytest.mark.parametrize("point", ["device.predict.before", "device.predict.after"])
async def test_a_crash_while_asking_leaves_nothing_staged(point: str, tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.start(failpoints.Failpoints({point: "raise"}))
        await world.order(characteristics=SAID)
        with pytest.raises(failpoints.Crash):
            await world.run()
        assert committed(world) == set()

        await world.start()
        await world.run_to_the_end()
        assert (await world.get("1")).state is views.OrderState.COMPLETED
