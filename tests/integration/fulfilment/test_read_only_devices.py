"""A device on which its driver was not proven takes no order; what is on it stays, and is said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import errors
from oss_agent.spi import views
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


def _doubt(connection: sa.Connection) -> None:
    row = {
        "tenant": worlds.TENANT,
        "device": "pe2",
        "platform": "sim_netconf",
        "os": "Sim",
        "version": "9",
        "model": "",
        "doubt": "sim_netconf is not proven on Sim 9",
        "read_only": True,
    }
    history.begin(connection, inventory_tables.standings, row, datetime.now(UTC))


async def test_an_order_for_it_is_refused_with_the_way_out(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        before = await world.snapshots()
        await world.rows.write(_doubt)
        with pytest.raises(errors.OrderRejected, match="pe2 is read-only: sim_netconf is not"):
            await world.orders.plan(worlds.request())
        made = await world.orders.submit(worlds.request())
        await world.run()

        done = await world.get(made.order.id)
        assert done.state is views.OrderState.REJECTED
        assert "oss-agent device prove pe2" in str(done.error)
        assert await world.snapshots() == before


async def test_what_stands_on_it_is_not_taken_away_either(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        made = await world.orders.submit(worlds.request())
        await world.run()
        done = await world.get(made.order.id)
        service = done.items[0].service_id
        before = await world.snapshots()
        await world.rows.write(_doubt)
        going = worlds.request(action=views.ItemAction.DELETE, service_id=service)
        with pytest.raises(errors.OrderRejected, match="pe2 is read-only"):
            await world.orders.plan(going)
        assert await world.snapshots() == before
