"""A case whose order came to nothing is open again, and says why: at once, or at the next audit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from inventory.drift import audits, drift_desk, drift_rows
from inventory.ledgers import case_desk
from oss_agent import errors
from oss_agent.assurance import schedule
from oss_agent.spi import views
from oss_agent.spi.cases import CaseState, CaseView
from oss_agent.spi.moments import AsOf
from oss_agent.testing.simulated.faults import NONE, Faults
from tests.integration.fulfilment import drifting, test_drift_decisions
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio

_EDIT = drifting.services("<eline><name>acme</name><rate>7</rate></eline>")
_REFUSED = Faults(refuse_commit="no room for it")


async def _drifted(world: worlds.World) -> str:
    await world.order()
    await world.run()
    world.devices["pe2"].change_by_hand(_EDIT)
    await drifting.found(world, "pe2")
    (case,) = await drifting.cases(world)
    return str(case["id"])


async def _case(world: worlds.World, key: str) -> CaseView:
    return await drifting.desk(world).get(worlds.TENANT, key)


class _Slow:
    """Its order has ended before the decision is stored: as when the daemon is killed in between."""

    def __init__(self, world: worlds.World) -> None:
        self._world = world
        self._desk = drift_desk.DriftDesk(world.rows, drifting.auditor(world), world.orders)

    async def decide(self, case: CaseView, decision: str, who: str) -> str:
        begun = await self._desk.decide(case, decision, who)
        await self._world.run()
        return begun


async def _unheard(world: worlds.World, key: str) -> None:
    slow = case_desk.Outside(deciders=dict.fromkeys(drift_rows.KINDS, _Slow(world)))
    desk = case_desk.CasePort(world.rows, world.clock, slow)
    view = await desk.decide(worlds.TENANT, key, "revert", "chief")
    assert (await world.get(view.begun)).state is views.OrderState.FAILED
    assert (await _case(world, key)).state is CaseState.BEGUN


async def test_an_order_that_fails_gives_its_case_back_with_the_reason(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world)
        first = await _case(world, key)
        desk = drifting.desk(world)
        begun = await desk.decide(worlds.TENANT, key, "revert", "chief", reason="nobody ordered it")
        world.devices["pe2"].faults = _REFUSED
        await world.run()

        case = await _case(world, key)
        assert (case.state, case.decision, case.begun) == (CaseState.OPEN, None, "2")
        assert case.reason.startswith("order 2 is failed: ")
        assert "no room for it" in case.reason
        assert (case.since, case.actions, case.decided_by) == (first.since, first.actions, None)
        assert begun.decided_at is not None
        then = AsOf(begun.decided_at, begun.decided_at)
        was = await desk.get(worlds.TENANT, key, then)
        assert (was.state, was.reason) == (CaseState.BEGUN, "nobody ordered it")

        world.devices["pe2"].faults = NONE
        assert (await desk.decide(worlds.TENANT, key, "revert", "chief")).begun == "3"
        await world.run()
        assert (await world.get("3")).state is views.OrderState.COMPLETED
        assert await drifting.found(world, "pe2") == []
        assert await drifting.cases(world) == []


async def test_an_order_that_is_cancelled_does_so_too_and_no_other_does(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world)
        await drifting.desk(world).decide(worlds.TENANT, key, "adopt", "chief")
        other = await world.order("beta", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
        await world.cancel(other.id)
        await drifting.found(world, "pe2")
        assert (await _case(world, key)).state is CaseState.BEGUN, "its order has not begun yet"
        await world.cancel("2")
        await world.run()
        assert (await world.get("2")).state is views.OrderState.CANCELLED
        case = await _case(world, key)
        assert case.state is CaseState.OPEN
        assert case.reason == "order 2 is cancelled: cancelled before anything was sent"


@pytest.mark.parametrize("answers", [True, False])
async def test_what_ended_unheard_is_found_by_the_next_audit(tmp_path: Path, answers: bool) -> None:  # noqa: FBT001  a parameter of the test
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world)
        world.devices["pe2"].faults = _REFUSED
        await _unheard(world, key)
        world.devices["pe2"].faults = NONE
        reader = _Silent() if not answers else None
        told = await drifting.auditor(world, **({"reader": reader} if reader else {})).audit("pe2")
        assert bool(told.reason) is not answers
        case = await _case(world, key)
        assert (case.state, case.begun) == (CaseState.OPEN, "2")
        assert "no room for it" in case.reason


class _Silent:
    async def read(self, device: str, *_: object) -> None:
        raise errors.DeviceUnreachable(device, "no answer")


async def test_what_was_reverted_and_is_seen_again_is_open_again(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world)
        await drifting.desk(world).decide(worlds.TENANT, key, "revert", "chief")
        await world.run()
        assert (await _case(world, key)).state is CaseState.BEGUN, "no audit has looked yet"
        silent = drifting.auditor(world, reader=_Silent())
        assert (await silent.audit("pe2")).reason
        assert (await _case(world, key)).state is CaseState.BEGUN, "nobody knows what is there"
        world.devices["pe2"].change_by_hand(_EDIT)
        await drifting.found(world, "pe2")
        case = await _case(world, key)
        assert case.state is CaseState.OPEN
        assert case.reason == "order 2 (revert) was completed, and it is seen again"


async def test_a_rule_tries_once_and_then_it_is_a_persons(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world)
        world.devices["pe2"].faults = _REFUSED
        rule = test_drift_decisions.Reverts()
        role = audits.Audits(
            world.rows,
            drifting.auditor(world, judgement=rule),
            drifting.desk(world, judgement=rule),
            world.clock,
            schedule.due,
            audits.Pace(least_gap=0.0, refresh=0.01),
        )
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            task = group.create_task(role.run())
            while not await world.feeder.feed():
                role.hint("pe2")
                await asyncio.sleep(0.01)
            await world.flow.drain()
            assert (await world.get("2")).state is views.OrderState.FAILED
            looked = role.counters().get("differs", 0)
            while role.counters().get("differs", 0) < looked + 2:
                role.hint("pe2")
                await asyncio.sleep(0.01)
            task.cancel()
        case = await _case(world, key)
        assert (case.state, case.begun) == (CaseState.OPEN, "2")
        with pytest.raises(errors.NotFound):
            await world.get("3")
