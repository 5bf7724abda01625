"""No order stands still for good, and none keeps others from their devices for good."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import journal, states, tables
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import observer
from oss_agent.fulfilment.turn import leases, waits
from oss_agent.spi import device, views
from oss_agent.testing.simulated.faults import NONE, Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
OTHER_PORTS = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def test_a_holder_does_not_queue_behind_who_waits_for_it(world: World) -> None:
    await world.order("earlier")
    await world.order("later", characteristics=OTHER_PORTS)

    def take(connection: sa.Connection, transaction: str) -> tuple[leases.Blocker, ...]:
        mine = journal.load(connection, transaction)
        assert mine is not None
        return leases.take(connection, mine, worlds.PES, world.clock.now())

    assert await world.rows.write(lambda c: take(c, "2-1")) == ()
    waiting = await world.rows.write(lambda c: take(c, "1-1"))
    assert {one.transaction for one in waiting} == {"2-1"}
    # A crash before its intent was written: the later one takes again what it has.
    assert await world.rows.write(lambda c: take(c, "2-1")) == ()


async def test_a_router_that_dies_before_its_commit_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = contact.Talk.call

    async def dies(talk: contact.Talk, name: str, *rest: Any, **named: Any) -> Any:
        if (talk.device, name) == ("pe2", "edit"):
            await world.devices["pe2"].__aexit__(None, None, None)
        return await call(talk, name, *rest, **named)

    monkeypatch.setattr(contact.Talk, "call", dies)
    await world.order()
    await world.run()
    waiting = await world.get("1")

    assert waiting.items[0].wait is not None
    assert waiting.items[0].wait.reason.startswith("pe2")
    assert await world.count(tables.lease) == 0
    assert not world.alarms.open
    world.clock.ahead += world.limits.device_deadline
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.FAILED


async def test_a_fault_at_one_router_keeps_neither_the_other_nor_the_start_from_settling(
    world: World,
) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()

    def uninstalled(endpoint: device.Endpoint) -> device.Endpoint:
        gone = endpoint.device == "pe2"
        return dataclasses.replace(endpoint, platform="gone") if gone else endpoint

    world.known.change = uninstalled
    await world.start()
    participants = await world.participants("1")

    assert participants["pe1"].state is states.State.DONE
    assert participants["pe2"].state is states.State.UNKNOWN
    assert "no driver for platform 'gone'" in participants["pe2"].outcome
    assert world.unknown == ["pe2"]
    world.known.change = lambda endpoint: endpoint
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert not world.alarms.open


async def test_a_fault_of_our_own_while_it_proves_again_does_not_keep_the_start_from_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.stop()
    world.devices["pe2"].datastores.expire()

    async def broken(*_: object) -> None:
        raise RuntimeError("no idea")

    with monkeypatch.context() as patched:
        patched.setattr(observer, "look", broken)
        await world.start()
        assert (await world.participants("1"))["pe2"].pushed
        await world.run()
    assert [one.specific_problem for one in world.alarms.open.values()] == ["softwareError"]
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert not world.alarms.open


async def test_a_fault_of_our_own_in_the_vote_does_not_keep_the_routers_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("no idea")

    before = await world.snapshots()
    monkeypatch.setattr(observer, "look", broken)
    await world.order()
    await world.run_to_the_end()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert order.error.code == "interrupted"
    assert "RuntimeError" in order.error.message
    assert await world.snapshots() == before
    assert not any(one.datastores.pending for one in world.devices.values())


async def test_a_fault_of_our_own_before_the_intent_keeps_no_lease(world: World) -> None:
    def broken(endpoint: device.Endpoint) -> device.Endpoint:
        raise RuntimeError(endpoint.device)

    world.known.change = broken
    await world.order()
    await world.run()

    assert (await world.get("1")).items[0].wait is not None
    assert await world.count(tables.lease) == 0


async def test_a_device_that_nobody_configures_ends_the_order_and_not_the_next_one(
    world: World,
) -> None:
    def a_host(endpoint: device.Endpoint) -> device.Endpoint:
        host = endpoint.device == "pe2"
        return dataclasses.replace(endpoint, platform="linux_host") if host else endpoint

    world.known.change = a_host
    await world.order()
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert "pe2 cannot carry it: linux_host has no template" in order.error.message
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 0


async def test_an_interruption_after_many_tries_for_other_reasons_is_the_first(
    world: World,
) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=7)
    await world.order()
    for _ in range(world.limits.attempts + 1):
        await world.run()
        world.clock.ahead += world.longest_pause
    world.devices["pe2"].faults = NONE
    await world.start(failpoints.Failpoints({"journal.held.after": "raise"}))
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.start()
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED


async def test_who_waits_for_a_lease_looks_less_and_less_often(world: World) -> None:
    await world.order()
    mine = await world.rows.read(lambda c: journal.load(c, "1-1"))
    assert mine is not None
    at, blocker = world.clock.now(), leases.Blocker("pe1", "9-1", "9", holds=True)
    pauses = [
        (waits.lease_wait(blocker, one, world.limits, at).wake_at - at).total_seconds()
        for one in (dataclasses.replace(mine, tries=tries) for tries in range(6))
    ]

    assert pauses == [5, 10, 20, 40, 60, 60]


async def test_a_silent_router_keeps_the_start_no_longer_than_a_third_of_its_timer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    answers = world.known.endpoint

    async def silent(name: str) -> device.Endpoint:
        if name == "pe2":
            await asyncio.Event().wait()
        return await answers(name)

    monkeypatch.setattr(world.known, "endpoint", silent)
    for timer in (3.0, 60.0):  # on a busy machine pe1 may take longer than a third of the first
        world.limits = dataclasses.replace(world.limits, confirm_within=timer)
        await world.start()
        pe1 = (await world.participants("1"))["pe1"]
        if pe1.state is states.State.DONE:
            break
    assert pe1.state is states.State.DONE
    assert (await world.get("1")).state is views.OrderState.IN_PROGRESS

    monkeypatch.undo()
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert world.holds("pe2")


async def test_a_run_whose_start_was_committed_but_not_answered_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.order()
    write = world.rows.write
    lost = iter([True])

    async def answer_lost(unit: Any) -> Any:
        result = await write(unit)
        if next(lost, False):
            raise errors.StoreUnavailable("the connection broke after the commit")
        return result

    with monkeypatch.context() as breaking:
        breaking.setattr(world.rows, "write", answer_lost)
        with pytest.raises(errors.StoreUnavailable):
            await world.feeder.feed()

    await world.run()  # now, not when the row counts as stalled
    assert (await world.get("1")).state is views.OrderState.COMPLETED
