"""An edit by hand in a service's own part while its order is on the way, policy by policy."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_agent import audit, errors
from oss_agent.fulfilment.record import tables
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


async def _change(
    world: worlds.World, action: views.ItemAction, choice: dict[str, Any] | None = None, **said: Any
) -> str:
    asked = worlds.request(action=action, service_id="s1-1", specification="", **(choice or {}))
    item = dataclasses.replace(asked.items[0], service_name=None, characteristics=said)
    number = str(await world.count(tables.order))
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


async def _built_and_edited(world: worlds.World) -> None:
    await world.order()
    await world.run()
    world.devices["pe2"].change_by_hand(_by_hand("<vni>10177</vni>"))


@pytest.mark.parametrize(
    ("policy", "vni"), [(Policy.REVERT, "10100"), (Policy.ADOPT, "10177"), (Policy.ACCEPT, "10177")]
)
async def test_an_operator_chooses_for_one_order_what_becomes_of_an_edit(
    policy: Policy, vni: str, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path) as world:
        before = await world.snapshots()
        await _built_and_edited(world)
        refused = await _change(world, views.ItemAction.MODIFY, bandwidth=50)
        await world.run()
        error = (await world.get(refused)).error
        assert error is not None
        assert "--by-hand revert|adopt|accept" in error.message

        key = await _change(world, views.ItemAction.MODIFY, {"by_hand": policy}, bandwidth=50)
        await world.run()
        done = await world.get(key)
        assert done.state is views.OrderState.COMPLETED, done.error
        there = (await world.snapshots())["pe2"]
        assert f"<vni>{vni}</vni>" in there
        assert "<rate>50000</rate>" in there

        world.devices["pe2"].change_by_hand(_by_hand("<vni>10178</vni>"))
        strict = await _change(world, views.ItemAction.DELETE)
        await world.run()
        assert (await world.get(strict)).state is views.OrderState.FAILED, "it was for one order"
        key = await _change(world, views.ItemAction.DELETE, {"by_hand": policy})
        await world.run()
        assert (await world.get(key)).state is views.OrderState.COMPLETED
        assert await world.snapshots() == before


async def test_it_is_chosen_while_the_order_waits_and_kept_from_its_date(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built_and_edited(world)
        start = {"requested_start": world.clock.now() + timedelta(hours=1)}
        key = await _change(world, views.ItemAction.MODIFY, start, bandwidth=50)
        await world.run()
        items = await world.orders.choose(worlds.TENANT, "chief", key, Policy.REVERT)
        assert items == ("1",)
        await world.run()
        assert "<vni>10177</vni>" in (await world.snapshots())["pe2"], "its date has not come"

        world.clock.ahead += 3700
        await world.run()
        assert (await world.get(key)).state is views.OrderState.COMPLETED
        assert "<vni>10100</vni>" in (await world.snapshots())["pe2"]
        c = audit.ENTRIES.c
        chief = (c.actor == "chief", c.action == "policy", c.subject == f"order:{key}")
        assert await world.count(audit.ENTRIES, *chief) == 1
        with pytest.raises(errors.NotFound, match="that waits"):
            await world.orders.choose(worlds.TENANT, "chief", key, Policy.REVERT)


BECOMES = {
    Policy.REVERT: "is put as ordered",
    Policy.ADOPT: "becomes the service's own",
    Policy.ACCEPT: "stays as it is, as nobody's",
}


@pytest.mark.parametrize("policy", BECOMES)
async def test_a_dry_run_shows_what_a_choice_would_do_and_the_order_does_it(
    policy: Policy, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built_and_edited(world)
        there = await world.snapshots()
        asked = worlds.request(action=views.ItemAction.MODIFY, service_id="s1-1", specification="")
        item = dataclasses.replace(
            asked.items[0], service_name=None, characteristics={"bandwidth": 50}
        )
        asked = dataclasses.replace(asked, items=(item,), by_hand=policy, body_digest="9")

        (plan,) = await world.orders.plan(asked)
        shown = {one.device: one for one in plan.devices}
        (edit,) = shown["pe2"].by_hand
        assert edit == f"/services/eline[name=acme]/vni {BECOMES[policy]}"
        assert ("10177" in shown["pe2"].reverse) is (policy is Policy.REVERT)
        assert shown["pe1"].by_hand == ()
        assert await world.snapshots() == there

        key = (await world.orders.submit(asked)).order.id
        await world.run()
        assert (await world.get(key)).state is views.OrderState.COMPLETED
        (sent,) = await world.orders.plans(worlds.TENANT, key)
        assert sent.hash == plan.hash


@pytest.mark.parametrize("choice", [None, Policy.ABORT])
async def test_a_dry_run_without_a_choice_is_refused_as_the_order_would_be(
    choice: Policy | None, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built_and_edited(world)
        asked = worlds.request(action=views.ItemAction.DELETE, service_id="s1-1", specification="")
        item = dataclasses.replace(asked.items[0], service_name=None, characteristics={})
        asked = dataclasses.replace(asked, items=(item,), by_hand=choice)

        with pytest.raises(errors.OrderRejected, match="--by-hand revert"):
            await world.orders.plan(asked)
