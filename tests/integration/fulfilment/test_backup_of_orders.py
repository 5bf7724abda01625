"""A backup after an order names it; one that put the router back leaves no version."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.backup import backup_look, backup_rows
from inventory.backup import backups as inventory_backups
from oss_agent.fulfilment.record import census
from oss_agent.fulfilment.talk import backup_reader
from oss_agent.spi import backups
from oss_agent.testing.simulated import faults
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


async def test_what_an_order_left_is_kept_as_its_doing(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        reader = backup_reader.BackupReader(world.drivers, world.lines, world.limits)
        keeper = backup_look.Keeper(world.rows, reader, world.clock, backup_look.Bounds())

        async def look(orders: tuple[str, ...]) -> backups.Taken:
            at = world.clock.now()
            made = backup_rows.Look(worlds.TENANT, at, backups.Cause.ORDER, orders)
            return await keeper.look("pe1", made)

        assert not (await look(())).trouble
        accepted = await world.order()
        await world.run()
        ended = [order for name, order in world.ended if name == "pe1"]
        after = await look(tuple(ended))

    assert ended == [accepted.id]
    assert [(view.version, view.orders) for view in after.changed] == [(2, (accepted.id,))]


async def test_an_order_that_ended_before_a_crash_is_told_after_it(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        reader = backup_reader.BackupReader(world.drivers, world.lines, world.limits)
        keeper = backup_look.Keeper(world.rows, reader, world.clock, backup_look.Bounds())
        look = backup_rows.Look(worlds.TENANT, world.clock.now())
        await keeper.look("pe1", look)
        accepted = await world.order()
        await world.run()
        role = inventory_backups.Backups(
            world.rows,
            keeper,
            world.clock,
            lambda _, interval, now, __: now + interval,
            inventory_backups.Pace(interval=0.0),
            census.ended_since,
        )
        await role.run()
        taken = await role.take(worlds.TENANT, "pe1")
        again = await role.take(worlds.TENANT, "pe1")

    assert [(view.version, view.orders) for view in taken.changed] == [(2, (accepted.id,))]
    assert again.changed == ()


async def test_a_router_that_was_put_back_has_no_new_version(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        reader = backup_reader.BackupReader(world.drivers, world.lines, world.limits)
        keeper = backup_look.Keeper(world.rows, reader, world.clock, backup_look.Bounds())
        look = backup_rows.Look(worlds.TENANT, world.clock.now())
        await keeper.look("pe1", look)
        world.devices["pe2"].faults = faults.Faults(refuse_commit="no")
        await world.order()
        await world.run()
        again = await keeper.look("pe1", look)

    assert ("pe1", "1") in world.ended
    assert (again.trouble, again.changed) == ("", ())
