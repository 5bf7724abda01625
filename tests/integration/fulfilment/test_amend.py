"""Amending an order in flight: what was begun is undone, what is asked for now is built, nothing leaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory import history
from inventory import tables as inventory_tables
from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.ordering import amend
from oss_agent.fulfilment.record import journal, order_rows, tables
from oss_agent.fulfilment.transact import transaction
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
Order = views.OrderState
_PREPARE, _HOLD = 1, 2
"""Phases after which an order is planned, and held on its routers."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path, names=("pe1", "pe2", "pe3")) as opened:
        yield opened


async def change(world: World, key: str = "1", **said: object) -> None:
    """Replace what the first item of an order asks for, in a unit of its own."""

    def unit(connection: sa.Connection) -> None:
        one = journal.load(connection, f"{key}-1")
        assert one is not None
        item = order_rows.request_of(connection, key, 1)
        asked = orders.ItemChange(item.id, {**item.characteristics, **said})
        amend.replace(connection, world.parts, one, asked, "bss", world.clock.now())

    await world.rows.write(unit)


async def phases(world: World, count: int) -> None:
    await world.feeder.feed()
    for _ in range(count):
        await world.flow.step()


async def ports(world: World) -> set[str]:
    """Every port that is taken."""
    c = inventory_tables.port_claims.c
    asked = sa.select(c.device, c.port).where(history.current(inventory_tables.port_claims))
    rows = await world.rows.read(lambda connection: connection.execute(asked).all())
    return {f"{row.device}:{row.port}" for row in rows}


async def held_vnis(world: World) -> list[str | None]:
    c = inventory_tables.pool_claims.c
    asked = sa.select(c.text).where(
        history.current(inventory_tables.pool_claims), c.released_at.is_(None)
    )
    return list(await world.rows.read(lambda connection: connection.execute(asked).scalars().all()))


async def ends(world: World) -> list[str]:
    """What the service stands on, as its rows say."""
    known = await world.rows.read(lambda c: world.parts.ledger.snapshot(c, worlds.TENANT).services)
    return sorted(
        r for key in known["s1-1"].supporting_services for r in known[key].supporting_resources
    )


@pytest.mark.parametrize("count", [0, _PREPARE, _HOLD])
async def test_what_is_not_decided_is_built_as_it_is_asked_for_by_then(
    world: World, count: int
) -> None:
    before = await world.snapshots()
    await world.order()
    if count:
        await phases(world, count)
    assert world.holds("pe2") is (count == _HOLD)
    await change(world, zEnd="pe3:eth3", vni=10_150)
    await world.run_to_the_end()

    order = await world.get("1")
    assert order.state is Order.COMPLETED, order.error
    assert world.holds("pe1")
    assert world.holds("pe3")
    after = await world.snapshots()
    assert after["pe2"] == before["pe2"]
    assert "10150" in after["pe1"]
    assert await ports(world) == {"pe1:eth4", "pe3:eth3"}
    assert await held_vnis(world) == ["10150"]
    assert await ends(world) == ["pe1:eth4", "pe3:eth3"]
    assert await world.count(tables.lease) == 0


@pytest.mark.parametrize("point", ["journal.decision.after", "journal.proven.after"])
async def test_past_the_point_of_no_return_it_is_refused_and_a_modify_advised(
    world: World, point: str
) -> None:
    await world.start(failpoints.Failpoints({point: "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    with pytest.raises(errors.OrderRejected, match="item 1 is past its point of no return") as late:
        await change(world, bandwidth=50)

    assert (late.value.status, late.value.code) == (409, "pointOfNoReturn")
    assert "order a modify of service s1-1" in late.value.reason
    await world.start()
    await world.run()
    order = await world.get("1")
    assert (order.state, order.items[0].characteristics["bandwidth"]) == (Order.COMPLETED, 20)
    with pytest.raises(errors.OrderRejected, match="item 1 is completed"):
        await change(world, bandwidth=50)


async def test_a_value_that_its_specification_refuses_is_named_and_changes_nothing(
    world: World,
) -> None:
    await world.order()
    with pytest.raises(errors.OrderRejected) as wrong:
        await change(world, bandwidth="fast")
    assert wrong.value.field == "serviceOrderItem[0].service.serviceCharacteristic[bandwidth]"
    assert (await world.get("1")).items[0].characteristics["bandwidth"] == 20


async def test_what_it_would_have_failed_with_is_not_what_is_asked_for_any_more(
    world: World,
) -> None:
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    await world.order()
    await phases(world, _HOLD)
    await change(world, zEnd="pe3:eth3")
    await world.run_to_the_end()

    assert (await world.get("1")).state is Order.COMPLETED
    assert await ports(world) == {"pe1:eth4", "pe3:eth3"}


async def test_one_that_is_amended_leaves_the_commit_that_it_shares(world: World) -> None:
    first = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}
    await world.order("s0", external_id="x0", characteristics=first)
    await phases(world, _PREPARE)
    for port in ("eth4", "eth5"):
        two = {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"}
        await world.order(port, external_id=port, characteristics=two)
    await world.feeder.feed()
    await world.flow.drain()
    await world.feeder.feed()
    leader = await world.rows.read(lambda c: journal.load(c, "2-1"))
    assert leader is not None
    for phase in transaction.phases(world.parts)[:_HOLD]:
        await phase.act(leader.id, leader.run)
    assert world.holds("pe2", "eth5")
    assert await world.count(tables.transaction, tables.transaction.c.stage == "member") == 1
    await change(world, "3", zEnd="pe3:eth5")
    await world.run_to_the_end()

    assert [(await world.get(key)).state for key in ("2", "3")] == [Order.COMPLETED] * 2
    assert await ports(world) >= {"pe2:eth4", "pe1:eth5", "pe3:eth5"}
    assert "pe2:eth5" not in await ports(world)


@pytest.mark.parametrize("count", [_PREPARE, _HOLD])
async def test_a_death_with_the_mark_made_loses_nothing(world: World, count: int) -> None:
    await world.order()
    await phases(world, count)
    await change(world, zEnd="pe3:eth3")
    await world.start()
    await world.run_to_the_end()

    assert (await world.get("1")).state is Order.COMPLETED
    assert await ports(world) == {"pe1:eth4", "pe3:eth3"}
