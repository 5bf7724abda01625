"""What a person, or the platform's data, decide about drift: orders of ours carry it out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.drift import audits, drift_desk
from inventory.rows import tables
from oss_agent import errors
from oss_agent.assurance import schedule
from oss_agent.spi import drift, views
from oss_agent.spi.cases import CaseState
from oss_agent.spi.tree import Path as TreePath
from tests.integration.fulfilment import drifting, ladder
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


def _acme(inside: str) -> str:
    return drifting.services(f"<eline><name>acme</name>{inside}</eline>")


async def _drifted(world: worlds.World, inside: str) -> str:
    """An E-Line on which somebody typed this at pe2; the id of its one case."""
    await world.order()
    await world.run()
    world.devices["pe2"].change_by_hand(_acme(inside))
    await drifting.found(world, "pe2")
    (case,) = await drifting.cases(world)
    assert case["actions"] == ["accept", "ignore", "revert", "adopt"]
    return str(case["id"])


async def test_a_revert_puts_back_what_was_configured_and_proves_it(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.run()
        built = await world.snapshots()
        gone = '<eline nc:operation="delete"><name>acme</name></eline>'
        world.devices["pe2"].change_by_hand(drifting.services(gone))
        assert await drifting.found(world, "pe2")
        (case,) = await drifting.cases(world)

        desk = drifting.desk(world)
        view = await desk.decide(worlds.TENANT, case["id"], "revert", "chief")
        assert (view.state, view.begun) == (CaseState.BEGUN, "2")
        again = await drift_desk.DriftDesk(
            world.rows, drifting.auditor(world), world.orders
        ).decide(view, "revert", "chief")
        assert again == "2", "the same decision is the same order"
        await world.run()
        done = await world.get("2")
        assert done.state is views.OrderState.COMPLETED
        assert {one.device for one in done.items[0].evidence} >= {"pe2"}
        assert done.description is not None
        assert "revert of case" in done.description
        assert await world.snapshots() == built
        assert await drifting.found(world, "pe2") == []
        assert await drifting.cases(world) == []


async def test_what_drifts_again_after_its_revert_is_reverted_by_another_order(
    tmp_path: Path,
) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world, "<rate>7</rate>")
        desk = drifting.desk(world)
        for order in ("2", "3"):
            view = await desk.decide(worlds.TENANT, key, "revert", "chief")
            assert view.begun == order
            await world.run()
            assert await drifting.found(world, "pe2") == []
            world.devices["pe2"].change_by_hand(_acme("<rate>7</rate>"))
            await drifting.found(world, "pe2")


async def test_an_adoption_takes_what_is_there_as_configured(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world, "<rate>7</rate>")
        there = await world.snapshots()
        view = await drifting.desk(world).decide(worlds.TENANT, key, "adopt", "chief")
        await world.run()
        assert (await world.get(view.begun)).state is views.OrderState.COMPLETED
        assert await world.snapshots() == there
        assert await drifting.found(world, "pe2") == []
        assert await drifting.cases(world) == []


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("<vni>10177</vni>", "vni was 10100, which the service holds"),
        ("<port>eth5</port>", "port was eth4, which the service holds"),
    ],
)
async def test_what_the_service_holds_is_not_adopted(inside: str, why: str, tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world, inside)
        with pytest.raises(errors.OrderRejected, match=why) as refused:
            await drifting.desk(world).decide(worlds.TENANT, key, "adopt", "chief")
        assert refused.value.status == 409
        (case,) = await drifting.cases(world)
        assert case["decision"] is None


async def test_a_service_that_is_gone_from_a_device_is_not_adopted_away(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.run()
        gone = '<eline nc:operation="delete"><name>acme</name></eline>'
        world.devices["pe2"].change_by_hand(drifting.services(gone))
        await drifting.found(world, "pe2")
        (case,) = await drifting.cases(world)
        with pytest.raises(errors.OrderRejected, match="is gone whole"):
            await drifting.desk(world).decide(worlds.TENANT, case["id"], "adopt", "chief")


async def test_what_is_healed_or_in_work_is_not_decided_about(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world, "<rate>7</rate>")
        desk = drifting.desk(world)
        service: dict[str, Any] = {"action": views.ItemAction.DELETE, "service_id": "s1-1"}
        await world.orders.submit(worlds.request(**service, body_digest="2", by_hand="revert"))
        await world.feeder.feed()
        await world.flow.step()
        with pytest.raises(errors.OrderRejected, match="an order has it in work"):
            await desk.decide(worlds.TENANT, key, "revert", "chief")
        await world.run()
        assert (await world.get("2")).state is views.OrderState.COMPLETED
        with pytest.raises(errors.OrderRejected, match="not seen any more"):
            await desk.decide(worlds.TENANT, key, "revert", "chief")
        assert await drifting.cases(world) == []


@pytest.mark.parametrize("decision", ["revert", "adopt"])
async def test_lines_are_reverted_and_adopted_too(decision: str, tmp_path: Path) -> None:
    async with ladder.network(tmp_path, names=("sw1", "sw2"), netconf=()) as net:
        said: Mapping[str, Any] = {"aEnd": "sw1:eth4", "zEnd": "sw2:eth4", "bandwidth": 20}
        add = views.ItemAction.ADD
        await ladder.carried_out(net.world, add, said, specification="eline")
        net.box.change_by_hand("service eline acme\nrate 7")
        assert len(await drifting.found(net.world, "sw1")) == 2
        key = (await drifting.cases(net.world))[0]["id"]
        view = await drifting.desk(net.world).decide(worlds.TENANT, key, decision, "chief")
        await net.world.run()
        assert (await net.world.get(view.begun)).state is views.OrderState.COMPLETED
        assert ("rate 20000" in (await net.world.snapshots())["sw1"]) is (decision == "revert")
        assert await drifting.found(net.world, "sw1") == []


class Reverts:
    """A platform whose data have rates put back at once."""

    def decision(self, platform: str, store: str, path: TreePath) -> drift.Decision | None:
        del platform, store
        return drift.Decision.REVERT if path[-1].name == "rate" else None

    def masked(self, platform: str, store: str, text: str) -> str:
        del platform, store
        return text


async def test_where_the_platforms_data_say_so_it_is_reverted_unasked(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.run()
        world.devices["pe2"].change_by_hand(_acme("<rate>7</rate>"))
        judging = drifting.auditor(world, judgement=Reverts())
        desk = drifting.desk(world, judgement=Reverts())
        pace = audits.Pace(least_gap=0.0, refresh=0.01)
        role = audits.Audits(world.rows, judging, desk, world.clock, schedule.due, pace)
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            task = group.create_task(role.run())
            while not await world.feeder.feed():
                role.hint("pe2")
                await asyncio.sleep(0.01)
            await world.flow.drain()
            task.cancel()
        assert (await world.get("2")).state is views.OrderState.COMPLETED
        assert await drifting.found(world, "pe2") == []


async def test_an_order_that_an_edit_stops_says_where_its_case_is(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        key = await _drifted(world, "<rate>7</rate>")
        service: dict[str, Any] = {"action": views.ItemAction.DELETE, "service_id": "s1-1"}
        with pytest.raises(
            errors.OrderRejected, match=f"'oss-agent case show {key}'; revert or adopt"
        ):
            await world.orders.plan(worlds.request(**service))
        await world.orders.submit(worlds.request(**service, body_digest="2"))
        await world.run()
        error = (await world.get("2")).error
        assert error is not None
        assert f"(/services/eline[name=acme]/rate): 'oss-agent case show {key}'" in error.message


@pytest.mark.parametrize("tenant", [worlds.TENANT, "other"])
async def test_where_no_case_of_ours_is_known_yet_it_says_how_to_look(
    tmp_path: Path, tenant: str
) -> None:
    async with worlds.open_world(tmp_path) as world:
        if tenant == worlds.TENANT:
            await world.order()
            await world.run()
            world.devices["pe2"].change_by_hand(_acme("<rate>7</rate>"))
        else:
            await _drifted(world, "<rate>7</rate>")
            foreign = sa.update(tables.cases).values(tenant=tenant)
            await world.rows.write(lambda c: c.execute(foreign))
        service: dict[str, Any] = {"action": views.ItemAction.DELETE, "service_id": "s1-1"}
        await world.orders.submit(worlds.request(**service, body_digest="2"))
        await world.run()
        error = (await world.get("2")).error
        assert error is not None
        assert "oss-agent drift check pe2" in error.message
