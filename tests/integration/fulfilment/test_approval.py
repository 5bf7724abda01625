"""Approval: bound to a hash, asked for when the settings say so, refused for another plan."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits
from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.turn import approvals
from oss_agent.spi import views
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path) as made:
        yield made


def ask_always(world: worlds.World) -> None:
    world.limits = dataclasses.replace(world.limits, approval="always")
    world.build(failpoints.Failpoints())


async def restart(world: worlds.World) -> None:
    ask_always(world)
    await world.start()


async def test_a_plan_as_it_was_approved_runs(world: worlds.World) -> None:
    await restart(world)
    (shown,) = await world.orders.plan(worlds.request())
    order = await world.order(approved=(shown.hash,))
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.COMPLETED


async def test_another_plan_than_approved_waits_and_shows_both(world: worlds.World) -> None:
    (shown,) = await world.orders.plan(worlds.request())
    other = {"bandwidth": 50}
    order = await world.order(characteristics=other, approved=(shown.hash,))
    await world.run()

    told = await world.orders.explain(worlds.TENANT, order.id)
    assert "the plan is another one than was approved" in told.sentence
    (plan,) = await world.orders.plans(worlds.TENANT, order.id)
    assert plan.waits
    assert plan.hash is not None
    assert "20000" in plan.difference
    assert "50000" in plan.difference
    assert not world.holds("pe1")
    assert await world.count(tables.lease) == 0

    await world.orders.approve(worlds.TENANT, "chief", order.id, plan.hash[:12])
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.COMPLETED


async def test_what_waited_for_a_person_is_no_measure_of_how_long_a_change_takes(
    world: worlds.World,
) -> None:
    (shown,) = await world.orders.plan(worlds.request())
    order = await world.order(characteristics={"bandwidth": 50}, approved=(shown.hash,))
    await world.run()
    world.clock.ahead += 7200
    (waiting,) = await world.orders.plans(worlds.TENANT, order.id)
    await world.orders.approve(worlds.TENANT, "chief", order.id, waiting.hash or "")
    await world.run()
    assert (await world.get(order.id)).state is views.OrderState.COMPLETED

    elsewhere = worlds.request("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    (shown,) = await world.orders.plan(elsewhere)
    assert shown.expected_seconds is None


async def test_where_every_plan_is_approved_nothing_is_sent_before(world: worlds.World) -> None:
    await restart(world)
    order = await world.order()
    await world.run()
    assert not world.holds("pe1")
    (plan,) = await world.orders.plans(worlds.TENANT, order.id)
    with pytest.raises(errors.OrderRejected, match="look at it, then approve that one"):
        await world.orders.approve(worlds.TENANT, "chief", order.id, "f" * 64)
    await world.orders.approve(worlds.TENANT, "chief", order.id, plan.hash or "")
    await world.run()
    assert world.holds("pe1")
    with pytest.raises(errors.NotFound):
        await world.orders.approve(worlds.TENANT, "chief", order.id, plan.hash or "")


async def test_what_nobody_approves_fails_and_gives_back_what_it_reserved(
    world: worlds.World,
) -> None:
    await restart(world)
    order = await world.order()
    await world.run()
    world.clock.ahead += world.limits.approve_within + 1
    await world.run()
    found = await world.get(order.id)
    assert found.state is views.OrderState.FAILED
    assert found.error is not None
    assert "nobody approved its plan in time" in found.error.message
    assert await world.count(tables.claim) == 0


async def test_as_many_hashes_as_items(world: worlds.World) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        await world.order(approved=("a" * 64, "b" * 64))
    assert refused.value.field == "Plan-Hash"


@pytest.mark.parametrize(
    ("approval", "devices", "approved", "asked"),
    [
        ("large", 20, None, False),
        ("large", 21, None, True),
        ("large", 21, "now", False),
        ("large", 2, "then", True),
        ("never", 99, None, False),
        ("never", 2, "then", True),
        ("always", 1, None, True),
        ("always", 0, None, False),
        ("never", 0, "then", False),
    ],
)
def test_who_is_asked(
    approval: Literal["never", "large", "always"],
    devices: int,
    approved: str | None,
    *,
    asked: bool,
) -> None:
    bounds = dataclasses.replace(limits.Limits(), approval=approval)
    found = approvals.asked_for(bounds, devices, approved, "now")
    assert (found is not None) is asked
