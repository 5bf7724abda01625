"""An ok is no proof: a store without a timer is read back before the next one is sent its commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from oss_agent.spi import views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.offer import OFFERS
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


async def test_an_ok_that_changed_nothing_costs_the_next_router_no_commit(tmp_path: Path) -> None:
    offer = OFFERS[Rung.CANDIDATE]
    async with worlds.open_world(tmp_path, offers=dict.fromkeys(worlds.PES, offer)) as world:
        before = await world.snapshots()
        world.devices["pe1"].faults = Faults(ok_changes_nothing=True)
        await world.order()
        await world.run_to_the_end()

        order = await world.get("1")
        assert order.state is views.OrderState.FAILED
        assert order.error is not None
        assert "pe1: it said ok, but" in order.error.message
        assert not any(one.kind is Kind.COMMIT for one in world.devices["pe2"].history)
        assert await world.snapshots() == before
