"""An L3VPN with a route target and distinguishers from pools: on routers, in the ledger, and gone again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.pools import pool_values, pools
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent.catalog import catalogue, collection
from oss_agent.fulfilment import adoptions
from oss_agent.fulfilment.record import tables
from oss_agent.spi import adoption, views
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
Action = views.ItemAction
RD, RT = pool_values.Kind.RD, pool_values.Kind.RT
POOLS = (
    pools.PoolRange("vpn-rd", 1, 99, kind=RD, administrator="65000"),
    pools.PoolRange("vpn-rt", 20_000_000, 20_000_099, kind=RT, administrator="65000"),
)
SITES = [
    {"port": "sw1:eth3", "address": "172.16.1.1/24"},
    {"port": "sw2:eth3", "address": "172.16.2.1/24"},
]


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[ladder.Network]:
    async with ladder.network(tmp_path, names=("sw1", "sw2"), netconf=()) as opened:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        await opened.world.rows.write(lambda c: pools.seed(c, POOLS, tenant=worlds.TENANT, at=at))
        yield opened


async def ended(
    net: ladder.Network, action: Action, said: Mapping[str, Any], **more: Any
) -> views.ServiceOrderView:
    """Send one item, of version 1.1 unless ``more`` says otherwise, and let it end."""
    whole = worlds.request("vpn", specification="l3vpn", body_digest=f"{action}{said}{more}")
    facts = {"specification_version": "1.1", **more}
    if action is not Action.ADD:
        facts = {"specification_version": None, "service_name": None, **more}
    item = dataclasses.replace(whole.items[0], action=action, characteristics=said, **facts)
    made = await net.world.orders.submit(dataclasses.replace(whole, items=(item,)))
    await net.world.run_to_the_end()
    return await net.world.get(made.order.id)


async def completed(
    net: ladder.Network, action: Action, said: Mapping[str, Any], **more: Any
) -> str:
    done = await ended(net, action, said, **more)
    assert done.state is views.OrderState.COMPLETED, done.error
    return done.items[0].service_id or ""


async def held(net: ladder.Network, *, resting: bool = False) -> dict[str, str]:
    """Which value of these pools is whose; those that rest, or those that are held."""
    c = inventory_tables.pool_claims.c
    gone = c.released_at.is_not(None) if resting else c.released_at.is_(None)
    asked = sa.select(c.pool, c.key, c.value).where(
        history.current(inventory_tables.pool_claims), gone, c.pool.in_([one.name for one in POOLS])
    )
    rows = await net.world.rows.read(lambda connection: connection.execute(asked).all())
    return {row.key.partition(".")[2]: f"65000:{row.value}" for row in rows}


def segments(net: ladder.Network) -> dict[str, list[str]]:
    """What each router has of the EVPN segment."""
    found: dict[str, list[str]] = {}
    for name, box in net.boxes.items():
        lines = [line.strip() for line in box.configuration.text().splitlines()]
        found[name] = [line for line in lines if line.startswith(("segment", "rd ", "route-"))]
    return found


def segment(rd: str, rt: str) -> list[str]:
    return ["segment 20000", f"rd {rd}", f"route-target export {rt}", f"route-target import {rt}"]


async def test_each_router_has_its_distinguisher_and_all_one_target(net: ladder.Network) -> None:
    service = await completed(net, Action.ADD, {"sites": SITES})

    found = segments(net)
    assert {name: sorted(lines) for name, lines in found.items()} == {
        "sw1": sorted(segment("65000:1", "65000:20000000")),
        "sw2": sorted(segment("65000:2", "65000:20000000")),
    }
    mine = {"rd.sw1": "65000:1", "rd.sw2": "65000:2", "rt": "65000:20000000"}
    assert await held(net) == mine
    order = await net.world.get("1")
    outcomes = {
        one.device: one.outcome for one in order.items[0].evidence if one.kind == "config-equal"
    }
    assert outcomes == {"sw1": "proven", "sw2": "proven"}

    await completed(net, Action.DELETE, {}, service_id=service)
    assert await net.world.snapshots() == net.before
    assert await held(net) == {}
    assert await held(net, resting=True) == mine


async def test_a_pool_that_there_is_not_rejects_the_order_and_says_so(tmp_path: Path) -> None:
    """Of an order that was accepted before the settings lost it; it was tried for ever."""
    async with ladder.network(tmp_path, names=("sw1", "sw2"), netconf=()) as bare:
        done = await ended(bare, Action.ADD, {"sites": SITES})
        assert done.state is views.OrderState.REJECTED
        assert done.error is not None
        assert "takes rt from the pool vpn-rt, which there is not" in done.error.message
        assert await bare.world.snapshots() == bare.before


async def test_a_target_may_be_named_and_nobody_else_gets_it(net: ladder.Network) -> None:
    named = {"sites": SITES, "routeTarget": "65000:20000042"}
    service = await completed(net, Action.ADD, named)
    assert "route-target import 65000:20000042" in segments(net)["sw1"]
    known = await net.world.rows.read(
        lambda c: net.world.parts.ledger.snapshot(c, worlds.TENANT).services
    )
    assert known[service].characteristics["routeTarget"] == "65000:20000042"

    elsewhere = [{**one, "port": one["port"].replace("eth3", "eth5")} for one in SITES]
    other = await ended(net, Action.ADD, {**named, "sites": elsewhere}, service_name="other")
    assert other.state is views.OrderState.REJECTED
    assert other.error is not None
    assert f"65000:20000042 of pool vpn-rt is held by service {service}" in other.error.message
    strange = await ended(
        net, Action.ADD, {"sites": elsewhere, "routeTarget": "64512:1"}, service_name="strange"
    )
    assert strange.state is views.OrderState.REJECTED

    await completed(net, Action.MODIFY, {"routeTarget": "65000:20000007"}, service_id=service)
    assert "route-target import 65000:20000007" in segments(net)["sw2"]
    assert "20000042" not in json.dumps(segments(net))


async def test_a_service_of_the_older_version_moves_when_a_modify_names_the_newer(
    net: ladder.Network,
) -> None:
    said = {"sites": SITES}
    service = await completed(net, Action.ADD, said, specification_version="1.0")
    assert segments(net) == {"sw1": [], "sw2": []}
    faster = [{**SITES[0], "bandwidth": 10}, SITES[1]]
    await completed(net, Action.MODIFY, {"sites": faster}, service_id=service)
    assert segments(net) == {"sw1": [], "sw2": []}

    await completed(net, Action.MODIFY, {}, service_id=service, specification_version="1.1")
    assert sorted(segments(net)["sw1"]) == sorted(segment("65000:1", "65000:20000000"))
    await completed(net, Action.DELETE, {}, service_id=service)
    assert await net.world.snapshots() == net.before


def _desk(net: ladder.Network) -> adoptions.Adoptions:
    files, settings = collection.load(), {"as_number": "65000", "internet_community": "65000:100"}
    told = catalogue.Specifications(files.services, settings, files.ordered)
    return adoptions.Adoptions(net.world.parts, net.world.orders, told)


async def _forget(net: ladder.Network) -> None:
    here = inventory_tables
    every: list[sa.Table] = [here.ownership, here.configured, here.services, here.port_claims]
    every += [here.pool_claims, tables.claim]

    def unit(connection: sa.Connection) -> None:
        for table in every:
            connection.execute(table.delete())

    await net.world.rows.write(unit)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_what_is_there_is_adopted_in_the_version_that_it_has(
    net: ladder.Network, version: str
) -> None:
    await completed(net, Action.ADD, {"sites": SITES}, specification_version=version)
    await _forget(net)
    before, desk = await net.world.snapshots(), _desk(net)
    survey = await desk.find(worlds.TENANT, ["sw1", "sw2"])
    assert survey.unfit == ()
    (one,) = survey.candidates
    assert (one.version, one.doubts) == (version, ())
    routes = {"rd.sw1": "65000:1", "rd.sw2": "65000:2", "rt": "65000:20000000"}
    told = {name: value for name, value in one.claims.items() if name in routes}
    assert told == (routes if version == "1.1" else {})

    assert (await desk.plan(worlds.TENANT, one)).differences == ()
    made = await desk.run(worlds.TENANT, "ann", dataclasses.replace(one, customer="acme"))
    await net.world.run()
    done = await net.world.get(made.order.id)
    assert done.state is views.OrderState.COMPLETED, done.items[0].error
    assert await net.world.snapshots() == before
    assert await held(net) == told
    assert await desk.find(worlds.TENANT, ["sw1", "sw2"]) == adoption.Survey(())
