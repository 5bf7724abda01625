"""Amending an order in flight: what was begun is undone, what is asked for now is built, nothing leaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import journal, tables
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


async def change(world: World, key: str = "1", **said: object) -> views.ServiceOrderView:
    """Change what the first item of an order asks for."""
    seen = await world.get(key)
    asked = orders.ItemChange(seen.items[0].id, {**seen.items[0].characteristics, **said})
    return await world.orders.amend(orders.Amendment(seen, "bss", items=(asked,)))


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
    told = [kind for kind, _ in await world.events("serviceOrder:1")]
    assert told.count("ServiceOrderAttributeValueChangeEvent") == 1


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
    with pytest.raises(errors.OrderRejected, match="order 1 is completed"):
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


async def test_the_same_again_changes_nothing_and_two_writers_never_lose_an_update(
    world: World,
) -> None:
    seen = await world.order()
    item = orders.ItemChange("1", {**seen.items[0].characteristics, "bandwidth": 50})
    wish = orders.Amendment(seen, "bss", {"priority": "1"}, items=(item,))
    now = await world.orders.amend(wish)
    with pytest.raises(errors.Conflict, match="order 1 has changed since it was read"):
        await world.orders.amend(wish)
    again = await world.orders.amend(orders.Amendment(now, "bss", items=(item,)))

    assert (now.priority, now.items[0].characteristics["bandwidth"]) == ("1", 50)
    assert again.items == now.items
    history = (await world.orders.explain(worlds.TENANT, "1")).history
    assert [text for _, text in history if "item 1 amended" in text] == [
        "item 1 amended by 'bss': bandwidth"
    ]


async def test_a_start_that_is_moved_is_waited_for_until_it_has_begun(world: World) -> None:
    later = world.clock.now() + timedelta(hours=2)
    await world.order(requested_start=later)
    await world.run()
    sooner = {"requested_start": world.clock.now()}
    await world.orders.amend(orders.Amendment(await world.get("1"), "bss", sooner))
    await phases(world, _HOLD)
    assert world.holds("pe1")
    with pytest.raises(errors.OrderRejected, match="it has begun") as late:
        await world.orders.amend(
            orders.Amendment(await world.get("1"), "bss", {"requested_start": later})
        )
    assert (late.value.field, late.value.status) == ("requestedStartDate", 409)


async def test_a_modify_is_amended_over_what_its_service_is(world: World) -> None:
    await world.order()
    await world.run()
    modify = {"action": views.ItemAction.MODIFY, "service_id": "s1-1", "external_id": "m"}
    await world.order(**modify, characteristics={"zEnd": "pe3:eth3"})
    await phases(world, _HOLD)
    await change(world, "2", zEnd="pe3:eth5", bandwidth=50)
    await world.run_to_the_end()

    assert (await world.get("2")).state is Order.COMPLETED
    assert await ports(world) == {"pe1:eth4", "pe3:eth5"}
    assert "<rate>50000</rate>" in (await world.snapshots())["pe3"]


async def test_a_delete_has_nothing_to_amend(world: World) -> None:
    await world.order()
    await world.run()
    gone = {"action": views.ItemAction.DELETE, "service_id": "s1-1", "external_id": "d"}
    await world.order(**gone)
    with pytest.raises(errors.OrderRejected, match="a delete asks for nothing"):
        await change(world, "2", bandwidth=50)


async def test_what_failed_and_is_kept_for_a_person_is_repaired(world: World) -> None:
    world.devices["pe2"].faults = Faults(refuse_commit="no room for it")
    await world.order(fallout="hold")
    await world.run()
    assert (await world.get("1")).state is Order.HELD
    await change(world, zEnd="pe3:eth3")
    await world.run_to_the_end()

    assert (await world.get("1")).state is Order.COMPLETED
    assert await ports(world) == {"pe1:eth4", "pe3:eth3"}
