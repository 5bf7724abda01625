"""What may be said after an order was placed: asked for, waited for, said, or never supplied."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oss_agent import errors
from oss_agent.catalog import forms
from oss_agent.fulfilment.record import tables
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
Order = views.OrderState
ASKED = "ServiceOrderInformationRequiredEvent"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path, later=("aEnd", "zEnd")) as opened:
        yield opened


def without(*names: str) -> orders.OrderRequest:
    """The order of an E-Line that does not say these yet."""
    whole = worlds.request()
    (item,) = whole.items
    said = {name: value for name, value in item.characteristics.items() if name not in names}
    object.__setattr__(item, "characteristics", said)
    return whole


async def say(world: World, **said: str) -> views.ServiceOrderView:
    seen = await world.get("1")
    change = orders.ItemChange("1", {**seen.items[0].characteristics, **said})
    return await world.orders.amend(orders.Amendment(seen, "bss", items=(change,)))


async def test_it_is_asked_for_once_and_goes_on_when_it_is_said(world: World) -> None:
    await world.orders.submit(without("zEnd"))
    await world.run()
    await world.run()

    order = await world.get("1")
    assert (order.state, order.items[0].state) == (Order.PENDING, Order.PENDING)
    said = (await world.orders.explain(TENANT, "1")).sentence
    assert "item 1 needs zEnd, by 20" in said
    assert "oss-agent order amend 1 --item 1 --set NAME=VALUE" in said
    asked = worlds.EVENTS.select().where(worlds.EVENTS.c.kind == ASKED)
    (told,) = await world.rows.read(lambda c: c.execute(asked).all())
    assert "item 1 needs zEnd" in told.payload["items"][0]["wait"]["reason"]
    assert await world.count(tables.claim) == 0
    assert (await say(world, zEnd="pe2:eth4")).state is Order.IN_PROGRESS
    await world.run()
    states = [state for kind, state in await world.events("serviceOrder:1") if "State" in kind]
    assert states == ["inProgress", "pending", "inProgress", "completed"]
    assert world.holds("pe2")


async def test_a_part_of_it_is_not_enough(world: World) -> None:
    await world.orders.submit(without("aEnd", "zEnd"))
    await world.run()
    await say(world, aEnd="pe1:eth4")
    await world.run()

    assert (await world.get("1")).state is Order.PENDING
    assert "needs zEnd, by" in (await world.orders.explain(TENANT, "1")).sentence
    with pytest.raises(errors.OrderRejected, match="both ends are on pe1"):
        await say(world, zEnd="pe1:eth5")


async def test_what_nobody_says_in_time_cancels_the_order(world: World) -> None:
    await world.orders.submit(without("zEnd"))
    await world.run()
    world.clock.ahead += world.limits.information_within - 60
    await world.run()
    assert (await world.get("1")).state is Order.PENDING
    world.clock.ahead += 61
    await world.run()

    order = await world.get("1")
    assert order.state is Order.CANCELLED
    assert order.error is not None
    assert order.error.code == "informationMissing"
    assert order.error.message.startswith("zEnd cannot be supplied: nobody said it in time")
    assert all(not device.history for device in world.devices.values())


async def test_a_pending_order_is_held_and_cancelled_as_any_other(world: World) -> None:
    await world.orders.submit(without("zEnd"))
    await world.run()
    await world.orders.hold(TENANT, "carol", "1", "")
    assert (await world.get("1")).state is Order.HELD
    await world.orders.release(TENANT, "carol", "1")
    await world.run()
    assert (await world.get("1")).state is Order.PENDING
    await world.cancel("1")
    await world.run()
    assert (await world.get("1")).state is Order.CANCELLED
    assert await world.count(worlds.EVENTS, worlds.EVENTS.c.kind == ASKED) == 2


async def test_what_can_never_begin_is_not_asked_for_more(world: World) -> None:
    """Two come after an order that fails while they are asked: that ends them, and not a week later."""
    world.devices["pe2"].faults = Faults(refuse_commit="not that one")
    await world.orders.submit(worlds.request())
    for key in ("2", "3"):
        asked = dataclasses.replace(without("zEnd"), after=("1",), body_digest=key, external_id=key)
        await world.orders.submit(asked)
    await world.run()

    assert (await world.get("1")).state is Order.FAILED
    for key in ("2", "3"):
        order = await world.get(key)
        assert order.state is Order.CANCELLED
        assert order.error is not None
        assert order.error.code == "dependencyFailed"


async def test_a_dry_run_says_what_is_missing(world: World) -> None:
    with pytest.raises(errors.OrderRejected, match="zEnd: it has to be said first") as lacking:
        await world.orders.plan(without("zEnd"))
    assert lacking.value.field == "serviceOrderItem[0].service.serviceCharacteristic[zEnd]"


def test_only_what_is_required_may_come_later() -> None:
    with pytest.raises(ValueError, match="later is for required ones"):
        forms.Characteristic(type="integer", later=True, text="x")
    port = forms.Characteristic(type="port", required=True, later=True, text="x")
    with pytest.raises(ValueError, match="a site comes whole"):
        forms.Characteristic(type="sites", fields={"port": port}, text="x")
