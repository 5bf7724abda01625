"""noChange items: judged, shown, completed at once, and nothing else of the order depends on them."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
State = views.OrderState
NO_CHANGE = views.ItemAction.NO_CHANGE


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with the service s1-1 in it."""
    async with worlds.open_world(tmp_path) as opened:
        await opened.order()
        await opened.run()
        yield opened


def context(service: str = "s1-1", **more: Any) -> orders.ItemRequest:
    (item,) = worlds.request("any").items
    bare = dataclasses.replace(item, service_name=None, characteristics={})
    specification = more.pop("specification", "")
    return dataclasses.replace(
        bare, action=NO_CHANGE, service_id=service, specification=specification, **more
    )


def line(*after: str) -> orders.ItemRequest:
    body = {"aEnd": "pe1:eth5", "zEnd": "pe2:eth5"}
    (item,) = worlds.request("other", characteristics=body).items
    return dataclasses.replace(item, id="2", path="serviceOrderItem[1]", after=after)


async def send(world: World, *items: orders.ItemRequest, **more: Any) -> views.ServiceOrderView:
    whole = worlds.request("whole", body_digest=str(items), **more)
    return (await world.orders.submit(dataclasses.replace(whole, items=items))).order


async def ended(world: World, key: str) -> tuple[State, list[State]]:
    order = await world.get(key)
    return order.state, [item.state for item in order.items]


async def test_an_order_of_context_alone_is_completed_at_once_and_told(world: World) -> None:
    before = await world.snapshots()
    order = await send(world, context())

    assert (order.state, order.completion_date) == (State.COMPLETED, order.order_date)
    assert (order.items[0].service_name, order.items[0].specification.id) == ("acme", "eline")
    assert await world.states_told(order.id) == ["acknowledged", "inProgress", "completed"]
    await world.run()
    assert await world.snapshots() == before
    assert await world.count(tables.resource_order) == 2, "those of the service's own order"


async def test_what_comes_after_context_begins_and_the_order_is_what_its_work_makes_it(
    world: World,
) -> None:
    order = await send(world, context(), line("1"))
    assert (order.state, order.items[0].state) == (State.ACKNOWLEDGED, State.COMPLETED)
    await world.run()
    assert await ended(world, order.id) == (State.COMPLETED, [State.COMPLETED] * 2)


async def test_work_that_fails_fails_the_order_for_context_is_no_success(world: World) -> None:
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    order = await send(world, context(), line())
    await world.run_to_the_end()
    assert await ended(world, order.id) == (State.FAILED, [State.COMPLETED, State.FAILED])


async def test_an_order_with_context_can_still_be_cancelled(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    order = await send(world, context(), line())
    await world.run()
    task = await world.cancel(order.id)
    await world.run_to_the_end()

    assert (await world.cancellations.get(TENANT, task.id)).state is views.TaskState.DONE
    assert await ended(world, order.id) == (State.CANCELLED, [State.COMPLETED, State.CANCELLED])


async def test_a_dry_run_of_context_asks_no_device(world: World) -> None:
    request = dataclasses.replace(worlds.request("whole"), items=(context(),))
    world.devices["pe1"].faults = Faults(lock_held_by=77)
    (run,) = await world.orders.plan(request)
    assert (run.changes, run.devices, run.service_name) == (False, (), "acme")


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (context("s9-9"), "service.id"),
        (context(specification="l3vpn"), "service.serviceSpecification.id"),
    ],
)
async def test_a_service_that_is_not_there_or_another_is_refused(
    world: World, item: orders.ItemRequest, field: str
) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        await send(world, item)
    assert refused.value.field == f"serviceOrderItem[0].{field}"
    assert await world.count(tables.order) == 1


async def test_a_service_of_another_tenant_is_not_there(world: World) -> None:
    with pytest.raises(errors.OrderRejected, match="there is no service 's1-1'"):
        await send(world, context(), tenant="somebody")


async def test_a_terminated_service_is_not_there(world: World) -> None:
    (item,) = worlds.request(
        action=views.ItemAction.DELETE, service_id="s1-1", characteristics={}
    ).items
    await send(world, dataclasses.replace(item, characteristics={}))
    await world.run()
    with pytest.raises(errors.OrderRejected, match="there is no service 's1-1'"):
        await send(world, context())


async def test_an_order_that_is_sent_again_is_the_same_also_when_its_context_is_gone(
    world: World,
) -> None:
    order = await send(world, context(), external_id="e1")
    gone = dataclasses.replace(context(), action=views.ItemAction.DELETE)
    await send(world, gone)
    await world.run()

    assert (await send(world, context(), external_id="e1")).id == order.id
    with pytest.raises(errors.IdempotencyConflict):
        await send(world, context("s9-9"), external_id="e1")
    with pytest.raises(errors.OrderRejected, match="there is no service 's1-1'"):
        await send(world, context(), external_id="e2")
