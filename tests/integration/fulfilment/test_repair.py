"""Held items that are repaired: other characteristics, judged, reserved for, tried; or refused whole."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import errors
from oss_agent.fulfilment import fallout
from oss_agent.fulfilment.ordering import amend, decisions
from oss_agent.fulfilment.record import journal
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
State = views.OrderState
REFUSING = Faults(refuse_commit="no room for it")
WELL = Faults()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


def desk(world: World) -> fallout.FalloutDesk:
    return fallout.FalloutDesk(world.parts)


async def kept(world: World, **more: Any) -> str:
    """An order that pe2 refused and that is held; pe2 is well again."""
    world.devices["pe2"].faults = REFUSING
    key = (await world.order(fallout="hold", **more)).id
    await world.run()
    world.devices["pe2"].faults = WELL
    assert (await world.get(key)).state is State.HELD
    return key


async def taken(world: World) -> set[str]:
    """The ports that a service has, as device:port."""
    ports = inventory_tables.port_claims
    rows = await world.rows.read(
        lambda c: c.execute(sa.select(ports).where(history.current(ports))).mappings().all()
    )
    return {f"{row['device']}:{row['port']}" for row in rows}


async def test_on_another_port_it_completes_and_the_old_one_is_free(world: World) -> None:
    key = await kept(world)
    assert await taken(world) == {"pe1:eth4", "pe2:eth4"}
    await desk(world).repair(TENANT, "ines", key, None, {"zEnd": "pe2:eth5", "bandwidth": None})
    assert await taken(world) == {"pe1:eth4", "pe2:eth5"}
    await world.run()
    view = await world.get(key)
    assert view.state is State.COMPLETED
    assert view.items[0].characteristics == {"aEnd": "pe1:eth4", "zEnd": "pe2:eth5"}
    assert view.items[0].error is None
    assert "eth5" in str(world.devices["pe2"].datastores.running)
    text = [words for _, words in (await world.orders.explain(TENANT, key)).history]
    assert any(words.endswith("ines repaired it: 'bandwidth', 'zEnd'") for words in text)


WRONG: tuple[tuple[dict[str, Any], int], ...] = (
    ({"bandwidth": "much"}, 400),
    ({"zEnd": None}, 400),
    ({"colour": "blue"}, 400),
    ({"zEnd": "pe2:eth3"}, 422),
    ({"zEnd": "pe9:eth3"}, 422),
    ({"vni": 10100}, 409),
)


async def test_what_could_not_be_ordered_is_refused_and_nothing_has_changed(world: World) -> None:
    await world.order("first", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run()
    key = await kept(world)
    before = await world.get(key), await taken(world), await desk(world).standing(TENANT)
    for wanted, status in WRONG:
        with pytest.raises(errors.OrderRejected) as refused:
            await desk(world).repair(TENANT, "ines", key, None, wanted)
        assert refused.value.status == status, wanted
        after = await world.get(key), await taken(world), await desk(world).standing(TENANT)
        assert after == before, wanted


async def test_another_pool_value_is_claimed_and_the_old_one_given_back(world: World) -> None:
    key = await kept(world)
    await desk(world).repair(TENANT, "ines", key, None, {"vni": 10150})
    await world.run()
    assert (await world.get(key)).state is State.COMPLETED
    assert "10150" in str(world.devices["pe1"].datastores.running)
    assert "10100" not in str(world.devices["pe1"].datastores.running)


async def refused(world: World, action: views.ItemAction, **characteristics: Any) -> str:
    """A change of a living service that pe2 refused and that is held; pe2 is well again."""
    first = await world.order()
    await world.run()
    whole = worlds.request(action=action, service_id=f"s{first.id}-1", body_digest="change")
    item = dataclasses.replace(whole.items[0], service_name=None, characteristics=characteristics)
    world.devices["pe2"].faults = REFUSING
    change = dataclasses.replace(whole, items=(item,), fallout="hold")
    key = (await world.orders.submit(change)).order.id
    await world.run()
    world.devices["pe2"].faults = WELL
    return key


async def test_a_modify_is_repaired_and_its_service_is_as_repaired(world: World) -> None:
    key = await refused(world, views.ItemAction.MODIFY, bandwidth=70)
    await desk(world).repair(TENANT, "ines", key, None, {"bandwidth": 90})
    await world.run()
    assert (await world.get(key)).state is State.COMPLETED
    assert "90000" in str(world.devices["pe2"].datastores.running)


async def test_what_is_deleted_has_nothing_to_repair(world: World) -> None:
    key = await refused(world, views.ItemAction.DELETE)
    (one,) = await desk(world).standing(TENANT)
    assert "repair" not in one.actions
    with pytest.raises(errors.OrderRejected, match="repair is not safe"):
        await desk(world).repair(TENANT, "ines", key, None, {"bandwidth": 1})


async def test_amended_by_its_sender_it_is_tried_again(world: World) -> None:
    key = await kept(world)

    def unit(connection: sa.Connection) -> None:
        mine = journal.load(connection, f"{key}-1")
        assert mine is not None
        wanted = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 30}
        change = orders.ItemChange("1", wanted)
        amend.replace(connection, world.parts, mine, change, "bss", world.clock.now())

    await world.rows.write(unit)
    await world.run()
    assert (await world.get(key)).state is State.COMPLETED
    assert "30000" in str(world.devices["pe2"].datastores.running)


@pytest.mark.parametrize(
    ("action", "back"),
    [
        (views.ItemAction.ADD, {"a": 1, "c": 3}),
        (views.ItemAction.MODIFY, {"a": 1, "b": None, "c": 3}),
    ],
)
def test_null_takes_out_or_asks_for_the_default(
    action: views.ItemAction, back: dict[str, Any]
) -> None:
    (item,) = worlds.request(action=action).items
    item = dataclasses.replace(item, characteristics={"a": 1, "b": 2})
    assert decisions.repaired(item, {"b": None, "c": 3}) == back
