"""What is in doubt is compared three ways, and believed only when it must be true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.netconf.driver import NetconfDriver
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import journal, states
from oss_agent.fulfilment.talk import contact
from oss_agent.spi import views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.offer import OFFERS
from tests.contract import adapter_peers
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.ladder import Others
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
DAYS = 5 * 86_400.0
HOUR = 3_600.0
OTHERS_VNI = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>7</vni>'
    "</eline></services>"
)
FOREIGN = (
    '<ports xmlns="urn:oss-agent:lab:services"><port><name>eth1</name>'
    "<description>by hand</description></port></ports>"
)


def edits_of(world: World, name: str) -> int:
    return sum(one.kind is Kind.EDIT for one in world.devices[name].history)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def test_nobody_answered_the_confirm_and_the_device_tells_that_it_had_it(
    world: World,
) -> None:
    # The second commit is the confirmation: its answer is lost.
    world.devices["pe2"].faults = Faults(lose_commit_reply=2)
    await world.order()
    await world.run()
    world.clock.ahead += world.limits.retry + 1
    assert world.clock.ahead < world.limits.confirm_within / 2
    await world.run()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert edits_of(world, "pe2") == 1
    assert not world.alarms.open


@pytest.mark.parametrize("point", ["device.confirm.after", "device.confirm.after@2"])
async def test_killed_behind_the_confirm_it_completes_at_once(world: World, point: str) -> None:
    await world.start(failpoints.Failpoints({point: "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.stop()

    await world.start()
    await world.run()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert [edits_of(world, name) for name in worlds.PES] == [1, 1]


@pytest.mark.parametrize("why", ["no token", "no lock"])
async def test_who_cannot_tell_is_believed_when_its_timer_must_have_rung(
    why: str, tmp_path: Path
) -> None:
    offers = {"pe2": OFFERS[Rung.CONFIRMED]} if why == "no token" else {}
    mute = ("validate_harmless: true", "validate_harmless: true\n  lock_tells: false")
    with adapter_peers.data("sim_netconf", mute) as folder:
        drivers = Others({"sim_netconf": NetconfDriver("sim_netconf", folder)})
        async with worlds.open_world(tmp_path, offers=offers, drivers=drivers) as world:
            world.devices["pe2"].faults = Faults(lose_commit_reply=2)
            await world.order()
            await world.run()
            world.clock.ahead += world.limits.confirm_within / 2
            await world.run()
            doubted = (await world.participants("1"))["pe2"]

            assert doubted.state is states.State.CONFIRMING
            assert "waits in silence" in doubted.outcome
            assert (await world.get("1")).state is views.OrderState.IN_PROGRESS
            world.clock.ahead += world.limits.confirm_within / 2
            await world.run_to_the_end()
            assert (await world.get("1")).state is views.OrderState.COMPLETED
            assert edits_of(world, "pe2") == 1


async def test_a_router_that_undid_itself_after_the_decision_is_proven_again(
    world: World,
) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.stop()
    world.devices["pe2"].datastores.expire()
    assert not world.holds("pe2")
    await world.start()
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert world.holds("pe2")
    pushed = await world.participants("1")
    assert (pushed["pe1"].pushed, pushed["pe2"].pushed) == (False, True)


async def test_what_is_pushed_again_and_does_not_work_is_not_called_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.stop()
    world.devices["pe2"].datastores.expire()
    _lie_about_config(monkeypatch, world)
    await world.start()

    assert (await world.get("1")).state is views.OrderState.IN_PROGRESS
    assert (await world.participants("1"))["pe2"].state is states.State.UNKNOWN
    assert world.alarms.open


def _lie_about_config(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """From the push on, pe1 is not as it should be."""
    call = contact.Talk.call

    async def mangled(talk: contact.Talk, name: str, *rest: Any, **named: Any) -> Any:
        result = await call(talk, name, *rest, **named)
        if (talk.device, name) == ("pe2", "push"):
            for _ in range(300):  # else pe1 itself would be found otherwise, before the proof
                if (await world.participants("1"))["pe1"].state is states.State.DONE:
                    break
                await asyncio.sleep(0.01)
            world.devices["pe1"].change_by_hand(OTHERS_VNI)
        return result

    monkeypatch.setattr(contact.Talk, "call", mangled)


@pytest.mark.parametrize("rung", [Rung.PERSIST, Rung.RUNNING], ids=lambda one: one.name.lower())
async def test_something_third_in_our_own_part_is_for_a_person(rung: Rung, tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path, offers={"pe2": OFFERS[rung]}) as world:
        await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
        await world.order()
        with pytest.raises(failpoints.Crash):
            await world.run()
        await world.stop()
        world.devices["pe2"].change_by_hand(OTHERS_VNI)
        await world.start()

        one = (await world.participants("1"))["pe2"]
        assert one.state is states.State.UNKNOWN
        assert "replace /services/eline[name=acme]/vni" in one.outcome
        assert [fault.specific_problem for fault in world.alarms.open.values()] == [
            "unknown configuration on pe2"
        ]
        assert "<vni>7</vni>" in (await world.snapshots())["pe2"]


async def test_a_foreign_node_edited_in_the_window_stays_and_the_order_completes(
    world: World,
) -> None:
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    world.devices["pe1"].change_by_hand(FOREIGN)
    await world.run()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert "by hand" in (await world.snapshots())["pe1"]


@pytest.mark.parametrize("rung", [Rung.PERSIST, Rung.CANDIDATE])
async def test_a_lease_that_went_is_noticed_before_the_commit_is_sent(
    rung: Rung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a timer up to the row that announces it, which would undo it; else up to the last byte."""
    async with worlds.open_world(tmp_path, offers=dict.fromkeys(worlds.PES, OFFERS[rung])) as world:
        await world.order()
        await world.feeder.feed()
        await world.flow.step()
        write = journal.Journal.write

        async def taken(self: journal.Journal, name: str, unit: Any) -> Any:
            if name != "committing":
                return await write(self, name, unit)
            done = await write(self, name, unit) if rung is Rung.CANDIDATE else None
            await world.rows.write(lambda c: worlds.take_over(c, "1-1", world.clock.now()))
            return done or await write(self, name, unit)

        monkeypatch.setattr(journal.Journal, "write", taken)
        await world.flow.step()
        monkeypatch.undo()

        for name in worlds.PES:
            kinds = {entry.kind for entry in world.devices[name].history}
            assert not {Kind.HOLD, Kind.COMMIT} & kinds
        await world.run_to_the_end()


@pytest.mark.parametrize("jump", [DAYS, -HOUR])
async def test_a_jump_of_the_wall_clock_neither_starts_nor_starves_nor_fails(
    jump: float, world: World
) -> None:
    start = world.clock.now() + timedelta(days=30)
    ports = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}  # what is ordered for later is taken at once
    await world.order("later", requested_start=start, characteristics=ports)
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    await world.order()
    await world.run()
    world.clock.jump = jump
    world.devices["pe2"].faults = NONE
    await world.run()
    assert (await world.get("2")).items[0].wait is not None  # its pause is not over
    assert (await world.get("1")).state is views.OrderState.ACKNOWLEDGED

    world.clock.ahead += world.limits.pause(3)
    await world.run()
    assert (await world.get("2")).state is views.OrderState.COMPLETED
    assert (await world.get("1")).state is views.OrderState.ACKNOWLEDGED
