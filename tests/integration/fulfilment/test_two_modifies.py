"""Two changes of one service on their way at once: what one took, the other does not give away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent.fulfilment.record import tables
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import NONE, Faults
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
DONE = views.OrderState.COMPLETED


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path, names=("pe1", "pe2", "pe3")) as made:
        yield made


async def changed(world: worlds.World, service: str, **said: Any) -> str:
    request = worlds.request(
        "s", action=views.ItemAction.MODIFY, service_id=service, body_digest=str(said)
    )
    (item,) = request.items
    object.__setattr__(item, "characteristics", said)
    return (await world.orders.submit(request)).order.id


async def ports_of(world: worlds.World, service: str) -> set[str]:
    c = inventory_tables.port_claims.c
    held = sa.select(c.device, c.port).where(
        history.current(inventory_tables.port_claims), c.service == service
    )
    rows = await world.rows.read(lambda x: x.execute(held).all())
    return {f"{row.device}:{row.port}" for row in rows}


async def test_a_cancelled_change_frees_no_port_of_the_one_before_it(world: worlds.World) -> None:
    first = await world.order("s", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    service = (await world.get(first.id)).items[0].service_id or ""
    moves = await changed(world, service, zEnd="pe3:eth4")
    await world.feeder.feed()
    await world.flow.step()
    second = await changed(world, service, zEnd="pe3:eth5")
    await world.cancel(second)
    await world.run_to_the_end()

    assert (await world.get(moves)).state is DONE
    assert await ports_of(world, service) == {"pe1:eth3", "pe3:eth4"}


async def test_a_plan_made_anew_has_the_resource_orders_of_its_devices(
    world: worlds.World,
) -> None:
    first = await world.order("s", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    service = (await world.get(first.id)).items[0].service_id or ""
    world.devices["pe3"].faults = Faults(lock_held_by=77)
    waits = await changed(world, service, zEnd="pe3:eth4")
    await world.run()
    world.devices["pe3"].faults = NONE
    seen = await world.get(waits)
    moved = orders.ItemChange(seen.items[0].id, {"zEnd": "pe2:eth5"})
    await world.orders.amend(orders.Amendment(seen, "bss", items=(moved,)))
    await world.run_to_the_end()

    assert (await world.get(waits)).state is DONE
    parent, child = tables.resource_order, tables.resource_item
    asked = (
        sa.select(child.c.device, parent.c.state)
        .join(parent, parent.c.id == child.c.resource_order_id)
        .where(parent.c.order_id == waits)
    )
    rows = await world.rows.read(lambda c: c.execute(asked).all())
    found = {row.device: str(row.state) for row in rows}
    assert found["pe2"] == "completed"
    assert found.get("pe3") != "completed"


async def test_what_was_ordered_last_is_what_the_service_has(world: worlds.World) -> None:
    """The first sleeps before another try and is in no queue: the second waits for it all the same."""
    made = await world.order("s", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    service = (await world.get(made.id)).items[0].service_id or ""
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    first = await changed(world, service, bandwidth=50)
    await world.run()
    world.devices["pe2"].faults = NONE
    last = await changed(world, service, bandwidth=60)
    await world.run()
    assert (await world.get(last)).state is not DONE
    told = (await world.orders.explain("default", last)).sentence
    assert f"order {first} changes the same service" in told
    await world.run_to_the_end()

    assert [(await world.get(one)).state for one in (first, last)] == [DONE, DONE]
    c = inventory_tables.services.c
    has = sa.select(c.characteristics).where(
        history.current(inventory_tables.services), c.id == service
    )
    assert (await world.rows.read(lambda x: x.execute(has).scalar_one()))["bandwidth"] == 60


async def behind(world: worlds.World) -> tuple[str, str]:
    """A change that sleeps before its next try, and one of the same service that waits for it."""
    made = await world.order("s", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    service = (await world.get(made.id)).items[0].service_id or ""
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    first = await changed(world, service, bandwidth=50)
    await world.run()
    last = await changed(world, service, bandwidth=60)
    await world.run()
    await put_far(world, last)
    return first, last


async def put_far(world: worlds.World, order: str) -> None:
    """Nothing but being woken ends its sleep."""
    c = tables.transaction.c
    later = tables.transaction.update().where(c.order_id == order, c.stage == "waiting")
    at = world.clock.now() + timedelta(days=1)
    done = await world.rows.write(lambda x: x.execute(later.values(wake_at=at)))
    assert done.rowcount == 1


async def test_the_end_of_the_first_wakes_who_stands_behind_it(world: worlds.World) -> None:
    first, last = await behind(world)
    world.devices["pe2"].faults = NONE
    world.clock.ahead += world.longest_pause
    await world.run()
    assert [(await world.get(one)).state for one in (first, last)] == [DONE, DONE]


async def test_who_is_held_by_a_person_gives_its_turn_away(world: worlds.World) -> None:
    first, last = await behind(world)
    await world.orders.hold("default", "carol", first, "a question")
    world.devices["pe2"].faults = NONE
    await world.run()
    assert (await world.get(first)).state is views.OrderState.HELD
    assert (await world.get(last)).state is DONE
