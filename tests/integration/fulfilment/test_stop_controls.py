"""Stop controls on the whole engine: what is paused waits, what is held settles, votes trip."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.turn import breaker, stop_desk
from oss_agent.spi import stops, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio

SITE = stops.StopRequest(stops.Scope.SITE, "north", "core upgrade")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path) as made:
        yield made


async def test_paused_writes_wait_with_their_reason_and_go_on_when_resumed(
    world: worlds.World,
) -> None:
    desk = stop_desk.StopDesk(world.parts)
    stop = await desk.stop(worlds.TENANT, "ops", SITE)
    order = await world.order()
    await world.run()

    told = await world.orders.explain(worlds.TENANT, order.id)
    assert "writes to site north are paused by ops: core upgrade" in told.sentence
    assert f"oss-agent resume {stop.id}" in told.sentence
    assert not world.holds("pe1")
    assert await world.count(tables.lease) == 0

    await desk.lift(worlds.TENANT, "ops", stop.id)
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.COMPLETED
    assert await desk.standing(worlds.TENANT) == ()


async def test_a_pause_survives_a_restart_and_ends_by_itself(world: worlds.World) -> None:
    ends = world.clock.now() + timedelta(hours=1)
    await stop_desk.StopDesk(world.parts).stop(
        worlds.TENANT, "ops", dataclasses.replace(SITE, ends=ends)
    )
    order = await world.order()
    await world.start()
    await world.run()
    assert (await world.get(order.id)).state is not views.OrderState.COMPLETED

    world.clock.ahead += 3601
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.COMPLETED


async def test_lifting_a_pause_does_not_start_what_waits_for_its_date(world: worlds.World) -> None:
    desk = stop_desk.StopDesk(world.parts)
    stop = await desk.stop(worlds.TENANT, "ops", SITE)
    start = world.clock.now() + timedelta(days=1)
    order = await world.order(requested_start=start)
    await desk.lift(worlds.TENANT, "ops", stop.id)
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.ACKNOWLEDGED


async def test_the_same_pause_again_is_the_same_one(world: worlds.World) -> None:
    desk = stop_desk.StopDesk(world.parts)
    first = await desk.stop(worlds.TENANT, "ops", SITE)
    assert await desk.stop(worlds.TENANT, "ops", SITE) == first


async def test_a_pause_for_later_does_not_swallow_the_same_one_for_now(world: worlds.World) -> None:
    desk = stop_desk.StopDesk(world.parts)
    later = dataclasses.replace(SITE, begins=world.clock.now() + timedelta(days=1))
    first = await desk.stop(worlds.TENANT, "ops", later)
    now = await desk.stop(worlds.TENANT, "ops", SITE)

    assert now.id != first.id
    order = await world.order()
    await world.run()
    assert "paused" in (await world.orders.explain(worlds.TENANT, order.id)).sentence


async def test_a_pause_that_is_over_already_is_refused(world: worlds.World) -> None:
    desk = stop_desk.StopDesk(world.parts)
    over = dataclasses.replace(SITE, ends=world.clock.now() - timedelta(hours=1))
    with pytest.raises(errors.OrderRejected, match="it would stop nothing") as told:
        await desk.stop(worlds.TENANT, "ops", over)
    assert told.value.field == "ends"


@pytest.mark.parametrize(
    ("scope", "name", "reason", "field"),
    [
        ("site", "nowhere", "why", "name"),
        ("site", "", "why", "name"),
        ("all", "pe1", "why", "name"),
        ("device", "pe1", " ", "reason"),
    ],
)
async def test_a_stop_that_would_stop_nothing_is_refused(
    world: worlds.World, scope: str, name: str, reason: str, field: str
) -> None:
    wrong = stops.StopRequest(stops.Scope(scope), name, reason)
    with pytest.raises(errors.OrderRejected) as refused:
        await stop_desk.StopDesk(world.parts).stop(worlds.TENANT, "ops", wrong)
    assert refused.value.field == field


async def test_votes_that_fail_in_a_row_stop_the_platform_and_call_a_person(
    world: worlds.World,
) -> None:
    world.devices["pe1"].faults = Faults(ok_changes_nothing=True)
    for number in range(3):
        await world.order(f"acme-{number}")
        await world.run()
    desk = stop_desk.StopDesk(world.parts)
    (stop,) = await desk.standing(worlds.TENANT)
    assert (stop.scope, stop.name) == (stops.Scope.PLATFORM, "sim_netconf")
    assert breaker.key("sim_netconf") in world.alarms.open

    world.devices["pe1"].faults = Faults()
    order = await world.order("later")
    await world.run()
    assert (await world.get(order.id)).state is not views.OrderState.COMPLETED
    await desk.lift(worlds.TENANT, "ops", stop.id)
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.COMPLETED
    assert breaker.key("sim_netconf") not in world.alarms.open
