"""Holding an order and releasing it: undone where it was begun, kept where it is decided."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import tables
from oss_agent.spi import orders, views
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
Order = views.OrderState
_PREPARE, _HOLD = 1, 2


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def hold(world: World, reason: str = "the customer is away") -> views.ServiceOrderView:
    return await world.orders.hold(TENANT, "carol", "1", reason)


async def states(world: World) -> list[str]:
    """The states that were told."""
    kinds = {"ServiceOrderCreateEvent", "ServiceOrderStateChangeEvent"}
    return [state for kind, state in await world.events("serviceOrder:1") if kind in kinds]


@pytest.mark.parametrize("count", [0, _PREPARE])
async def test_what_sent_nothing_is_held_at_once_and_goes_on_when_released(
    world: World, count: int
) -> None:
    before = await world.snapshots()
    await world.order()
    if count:
        await world.feeder.feed()
    held = await hold(world)
    await world.run()
    world.clock.ahead += 30 * 86_400  # a hold has no deadline
    await world.run()

    assert held.state is Order.HELD
    order = await world.get("1")
    assert (order.state, order.items[0].state) == (Order.HELD, Order.HELD)
    said = (await world.orders.explain(TENANT, "1")).sentence
    assert "carol put the order on hold (the customer is away)" in said
    assert "oss-agent order release 1" in said
    assert await world.snapshots() == before
    released = await world.orders.release(TENANT, "carol", "1")
    assert released.state is Order.IN_PROGRESS
    await world.run()
    assert await states(world) == ["acknowledged", "inProgress", "held", "inProgress", "completed"]


async def test_what_is_held_on_the_routers_is_undone_first_and_keeps_what_it_reserved(
    world: World,
) -> None:
    before = await world.snapshots()
    await world.order()
    await world.feeder.feed()
    for _ in range(_HOLD):
        await world.flow.step()
    assert world.holds("pe1")
    assert (await hold(world)).state is Order.IN_PROGRESS
    await world.run()

    assert (await world.get("1")).state is Order.HELD
    assert await world.snapshots() == before
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 1
    await world.orders.release(TENANT, "carol", "1")
    await world.run()
    assert (await world.get("1")).state is Order.COMPLETED


async def test_one_that_is_released_before_it_was_undone_just_goes_on(world: World) -> None:
    await world.order()
    await world.feeder.feed()
    for _ in range(_HOLD):
        await world.flow.step()
    await hold(world)
    await world.orders.release(TENANT, "carol", "1")
    await world.run()

    assert await states(world) == ["acknowledged", "inProgress", "completed"]


async def test_past_its_point_of_no_return_nothing_can_be_held(world: World) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    with pytest.raises(errors.OrderRejected, match="item 1 is past its point of no ret") as late:
        await hold(world)
    assert (late.value.status, late.value.code) == (409, "pointOfNoReturn")
    await world.start()
    await world.run()
    with pytest.raises(errors.OrderRejected, match="order 1 is completed"):
        await hold(world)


async def test_what_makes_no_sense_is_refused_with_the_state_named(world: World) -> None:
    with pytest.raises(errors.NotFound):
        await hold(world)
    await world.order()
    with pytest.raises(errors.OrderRejected, match="order 1 is not on hold"):
        await world.orders.release(TENANT, "carol", "1")
    await hold(world)
    with pytest.raises(errors.OrderRejected, match="order 1 is on hold already"):
        await hold(world)
    with pytest.raises(errors.NotFound):
        await world.orders.release("other", "carol", "1")
    await world.cancel("1")
    await world.run()
    assert (await world.get("1")).state is Order.CANCELLED


async def test_a_death_with_the_hold_set_holds_it_and_an_amendment_waits_with_it(
    world: World,
) -> None:
    await world.order()
    await world.feeder.feed()
    for _ in range(_HOLD):
        await world.flow.step()
    await hold(world)
    await world.start()
    await world.run()
    seen = await world.get("1")
    assert seen.state is Order.HELD
    asked = orders.ItemChange("1", {**seen.items[0].characteristics, "bandwidth": 50})
    await world.orders.amend(orders.Amendment(seen, "bss", items=(asked,)))
    await world.run()
    assert (await world.get("1")).state is Order.HELD
    await world.orders.release(TENANT, "carol", "1")
    await world.run()

    assert (await world.get("1")).state is Order.COMPLETED
    assert "<rate>50000</rate>" in (await world.snapshots())["pe1"]


async def test_what_waits_for_its_date_is_held_too(world: World) -> None:
    await world.order(requested_start=world.clock.now() + timedelta(hours=1))
    await world.run()
    await hold(world)
    world.clock.ahead += 7200
    await world.run()
    assert (await world.get("1")).state is Order.HELD
