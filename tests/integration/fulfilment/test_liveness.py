"""No order stands still for good, and none keeps others from their devices for good."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent.fulfilment import contact, failpoints, journal, leases, states, tables
from oss_agent.spi import device, views
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
