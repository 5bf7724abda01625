"""An edit by hand in a service's own part while its order is on the way, policy by policy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from oss_agent.spi import catalogue, views
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
Policy = catalogue.OutOfBand
PREPARED, DECIDED = 1, 3
"""Phases of a run after which somebody edits: planned, and decided but not confirmed."""


def _by_hand(leaf: str) -> str:
    inside = f"<eline><name>acme</name>{leaf}</eline>"
    return f'<services xmlns="urn:oss-agent:lab:services">{inside}</services>'


async def _vni_on_pe2(world: worlds.World) -> str:
    """What the ledger says that the service has there."""
    has = await world.rows.read(lambda c: world.parts.ledger.configured(c, "s1-1"))
    (vni,) = [
        one
        for one in has["pe2", "netconf"].children[0].children[0].children
        if one.step.name == "vni"
    ]
    return vni.value or ""


async def _change(world: worlds.World, action: views.ItemAction, **said: object) -> str:
    asked = worlds.request(action=action, service_id="s1-1", specification="")
    item = dataclasses.replace(asked.items[0], service_name=None, characteristics=said)
    number = f"{action}{said}"
    order = dataclasses.replace(asked, items=(item,), body_digest=number)
    return (await world.orders.submit(order)).order.id


async def _edited(world: worlds.World, leaf: str, phases: int) -> views.ServiceOrderView:
    """A modify of acme during which somebody changes pe2; as the order is then."""
    await world.order()
    await world.run()
    key = await _change(world, views.ItemAction.MODIFY, bandwidth=50)
    await world.feeder.feed()
    for _ in range(phases):
        await world.flow.step()
    world.devices["pe2"].change_by_hand(_by_hand(leaf))
    await world.run()
    return await world.get(key)


@pytest.mark.parametrize("phases", [PREPARED, DECIDED])
@pytest.mark.parametrize(("policy", "owned"), [(Policy.ADOPT, "10177"), (Policy.ACCEPT, "10100")])
async def test_what_is_adopted_on_the_way_is_owned_and_what_is_accepted_is_not(
    policy: Policy, owned: str, phases: int, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path, out_of_band=policy) as world:
        before = await world.snapshots()
        done = await _edited(world, "<vni>10177</vni>", phases)
        assert done.state is views.OrderState.COMPLETED, done.error
        there = (await world.snapshots())["pe2"]
        assert "<vni>10177</vni>" in there
        assert "<rate>50000</rate>" in there
        assert await _vni_on_pe2(world) == owned

        key = await _change(world, views.ItemAction.DELETE)
        await world.run()
        assert (await world.get(key)).state is views.OrderState.COMPLETED
        assert await world.snapshots() == before


async def test_an_edit_that_meets_the_order_stops_it_also_where_edits_are_adopted(
    tmp_path: Path,
) -> None:
    async with worlds.open_world(tmp_path, out_of_band=Policy.ADOPT) as world:
        stopped = await _edited(world, "<rate>7000</rate>", PREPARED)
        assert stopped.state is views.OrderState.FAILED
        assert stopped.error is not None
        assert "our part changed since it was planned" in stopped.error.message
        there = await world.snapshots()
        assert "<rate>7000</rate>" in there["pe2"]
        assert "<rate>20000</rate>" in there["pe1"]
