"""Facts that are old by the time they count: a late commit, a late run, a deadline of long ago."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import progress, vote
from oss_agent.fulfilment.turn import stop_desk
from oss_agent.spi import device, stops, views
from oss_agent.testing.simulated.faults import Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.offer import OFFERS
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
DONE = views.OrderState.COMPLETED


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path) as made:
        yield made


async def test_a_commit_that_is_still_on_its_way_is_not_taken_for_one_that_never_came(
    tmp_path: Path,
) -> None:
    offers = {"pe2": OFFERS[device.Rung.CANDIDATE]}
    async with worlds.open_world(tmp_path, offers=offers) as world:
        world.limits = dataclasses.replace(world.limits, goodbye=0.1)
        await world.start()
        held = world.devices["pe2"].quick = _Asked()
        world.devices["pe2"].faults = Faults(commit_takes=300.0)
        await world.order()
        hit = contact.Talk.call
        sent = asyncio.Event()

        async def dies(talk: contact.Talk, name: str, act: Any, **named: Any) -> Any:
            if (talk.device, name) == ("pe2", "commit"):
                asyncio.get_running_loop().create_task(_quietly(act, talk.session))
                async with asyncio.timeout(300):
                    await held.asked.wait()
                sent.set()
                raise failpoints.Crash("killed after the commit was sent")
            return await hit(talk, name, act, **named)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(contact.Talk, "call", dies)
            with pytest.raises(failpoints.Crash):
                await world.run()
        assert sent.is_set()
        await world.start()
        (one,) = [x for x in (await world.participants("1")).values() if x.device == "pe2"]
        assert not world.holds("pe2")
        assert one.state is states.State.UNKNOWN, one.outcome
        world.devices["pe2"].faults = Faults()
        async with asyncio.timeout(300):
            while not world.holds("pe2"):  # noqa: ASYNC110  a device does not call
                await asyncio.sleep(0.01)
        await world.run_to_the_end()
        assert (await world.get("1")).state is DONE


class _Asked(asyncio.Event):
    """Says when somebody waits for it: when the device has the commit."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.asked.set()
        return await super().wait()


async def _quietly(act: Any, session: device.Session) -> None:
    with contextlib.suppress(errors.DeviceError):
        await act(session)


async def test_a_pause_that_was_set_after_the_plan_stops_before_the_first_commit(
    world: worlds.World,
) -> None:
    before = await world.snapshots()
    order = await world.order()
    await world.feeder.feed()
    await world.flow.step()
    desk = stop_desk.StopDesk(world.parts)
    stop = await desk.stop(
        worlds.TENANT, "ops", stops.StopRequest(stops.Scope.DEVICE, "pe2", "smoke")
    )
    await world.run()

    told = await world.orders.explain(worlds.TENANT, order.id)
    assert "writes to device pe2 are paused by ops: smoke" in told.sentence
    assert await world.snapshots() == before
    for one in world.devices.values():
        assert not one.history.of(Kind.HOLD)
    assert await world.count(tables.lease) == 0
    await desk.lift(worlds.TENANT, "ops", stop.id)
    await world.run()
    assert (await world.get(order.id)).state is DONE


async def test_what_is_held_settles_though_a_pause_was_set(world: worlds.World) -> None:
    order = await world.order()
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    desk = stop_desk.StopDesk(world.parts)
    await desk.stop(worlds.TENANT, "ops", stops.StopRequest(stops.Scope.ALL, "", "smoke"))
    await world.run()
    assert (await world.get(order.id)).state is DONE


async def test_an_order_that_waited_for_a_person_has_time_again_for_its_devices(
    world: worlds.World,
) -> None:
    world.limits = dataclasses.replace(world.limits, approval="always")
    await world.start()
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    world.known.change = lambda end: dataclasses.replace(end, ports={"netconf": 1})
    order = await world.order()
    await world.run()
    world.known.change = lambda end: end
    world.clock.ahead += world.longest_pause
    await world.run()
    (plan,) = await world.orders.plans(worlds.TENANT, order.id)
    assert plan.waits
    assert plan.hash is not None

    world.clock.ahead += 10_000
    world.known.change = lambda end: dataclasses.replace(end, ports={"netconf": 1})
    await world.lines.__aexit__()
    await world.start()
    await world.orders.approve(worlds.TENANT, "chief", order.id, plan.hash)
    await world.run()
    waiting = await world.get(order.id)
    assert waiting.state is views.OrderState.IN_PROGRESS, waiting.error


async def test_a_probe_whose_answer_says_nothing_is_asked_again_later(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = contact.Talk.call
    asked: list[str] = []

    async def refused(talk: contact.Talk, name: str, *rest: Any, **named: Any) -> Any:
        if name == "probe":
            asked.append(talk.device)
            if len(asked) == 1:
                raise errors.ChangeRejected(talk.device, "busy with itself", tag="data-missing")
        return await call(talk, name, *rest, **named)

    monkeypatch.setattr(contact.Talk, "call", refused)

    def near(_one: progress.Progress) -> bool:
        return False

    monkeypatch.setattr(vote, "_far", near)  # as when proving took long
    await world.order()
    await world.run_to_the_end()
    assert asked
    assert (await world.get("1")).state is DONE
