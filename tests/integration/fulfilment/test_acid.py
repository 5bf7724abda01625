"""Acid tests of transactions that simulated devices can carry."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.pools import pools
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.intent import design
from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.talk import contact
from oss_agent.spi import ledger, proof, views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.offer import OFFERS
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
THREE = ("pe1", "pe2", "pe3")
MIXED = {"pe1": OFFERS[Rung.PERSIST], "pe2": OFFERS[Rung.CONFIRMED], "pe3": OFFERS[Rung.RUNNING]}
SITES = [
    {"port": f"{name}:eth4", "address": f"172.16.{number}.1/24"}
    for number, name in enumerate(THREE, start=1)
]
_POOLS = (
    pools.PoolRange("vpn-vni", 20_000, 20_099),
    pools.PoolRange.of_prefix("vpn-transit", "100.64.0.0/24"),
)
OTHERS_VNI = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>7</vni>'
    "</eline></services>"
)


@pytest.fixture(params=[{}, MIXED], ids=["persist", "mixed"])
async def three(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path, offers=request.param, names=THREE) as opened:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        await opened.rows.write(lambda c: pools.seed(c, _POOLS, tenant=worlds.TENANT, at=at))
        yield opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def order_a_vpn(world: World) -> None:
    whole = worlds.request("vpn")
    (one,) = whole.items
    item = dataclasses.replace(one, specification="l3vpn", characteristics={"sites": SITES})
    await world.orders.submit(dataclasses.replace(whole, items=(item,)))


async def agree(world: World, before: dict[str, str]) -> views.OrderState:
    """All new or all old, as the order says, and nothing left pending; the order's state."""
    await world.run_to_the_end()
    state = (await world.get("1")).state
    assert not any(one.datastores.pending for one in world.devices.values())
    assert not world.alarms.open
    if state is views.OrderState.COMPLETED:
        assert all("172.16" in text for text in (await world.snapshots()).values())
    else:
        assert await world.snapshots() == before
    return state


async def test_acid_2_the_third_of_three_devices_refuses(three: World) -> None:
    before = await three.snapshots()
    three.devices["pe3"].faults = Faults(refuse_commit="no")
    await order_a_vpn(three)

    assert await agree(three, before) is views.OrderState.FAILED
    error = (await three.get("1")).error
    assert error is not None
    assert error.reference == "pe3"


@pytest.mark.parametrize("name", THREE)
async def test_acid_2_a_link_dies_after_the_commit(three: World, name: str) -> None:
    before = await three.snapshots()
    three.devices[name].faults = Faults(lose_commit_reply=1)
    await order_a_vpn(three)
    await three.run()
    three.devices[name].faults = NONE

    assert await agree(three, before) is views.OrderState.COMPLETED


@pytest.mark.parametrize("point", ["device.commit.after", "journal.held.after"])
async def test_acid_2_killed_between_two_commits(
    three: World, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await three.snapshots()
    await three.start(failpoints.Failpoints())
    hit, passed = three.points.hit, iter(range(100))

    def second(name: str) -> None:
        hit(name)
        if name == point and next(passed) == 1:
            raise failpoints.Crash(name)

    monkeypatch.setattr(three.points, "hit", second)
    await order_a_vpn(three)
    with pytest.raises(failpoints.Crash):
        await three.run()
    monkeypatch.undo()
    await three.start()

    assert await agree(three, before) is views.OrderState.COMPLETED


async def test_acid_5_an_edit_of_an_owned_node_aborts_with_the_difference(world: World) -> None:
    before = await world.snapshots()
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    world.devices["pe2"].change_by_hand(OTHERS_VNI)
    await world.run()

    order = await world.get("1")
    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert "config-equal on pe2" in order.error.message
    (seen,) = [
        one.transcript
        for one in order.items[0].evidence
        if (one.kind, one.device) == (proof.CONFIG_EQUAL, "pe2")
    ]
    assert seen == "replace /services/eline[name=acme]/vni"
    assert await world.snapshots() == before


async def test_acid_6_an_order_that_breaks_a_neighbour_is_reverted_everywhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.order()
    await world.run()
    before = await world.snapshots()
    _commit_harms_acme(monkeypatch, world)
    await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    monkeypatch.undo()

    order = await world.get("2")
    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert (order.error.code, order.error.reference) == ("neighbourHarmed", "s1-1")
    assert "service acme (s1-1) on pe1 worked before" in order.error.message
    assert await world.snapshots() == before
    table = tables.evidence
    asked = sa.select(table.c.stage, table.c.outcome).where(
        table.c.service_id == "s1-1", table.c.kind == proof.CONFIG_EQUAL, table.c.device == "pe1"
    )
    rows = await world.rows.read(lambda c: c.execute(asked.order_by(table.c.number)).all())
    assert [tuple(row) for row in rows] == [("baseline", "proven"), ("held", "failed")]


async def test_a_neighbour_keeps_its_vote_where_its_last_change_did_not_touch_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.order()
    await world.run()
    moved = worlds.request(
        action=views.ItemAction.MODIFY, service_id="s1-1", specification="", name="acme"
    )
    item = dataclasses.replace(moved.items[0], characteristics={"bandwidth": 20})
    await world.orders.submit(dataclasses.replace(moved, items=(item,)))
    await world.run()
    unmoved = await world.get("2")
    assert unmoved.state is views.OrderState.COMPLETED, unmoved.error
    assert unmoved.items[0].evidence == ()  # both were just seen to be as they shall

    _commit_harms_acme(monkeypatch, world)
    await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    error = (await world.get("3")).error
    assert error is not None
    assert (error.code, error.reference) == ("neighbourHarmed", "s1-1")
    built = await world.rows.read(lambda c: design.last_built(c, worlds.TENANT, "s1-1"))
    assert built is not None
    kept = [one.device for one in built.predicates if one.kind == proof.CONFIG_EQUAL]
    assert kept == ["pe1", "pe2"]
    several = await world.rows.read(lambda c: design.last_built_of(c, {"s1-1", "s9-1"}))
    assert several == {(worlds.TENANT, "s1-1"): built}


async def test_what_a_neighbour_has_on_devices_that_take_no_part_is_not_asked(three: World) -> None:
    await order_a_vpn(three)
    await three.run_to_the_end()
    await three.order("line", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await three.run_to_the_end()

    assert (await three.get("2")).state is views.OrderState.COMPLETED
    table = tables.evidence
    asked = sa.select(table.c.device).where(
        table.c.service_id == "s1-1", table.c.kind == proof.CONFIG_EQUAL
    )
    found = await three.rows.read(lambda c: c.execute(asked.distinct()).scalars().all())
    assert set(found) == {"pe1", "pe2"}


async def test_another_customers_neighbour_has_no_name_for_the_orders_sender(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.order()
    await world.run()
    _commit_harms_acme(monkeypatch, world)
    on_device = world.parts.ledger.on_device

    def of_another(connection: sa.Connection, device: str) -> tuple[ledger.Affected, ...]:
        found = on_device(connection, device)
        return tuple(dataclasses.replace(one, tenant="another") for one in found)

    monkeypatch.setattr(world.parts.ledger, "on_device", of_another)
    await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    order = await world.get("2")

    assert order.error is not None
    assert (order.error.code, order.error.reference) == ("neighbourHarmed", "pe1")
    shown = str(views.as_json(order))
    assert "acme" not in shown
    assert "s1-1" not in shown
    explained = await world.orders.explain(worlds.TENANT, "2")
    assert "acme" not in str(explained)


async def test_a_neighbour_that_was_broken_before_vetoes_nothing(world: World) -> None:
    await world.order()
    await world.run()
    world.devices["pe1"].change_by_hand(OTHERS_VNI)
    await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()

    assert (await world.get("2")).state is views.OrderState.COMPLETED


def _commit_harms_acme(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """A device whose commit changes more than it was asked for."""
    call = contact.Talk.call

    async def harmful(talk: contact.Talk, name: str, *rest: Any, **named: Any) -> Any:
        result = await call(talk, name, *rest, **named)
        if (talk.device, name) == ("pe1", "commit"):
            world.devices["pe1"].change_by_hand(OTHERS_VNI)
        return result

    monkeypatch.setattr(contact.Talk, "call", harmful)
