"""Other people and our own faults in the middle of a transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oss_agent import registry
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import tables
from oss_agent.spi import device, tree, views
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
BY_HAND = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>7</vni>'
    "<port>eth1</port></eline></services>"
)
PORT = tree.Step("port", (("name", "eth1"),))
FOREIGN = tree.Edit(
    tree.Operation.CREATE,
    (tree.Step("ports"), PORT),
    node=tree.Tree(PORT, None, (tree.Tree(tree.Step("description"), "foreign"),)),
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


@contextlib.asynccontextmanager
async def somebody(world: World, name: str) -> AsyncIterator[device.Session]:
    """Another manager's session."""
    driver = registry.installed().driver("sim_netconf")
    async with driver.session(world.devices[name].endpoint()) as session:
        yield session


async def test_an_edit_of_our_part_after_planning_stops_the_order_untouched(world: World) -> None:
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    world.devices["pe2"].change_by_hand(BY_HAND)
    before = await world.snapshots()
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert not world.alarms.open
    assert order.error.code == "conflict"
    assert "our part changed since it was planned" in order.error.message
    assert "pe2: nothing was committed; somebody else changed our part" in order.error.message
    assert await world.snapshots() == before


async def test_another_systems_unconfirmed_commit_is_waited_for(world: World) -> None:
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    async with somebody(world, "pe2") as other:
        await other.edit([FOREIGN])
        await other.commit(confirm_within=60, persist="theirs")
    await world.run()
    waiting = await world.get("1")

    assert waiting.state is views.OrderState.IN_PROGRESS
    assert waiting.items[0].wait is not None
    assert not world.holds("pe1")
    async with somebody(world, "pe2") as other:
        await other.confirm(persist="theirs")
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert "foreign" in (await world.snapshots())["pe2"]


async def test_what_somebody_confirmed_for_us_is_taken_back_when_we_abort(world: World) -> None:
    before = await world.snapshots()
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    persist = (await world.participants("1"))["pe2"].persist
    await world.devices["pe2"].cut()
    async with somebody(world, "pe2") as other:
        await other.confirm(persist=persist)
    await world.cancel("1")
    await world.run()

    assert (await world.get("1")).state is views.OrderState.CANCELLED
    assert await world.snapshots() == before
    texts = [text for _, text in (await world.orders.explain(TENANT, "1")).history]
    assert any("pe2: pushed again" in text for text in texts)


async def test_what_somebody_staged_is_not_committed_by_our_confirm(world: World) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.stop()
    async with somebody(world, "pe1") as other:
        await other.edit([FOREIGN])
        await world.start()
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert "foreign" not in (await world.snapshots())["pe1"]
    texts = [text for _, text in (await world.orders.explain(TENANT, "1")).history]
    assert any("dropped what another session had staged" in text for text in texts)


async def test_a_fault_of_our_own_becomes_a_wait_and_is_overcome(world: World) -> None:
    def broken(endpoint: device.Endpoint) -> device.Endpoint:
        raise RuntimeError(endpoint.device)

    world.known.change = broken
    await world.order()
    await world.run()
    waiting = await world.get("1")

    wait = waiting.items[0].wait
    assert wait is not None
    assert "RuntimeError" in wait.reason
    world.known.change = lambda endpoint: endpoint
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED


async def test_a_dry_run_says_which_router_it_could_not_ask(world: World) -> None:
    await world.devices["pe2"].__aexit__(None, None, None)
    (shown,) = await world.orders.plan(worlds.request())
    await world.devices["pe2"].__aenter__()

    asked = {one.device: one.reversibility for one in shown.devices}
    assert asked["pe1"].startswith("reversible")
    assert asked["pe2"].startswith("not asked")


async def test_a_dry_run_of_a_delete_shows_what_goes(world: World) -> None:
    await world.order()
    await world.run()
    (shown,) = await world.orders.plan(
        worlds.request(action=views.ItemAction.DELETE, service_id="s1-1", characteristics={})
    )

    assert shown.changes
    assert shown.claims == ()
    assert "delete" in shown.devices[0].diff
    assert shown.touches == ()
    assert all(line.startswith("config-equal") for line in shown.predicates)


async def test_the_feeder_wakes_for_a_new_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueued = asyncio.Event()
    enqueue = world.flow.enqueue

    async def noticed(transaction: str, run: int) -> None:
        await enqueue(transaction, run)
        enqueued.set()

    monkeypatch.setattr(world.flow, "enqueue", noticed)
    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        role = group.create_task(world.feeder.run())
        await world.order()
        await enqueued.wait()
        role.cancel()

    assert await world.count(tables.transaction, tables.transaction.c.stage == "running") == 1


async def test_a_fault_that_never_ends_is_poison_and_not_a_loop(world: World) -> None:
    def broken(endpoint: device.Endpoint) -> device.Endpoint:
        raise RuntimeError(endpoint.device)

    world.known.change = broken
    await world.order()
    await world.run()
    assert [fault.severity for fault in world.alarms.open.values()] == [views.Severity.MAJOR]
    await world.run_to_the_end()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert "again and again" in order.error.message
    assert [fault.severity for fault in world.alarms.open.values()] == [views.Severity.CRITICAL]
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 0
