"""One order on two simulated routers: all of it or nothing, explained, and only once."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oss_agent.fulfilment.record import states, tables
from oss_agent.spi import proof, views
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.lab_services import vni_ceiling
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def test_an_order_becomes_a_proven_service(world: World) -> None:
    before = await world.order()
    await world.run()
    order = await world.get(before.id)

    assert before.state is views.OrderState.ACKNOWLEDGED
    assert order.state is views.OrderState.COMPLETED
    (item,) = order.items
    assert [name for name, _ in item.milestones] == ["planned", "held", "proven", "completed"]
    proven = {(e.kind, e.device): e.outcome for e in item.evidence}
    assert proven["config-equal", "pe1"] == proof.Outcome.PROVEN
    assert proven["config-equal", "pe2"] == proof.Outcome.PROVEN
    assert proven["ping", "pe1"] == proof.Outcome.NOT_PROVEN
    assert len(item.evidence) == 8
    assert item.resource_orders == ("1", "2")
    for name in worlds.PES:
        assert world.holds(name)
        device = world.devices[name]
        kinds = [entry.kind for entry in device.history]
        assert kinds.count(Kind.CONFIRM) == 1
        assert device.datastores.get("candidate") == device.datastores.running
    assert await world.events(f"serviceOrder:{order.id}") == [
        ("ServiceOrderCreateEvent", "acknowledged"),
        ("ServiceOrderStateChangeEvent", "inProgress"),
        ("ServiceOrderMilestoneEvent", "inProgress"),
        ("ServiceOrderMilestoneEvent", "inProgress"),
        ("ServiceOrderStateChangeEvent", "completed"),
    ]
    assert ("ServiceStateChangeEvent", "active") in await world.events("service:s1-1")
    assert await world.count(tables.lease) == 0
    assert {one.state for one in (await world.participants("1")).values()} == {states.State.DONE}


async def test_a_router_with_its_own_limit_refuses_at_commit(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path, ceilings={"pe2": (vni_ceiling(10_099),)}) as world:
        before = await world.snapshots()
        await world.order()
        await world.run()
        order = await world.get("1")

        assert order.error is not None
        assert (order.error.code, order.error.reference) == ("changeRejected", "pe2")
        assert await world.snapshots() == before


async def test_the_second_router_refuses_and_both_are_byte_for_byte_as_before(world: World) -> None:
    before = await world.snapshots()
    world.devices["pe2"].faults = Faults(refuse_commit="vni out of range")
    await world.order()
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    error = order.items[0].error
    assert error is not None
    assert (error.code, error.reference) == ("changeRejected", "pe2")
    assert "vni out of range" in error.message
    assert "pe1: byte for byte as before" in error.message
    assert await world.snapshots() == before
    assert [entry.kind for entry in world.devices["pe1"].history].count(Kind.CONFIRM) == 0
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 0


async def test_a_refusal_and_then_a_service_on_either_database(database_url: str) -> None:
    async with worlds.open_world(database_url) as world:
        before = await world.snapshots()
        world.devices["pe2"].faults = Faults(refuse_commit="no")
        await world.order()
        await world.run()
        assert (await world.get("1")).state is views.OrderState.FAILED
        assert await world.snapshots() == before

        world.devices["pe2"].faults = NONE
        await world.order()
        await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
        await world.run_to_the_end()
        assert (await world.get("2")).state is views.OrderState.COMPLETED
        assert (await world.get("3")).state is views.OrderState.COMPLETED
        assert (await world.orders.explain(worlds.TENANT, "3")).sentence == "order 3 is completed."


async def test_what_failed_gave_everything_back(world: World) -> None:
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    await world.order()
    await world.run()
    world.devices["pe2"].faults = NONE
    await world.order(external_id="second")
    await world.run()

    assert (await world.get("2")).state is views.OrderState.COMPLETED


async def test_a_commit_that_changes_nothing_fails_the_proof_and_is_cancelled(world: World) -> None:
    before = await world.snapshots()
    world.devices["pe2"].faults = Faults(ok_changes_nothing=True)
    await world.order()
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert order.error.code == "proofFailed"
    assert "config-equal on pe2" in order.error.message
    outcomes = {(e.kind, e.device): e.outcome for e in order.items[0].evidence}
    assert outcomes["config-equal", "pe2"] == proof.Outcome.FAILED
    assert await world.snapshots() == before


async def test_a_lost_commit_reply_is_read_back_not_repeated(world: World) -> None:
    world.devices["pe2"].faults = Faults(lose_commit_reply=1)
    await world.order()
    await world.run()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    edits = [entry for entry in world.devices["pe2"].history if entry.kind is Kind.EDIT]
    assert len(edits) == 1


async def test_a_commit_that_never_arrived_is_done_again(world: World) -> None:
    world.devices["pe2"].faults = Faults(drop_before_commit=1)
    await world.order()
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert world.holds("pe2")


async def test_a_port_that_is_owned_is_acknowledged_and_then_rejected(world: World) -> None:
    await world.order()
    await world.run()
    second = await world.order("other", characteristics={"aEnd": "pe1:eth4", "zEnd": "pe2:eth5"})
    await world.run()
    order = await world.get(second.id)

    assert second.state is views.OrderState.ACKNOWLEDGED
    assert order.state is views.OrderState.REJECTED
    assert order.error is not None
    assert "pe1:eth4" in order.error.message
    assert "order 1" in order.error.message
    assert not world.holds("pe2", "other")
    assert await world.events("serviceOrder:2") == [
        ("ServiceOrderCreateEvent", "acknowledged"),
        ("ServiceOrderStateChangeEvent", "rejected"),
    ]


async def test_an_unknown_port_is_acknowledged_and_then_rejected(world: World) -> None:
    await world.order(characteristics={"zEnd": "pe2:eth99"})
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.REJECTED
    assert order.error is not None
    assert "no port eth99" in order.error.message


async def test_configuration_made_by_hand_under_our_name_is_not_touched(world: World) -> None:
    world.devices["pe2"].change_by_hand(
        '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>7</vni>'
        "<port>eth1</port></eline></services>"
    )
    before = await world.snapshots()
    await world.order()
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert "no service owns it" in order.error.message
    assert await world.snapshots() == before


async def test_a_device_that_is_down_is_waited_for_with_the_reason(world: World) -> None:
    port = world.devices["pe2"].port
    await world.devices["pe2"].__aexit__(None, None, None)
    await world.order()
    await world.run()
    waiting = await world.get("1")
    explained = await world.orders.explain(worlds.TENANT, "1")

    assert waiting.state is views.OrderState.IN_PROGRESS
    wait = waiting.items[0].wait
    assert wait is not None
    assert "pe2" in wait.reason
    assert wait.wake_at is not None
    assert "pe2" in explained.sentence
    assert await world.count(tables.lease) == 0
    assert not world.holds("pe1")

    world.devices["pe2"].port = port
    await world.devices["pe2"].__aenter__()
    await world.run_to_the_end()
    done = await world.get("1")

    assert done.state is views.OrderState.COMPLETED
    assert done.items[0].wait is None


async def test_a_device_that_stays_down_fails_the_order_at_the_deadline(world: World) -> None:
    await world.devices["pe2"].__aexit__(None, None, None)
    await world.order()
    await world.run()
    world.clock.ahead += world.limits.device_deadline + 1
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert (order.error.code, order.error.reference) == ("deviceUnreachable", "pe2")
    assert not world.holds("pe1")
    await world.devices["pe2"].__aenter__()


async def test_a_lock_held_by_another_session_is_waited_for_and_its_holder_named(
    world: World,
) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    before = await world.snapshots()
    await world.order()
    await world.run()
    waiting = await world.get("1")

    wait = waiting.items[0].wait
    assert wait is not None
    assert "77" in wait.who
    assert await world.snapshots() == before
    assert await world.count(tables.lease) == 0

    world.devices["pe2"].faults = NONE
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED


async def test_a_wrong_password_fails_the_order_at_once(world: World) -> None:
    world.known.change = lambda endpoint: dataclasses.replace(
        endpoint, credential=dataclasses.replace(endpoint.credential, password="wrong")
    )
    await world.order()
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert order.error.code == "deviceRefused"
    assert "wrong" not in order.error.message
    assert await world.count(tables.claim) == 0


async def test_an_unknown_host_key_fails_the_order_before_any_login(world: World) -> None:
    other = world.devices["pe1"].host_key
    world.known.change = lambda endpoint: dataclasses.replace(endpoint, host_keys=(other,))
    await world.order()
    await world.run()

    assert (await world.get("1")).state is views.OrderState.FAILED
    assert world.devices["pe2"].login_attempts == ()


async def test_two_orders_on_the_same_routers_take_turns_in_order_of_acceptance(
    world: World,
) -> None:
    await world.order("one")
    await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert (await world.get("2")).state is views.OrderState.COMPLETED
    for name in worlds.PES:
        edits = [entry for entry in world.devices[name].history if entry.kind is Kind.EDIT]
        confirms = [entry for entry in world.devices[name].history if entry.kind is Kind.CONFIRM]
        assert [e.number < c.number for e, c in zip(edits, confirms, strict=True)] == [True] * 2
        assert confirms[0].number < edits[1].number


async def test_a_cancel_flag_before_the_decision_aborts(world: World) -> None:
    before = await world.snapshots()
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    assert world.holds("pe1")
    await world.cancel("1")
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.CANCELLED
    assert await world.snapshots() == before


async def test_a_terminated_service_leaves_the_routers_as_before_it_came(world: World) -> None:
    before = await world.snapshots()
    await world.order()
    await world.run()
    assert await world.snapshots() != before
    await world.order(
        action=views.ItemAction.DELETE, service_id="s1-1", characteristics={}, external_id="end"
    )
    await world.run()

    order = await world.get("2")
    assert order.state is views.OrderState.COMPLETED, order.error
    assert await world.snapshots() == before
    assert ("ServiceStateChangeEvent", "terminated") in await world.events("service:s1-1")
    assert await world.count(tables.claim) == 0
    await world.order("acme", external_id="again")
    await world.run()
    assert (await world.get("3")).state is views.OrderState.COMPLETED


async def test_a_foreign_edit_during_the_window_is_not_ours_and_is_said(world: World) -> None:
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    world.devices["pe1"].change_by_hand(
        '<ports xmlns="urn:oss-agent:lab:services"><port><name>eth1</name>'
        "<description>by hand</description></port></ports>"
    )
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert "a difference elsewhere is not ours" in order.error.message
    assert "by hand" in (await world.snapshots())["pe1"]
