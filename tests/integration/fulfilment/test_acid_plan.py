"""Acid tests 1 and 3 of the design: owners of shared nodes through whole lives, and what was shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.pools import pools
from oss_agent.spi import orders, views
from oss_agent.testing.simulated import content, markup
from oss_agent.testing.simulated.history import Kind
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
Action = views.ItemAction
_GOLD = "/profiles/rate-profile[name=mbps-50]"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with worlds.open_world(database_url) as opened:
        prefixes = pools.PoolRange.of_prefix("internet-v4", "203.0.113.0/24", 30)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        await opened.rows.write(lambda c: pools.seed(c, [prefixes], tenant=worlds.TENANT, at=at))
        yield opened


def asked(action: Action, said: Mapping[str, Any], **more: Any) -> orders.OrderRequest:
    item = orders.ItemRequest(
        id="1",
        action=action,
        specification="internet-access" if action is Action.ADD else "",
        specification_version=None,
        service_id=more.get("service"),
        service_name=more.get("name"),
        characteristics=said,
        path="serviceOrderItem[0]",
    )
    digest = f"{action}{sorted(said.items())}{more}"
    return orders.OrderRequest(
        tenant=worlds.TENANT, requester="bss", items=(item,), body_digest=digest
    )


async def carried_out(world: World, request: orders.OrderRequest) -> views.ServiceOrderView:
    order = (await world.orders.submit(request)).order
    await world.run_to_the_end()
    return await world.get(order.id)


async def access(world: World, name: str, port: str, bandwidth: int = 50) -> str:
    said = {"accessPort": f"pe1:{port}", "bandwidth": bandwidth}
    done = await carried_out(world, asked(Action.ADD, said, name=name))
    assert done.state is views.OrderState.COMPLETED, done.error
    return done.items[0].service_id


async def modified(world: World, service: str, **said: Any) -> None:
    done = await carried_out(world, asked(Action.MODIFY, said, service=service))
    assert done.state is views.OrderState.COMPLETED, done.error


async def deleted(world: World, service: str) -> None:
    done = await carried_out(world, asked(Action.DELETE, {}, service=service))
    assert done.state is views.OrderState.COMPLETED, done.error


async def owners(world: World, path: str = _GOLD) -> tuple[str, ...]:
    return await world.rows.read(lambda c: world.parts.ledger.owners(c, "pe1", "netconf", path))


async def running(world: World) -> str:
    return (await world.snapshots())["pe1"]


async def test_acid_1_modify_one_of_two_that_share_delete_the_other_and_it_is_as_before_both(
    world: World,
) -> None:
    before = await world.snapshots()
    one = await access(world, "one", "eth4")
    alone = await running(world)
    two = await access(world, "two", "eth5")
    assert await owners(world) == (one, two)
    assert (await running(world)).count("mbps-50</name>") == 1

    await modified(world, one, bandwidth=100)
    assert await owners(world) == (two,)
    assert {"mbps-50</name>", "mbps-100</name>"} <= set(_names(await running(world)))
    await deleted(world, two)
    assert await owners(world) == ()
    assert "mbps-50" not in await running(world)
    await modified(world, one, bandwidth=50)
    assert await running(world) == alone

    await deleted(world, one)
    assert await world.snapshots() == before


def _names(text: str) -> list[str]:
    return [f"{part}</name>" for part in text.replace("<name>", "</name>").split("</name>")]


async def test_a_shared_node_outlives_the_service_that_brought_it(world: World) -> None:
    before = await world.snapshots()
    one, two = await access(world, "one", "eth4"), await access(world, "two", "eth5")

    await deleted(world, one)
    assert "mbps-50</name>" in await running(world)
    await deleted(world, two)
    assert await world.snapshots() == before


async def test_a_shared_node_that_nobody_owns_is_not_taken_over(world: World) -> None:
    by_hand = (
        '<profiles xmlns="urn:oss-agent:lab:services"><rate-profile><name>mbps-50</name>'
        "<rate>50000</rate></rate-profile></profiles>"
    )
    world.devices["pe1"].change_by_hand(by_hand)
    before = await world.snapshots()
    said = {"accessPort": "pe1:eth4", "bandwidth": 50}
    done = await carried_out(world, asked(Action.ADD, said, name="one"))

    assert done.state is views.OrderState.FAILED
    assert done.error is not None
    assert "no service owns it" in done.error.message
    assert await world.snapshots() == before


async def test_a_shared_node_changed_by_hand_stops_whoever_would_join_it(world: World) -> None:
    one = await access(world, "one", "eth4")
    world.devices["pe1"].change_by_hand(
        '<profiles xmlns="urn:oss-agent:lab:services"><rate-profile><name>mbps-50</name>'
        "<rate>70000</rate></rate-profile></profiles>"
    )
    said = {"accessPort": "pe1:eth5", "bandwidth": 50}
    done = await carried_out(world, asked(Action.ADD, said, name="two"))

    assert done.state is views.OrderState.FAILED
    assert done.error is not None
    assert "/profiles/rate-profile[name=mbps-50]/rate" in done.error.message
    assert await owners(world) == (one,)


async def test_a_dry_run_tells_who_else_is_on_the_node_and_the_device(world: World) -> None:
    await access(world, "one", "eth4")
    await access(world, "far", "eth3", bandwidth=10)
    said = {"accessPort": "pe1:eth5", "bandwidth": 50}
    (shown,) = await world.orders.plan(asked(Action.ADD, said, name="two"))

    beside = {one.service_name: one for one in shown.neighbours}
    assert beside["one"].paths == (_GOLD, f"{_GOLD}/rate")
    assert (beside["one"].customer, beside["one"].device) == ("bss", "pe1")
    assert beside["far"].paths == ()
    assert shown.touches == (beside["one"].service,)
    assert "rate-profile" not in shown.devices[0].diff


@pytest.mark.parametrize("action", [Action.ADD, Action.MODIFY, Action.DELETE])
async def test_acid_3_the_native_diff_that_was_shown_is_what_was_sent(
    world: World, action: Action
) -> None:
    await access(world, "beside", "eth5")
    service = None if action is Action.ADD else await access(world, "acme", "eth4")
    said: dict[Action, dict[str, Any]] = {
        Action.ADD: {"accessPort": "pe1:eth4", "bandwidth": 50},
        Action.MODIFY: {"bandwidth": 100},
        Action.DELETE: {},
    }
    request = asked(action, said[action], name="acme", service=service)
    (shown,) = await world.orders.plan(request)
    done = await carried_out(world, request)

    assert done.state is views.OrderState.COMPLETED, done.error
    sent = [e for e in world.devices["pe1"].history if e.kind is Kind.EDIT][-1]
    (diff,) = shown.devices
    assert sent.digest == content.digest(markup.parse(diff.diff.encode()).content())
    (plans,) = await world.orders.plans(worlds.TENANT, done.id)
    assert plans.hash == shown.hash
