"""Modify: exactly the difference on the devices, and what is no longer needed back when it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.pools import pools
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from oss_agent.testing.simulated.history import Kind
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
Action = views.ItemAction
_POOLS = (
    pools.PoolRange.of_prefix("internet-v4", "203.0.113.0/24", 30, longest=30),
    pools.PoolRange("vpn-vni", 20_000, 20_099),
    pools.PoolRange.of_prefix("vpn-transit", "100.64.0.0/24"),
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with worlds.open_world(database_url) as opened:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        await opened.rows.write(lambda c: pools.seed(c, _POOLS, tenant=worlds.TENANT, at=at))
        yield opened


async def order(
    world: World, action: Action, said: Mapping[str, Any], **more: Any
) -> views.ServiceOrderView:
    """Send one item and let it end; the order as it is then."""
    number = await world.count(tables.order) + 1
    item = orders.ItemRequest(
        id="1",
        action=action,
        specification=more.pop("specification", ""),
        specification_version=None,
        service_id=more.pop("service_id", None),
        service_name=more.pop("name", None),
        characteristics=said,
        path="serviceOrderItem[0]",
    )
    request = orders.OrderRequest(
        tenant=worlds.TENANT, requester="bss", items=(item,), body_digest=str(number)
    )
    view = (await world.orders.submit(request)).order
    await world.run_to_the_end()
    return await world.get(view.id)


async def add(world: World, specification: str, name: str, **said: Any) -> str:
    """An active service's id."""
    done = await order(world, Action.ADD, said, specification=specification, name=name)
    assert done.state is views.OrderState.COMPLETED, done.error
    return done.items[0].service_id


async def modify(world: World, service: str, **said: Any) -> views.ServiceOrderView:
    return await order(world, Action.MODIFY, said, service_id=service)


async def delete(world: World, service: str) -> None:
    done = await order(world, Action.DELETE, {}, service_id=service)
    assert done.state is views.OrderState.COMPLETED, done.error


async def service_of(world: World, key: str) -> views.ServiceView:
    known = await world.rows.read(lambda c: world.parts.ledger.snapshot(c, worlds.TENANT).services)
    return known[key]


async def ports_of(world: World, service: str) -> set[tuple[str, str]]:
    c = inventory_tables.port_claims.c
    held = sa.select(c.device, c.port).where(
        history.current(inventory_tables.port_claims), c.service == service
    )
    return {
        (row.device, row.port) for row in await world.rows.read(lambda x: x.execute(held).all())
    }


async def claims_of(world: World) -> set[tuple[str, str]]:
    """(pool, value text) of every value that is held."""
    c = inventory_tables.pool_claims.c
    held = sa.select(c.pool, c.value).where(
        history.current(inventory_tables.pool_claims), c.released_at.is_(None)
    )
    return {
        (row.pool, str(row.value)) for row in await world.rows.read(lambda x: x.execute(held).all())
    }


def touches(world: World, name: str, since: int) -> list[Kind]:
    """What happened to a device's configuration since then: not its sessions, not what is read."""
    quiet = {Kind.SESSION, Kind.CLOSE}
    happened = list(world.devices[name].history)[since:]
    return [one.kind for one in happened if one.kind not in quiet]


def edits_of(world: World, name: str) -> list[str]:
    return [e.detail for e in world.devices[name].history if e.kind is Kind.EDIT]


async def test_a_modify_changes_only_what_it_names_and_keeps_pool_values(world: World) -> None:
    before = await world.snapshots()
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4", bandwidth=20)
    claimed = await claims_of(world)
    done = await modify(world, service, bandwidth=50)

    assert done.state is views.OrderState.COMPLETED, done.error
    for name in worlds.PES:
        assert "<rate>50000</rate>" in (await world.snapshots())[name]
        last = edits_of(world, name)[-1]
        assert "<rate" in last
        assert "<vni" not in last
    now = await service_of(world, service)
    assert now.characteristics["bandwidth"] == 50
    assert now.characteristics["aEnd"] == "pe1:eth4"
    assert (now.state, now.order) == (views.ServiceState.ACTIVE, "2")
    assert await claims_of(world) == claimed
    assert ("ServiceAttributeValueChangeEvent", "active") in await world.events(
        f"service:{service}"
    )

    await delete(world, service)
    assert await world.snapshots() == before
    assert await world.count(tables.claim) == 0
    assert await ports_of(world, service) == set()


async def test_modify_after_modify_builds_on_what_stands(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4")
    await modify(world, service, bandwidth=50)
    done = await modify(world, service, zEnd="pe2:eth5")
    assert done.state is views.OrderState.COMPLETED, done.error
    now = await service_of(world, service)
    assert (now.characteristics["bandwidth"], now.characteristics["zEnd"]) == (50, "pe2:eth5")
    assert "<rate>50000</rate>" in (await world.snapshots())["pe2"]

    done = await modify(world, service, bandwidth=None)
    assert done.state is views.OrderState.COMPLETED, done.error
    assert "rate>" not in (await world.snapshots())["pe1"]


async def test_a_modify_follows_the_port_with_claims_ends_and_meters(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4")
    await modify(world, service, zEnd="pe2:eth5")

    assert await ports_of(world, service) == {("pe1", "eth4"), ("pe2", "eth5")}
    watched = await world.rows.read(world.parts.ledger.watched)
    assert {(one.device, one.port) for one in watched} == {("pe1", "eth4"), ("pe2", "eth5")}
    assert await add(world, "eline", "other", aEnd="pe1:eth5", zEnd="pe2:eth4")


async def test_sites_come_change_and_go(world: World) -> None:
    before = await world.snapshots()
    north = {"port": "pe1:eth4", "address": "172.16.1.1/24"}
    south = {"port": "pe2:eth4", "address": "172.16.2.1/24", "bandwidth": 10}
    east = {"port": "pe1:eth5", "address": "172.16.3.1/24"}
    service = await add(world, "l3vpn", "vpn", sites=[north, south])
    seen = len(world.devices["pe2"].history)

    done = await modify(world, service, sites=[north, south, east])
    assert done.state is views.OrderState.COMPLETED, done.error
    assert touches(world, "pe2", seen) == []
    assert "172.16.3.1/24" in (await world.snapshots())["pe1"]
    assert len((await service_of(world, service)).supporting_services) >= 3

    done = await modify(world, service, sites=[north, east])
    assert done.state is views.OrderState.COMPLETED, done.error
    assert (await world.snapshots())["pe2"] == before["pe2"]
    assert await ports_of(world, service) == {("pe1", "eth4"), ("pe1", "eth5")}
    assert sorted(pool for pool, _ in await claims_of(world)) == ["vpn-transit", "vpn-vni"]
    (evidence,) = [one for one in done.items[0].evidence if one.device == "pe2"]
    assert (evidence.kind, evidence.outcome) == ("config-equal", "proven")

    await delete(world, service)
    assert await world.snapshots() == before
    assert await world.count(tables.claim) == 0


async def test_an_end_keeps_its_id_and_one_that_comes_never_has_that_of_one_that_left(
    world: World,
) -> None:
    north = {"port": "pe1:eth4", "address": "172.16.1.1/24"}
    south = {"port": "pe2:eth4", "address": "172.16.2.1/24"}
    east = {"port": "pe2:eth5", "address": "172.16.3.1/24"}
    service = await add(world, "l3vpn", "vpn", sites=[north, south, east])
    ever: dict[str, tuple[str, ...]] = {}
    for sites in ([north, east], [north, south, east], [north, south], [north, south, east]):
        known = await world.rows.read(
            lambda c: world.parts.ledger.snapshot(c, worlds.TENANT).services
        )
        for one in known[service].supporting_services:
            ports = known[one].supporting_resources
            assert ever.setdefault(one, ports) == ports, "it was another end before"
        done = await modify(world, service, sites=sites)
        assert done.state is views.OrderState.COMPLETED, done.error
    await delete(world, service)


async def test_another_wish_moves_the_service_to_another_value(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4")
    done = await modify(world, service, vni=10_150)

    assert done.state is views.OrderState.COMPLETED, done.error
    assert await claims_of(world) == {("core-vni", "10150")}
    assert (await service_of(world, service)).characteristics["vni"] == 10_150


async def test_a_modify_that_fails_gives_back_what_it_took_and_nothing_else(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4", bandwidth=20)
    before, was = await world.snapshots(), await service_of(world, service)
    claimed = await claims_of(world)
    world.devices["pe2"].faults = Faults(refuse_commit="no room")
    done = await modify(world, service, zEnd="pe2:eth5", vni=10_150)

    assert done.state is views.OrderState.FAILED
    assert await world.snapshots() == before
    assert await service_of(world, service) == was
    assert await claims_of(world) == claimed
    assert await ports_of(world, service) == {("pe1", "eth4"), ("pe2", "eth4")}
    assert ("ServiceAttributeValueChangeEvent", "active") not in await world.events(
        f"service:{service}"
    )

    world.devices["pe2"].faults = Faults()
    await delete(world, service)
    assert await world.count(tables.claim) == 0


async def test_a_modify_that_changes_nothing_touches_no_device_and_says_so(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4", bandwidth=20)
    seen = {name: len(one.history) for name, one in world.devices.items()}
    done = await modify(world, service, bandwidth=20)

    assert done.state is views.OrderState.COMPLETED, done.error
    assert [touches(world, name, since) for name, since in seen.items()] == [[], []]
    told = await world.orders.explain(worlds.TENANT, done.id)
    assert any("nothing to change" in text for _, text in told.history)


async def test_only_what_an_active_service_could_be_is_accepted(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4", bandwidth=20)
    for said, field in (
        ({"bandwidth": "50"}, "serviceCharacteristic[bandwidth]"),
        ({"aEnd": None}, "serviceCharacteristic[aEnd]"),
        ({"colour": "red"}, "serviceCharacteristic['colour']"),
    ):
        with pytest.raises(errors.OrderRejected) as refused:
            await modify(world, service, **said)
        assert refused.value.field.endswith(field)
    with pytest.raises(errors.OrderRejected, match="keeps the name"):
        await order(world, Action.MODIFY, {}, service_id=service, name="other")
    with pytest.raises(errors.OrderRejected, match="keeps the specification"):
        await order(world, Action.MODIFY, {}, service_id=service, specification="l3vpn")

    await delete(world, service)
    done = await modify(world, service, bandwidth=50)
    assert done.state is views.OrderState.REJECTED
    assert done.error is not None
    assert done.error.code == "notActive"


async def test_two_items_of_one_order_are_about_two_services(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4")
    asked = worlds.request(action=Action.MODIFY, service_id=service, specification="")
    one = dataclasses.replace(asked.items[0], characteristics={"bandwidth": 50})
    twice = (one, dataclasses.replace(one, id="2", path="serviceOrderItem[1]"))
    with pytest.raises(errors.OrderRejected, match=r"two items have the service\.id"):
        await world.orders.submit(dataclasses.replace(asked, items=twice))


async def test_a_dry_run_of_a_modify_shows_the_difference_alone(world: World) -> None:
    service = await add(world, "eline", "acme", aEnd="pe1:eth4", zEnd="pe2:eth4", bandwidth=20)
    asked = worlds.request(
        action=Action.MODIFY, service_id=service, specification="", characteristics={}
    )
    item = dataclasses.replace(asked.items[0], service_name=None, characteristics={"bandwidth": 50})
    (shown,) = await world.orders.plan(dataclasses.replace(asked, items=(item,)))

    assert shown.changes
    assert shown.claims == ()
    assert shown.expected_seconds is not None
    for one in shown.devices:
        assert (one.store, "50000" in one.diff, "<vni" in one.diff) == ("netconf", True, False)
        assert "20000" in one.reverse
    unchanged = dataclasses.replace(item, characteristics={})
    (same,) = await world.orders.plan(dataclasses.replace(asked, items=(unchanged,)))
    assert not same.changes


async def test_a_customer_says_how_long_a_prefix_is_and_it_comes_back(world: World) -> None:
    before = await world.snapshots()
    said = {"accessPort": "pe1:eth4", "bandwidth": 20}
    small = await add(world, "internet-access", "small", **said)
    at = {**said, "accessPort": "pe1:eth5"}
    service = await add(world, "internet-access", "large", **at, prefixLength=29)

    shown = (await service_of(world, service)).characteristics
    assert (shown["prefix"], shown["prefixLength"]) == ("203.0.113.8/29", 29)
    assert (await service_of(world, small)).characteristics["prefix"] == "203.0.113.0/30"
    assert "203.0.113.9/29" in (await world.snapshots())["pe1"]
    assert ("ServiceStateChangeEvent", "active") in await world.events(f"service:{service}")

    done = await modify(world, service, bandwidth=50)
    assert done.state is views.OrderState.COMPLETED, done.error
    assert (await service_of(world, service)).characteristics["prefix"] == "203.0.113.8/29"
    done = await modify(world, service, prefixLength=28)
    assert done.state is views.OrderState.COMPLETED, done.error
    assert (await service_of(world, service)).characteristics["prefix"] == "203.0.113.16/28"

    with pytest.raises(errors.OrderRejected, match="is not a /28, as prefixLength says") as wrong:
        await modify(world, service, prefix="203.0.113.64/29")
    assert "[prefix]" in (wrong.value.field or "")
    done = await order(
        world,
        Action.ADD,
        {**said, "accessPort": "pe2:eth4", "prefixLength": 23},
        specification="internet-access",
        name="too-large",
    )
    assert done.state is views.OrderState.REJECTED
    assert done.error is not None
    assert "/23 is no length of pool internet-v4" in done.error.message

    for one in (small, service):
        await delete(world, one)
    assert await world.snapshots() == before
    assert await claims_of(world) == set()
