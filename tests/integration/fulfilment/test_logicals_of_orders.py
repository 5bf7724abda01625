"""The VRF that an order makes on a NETCONF and a command-line router is known to be its service's."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import observed
from inventory.services import ports
from oss_agent.spi import views
from tests.integration.fulfilment import ladder, test_modify, test_suspend
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


def _record(connection: sa.Connection, *, seen: facts.DeviceFacts, at: datetime) -> None:
    observed.record(connection, seen, at)


async def test_a_vrf_supports_the_l3vpn_that_was_ordered_until_it_is_suspended(
    tmp_path: Path,
) -> None:
    async with ladder.network(tmp_path) as net:
        world = net.world
        specification, said = test_suspend.KINDS["l3vpn"]
        add = views.ItemAction.ADD
        key = await ladder.carried_out(world, add, said, specification=specification)
        held = await test_modify.claims_of(world)
        (vni,) = (value for pool, value in held if "vni" in pool)
        vrf = facts.LogicalFact("vrf", f"vpn{vni}", {})
        for device in ("pe1", "sw1"):
            seen = facts.DeviceFacts(device, logical={"vrf": (vrf,)})
            await world.rows.write(partial(_record, seen=seen, at=world.clock.now()))

        services = ports.ServicePort(world.rows)
        mine = {f"pe1~vrf=vpn{vni}", f"sw1~vrf=vpn{vni}"}
        assert mine <= set((await services.get(worlds.TENANT, key)).supporting_resources)
        for one in mine:
            view = await ports.ResourcePort(world.rows).get(worlds.TENANT, one)
            assert ("supports", key) in view.relationships
        tell = world.parts.ledger.set_status
        failed = views.OperatingStatus.FAILED
        at = world.clock.now()
        told = await world.rows.write(
            lambda c: tell(c, service=key, status=failed, cause="cut", at=at)
        )
        assert told == await services.get(worlds.TENANT, key), "an event says what a GET says"
        whole = await world.rows.read(lambda c: world.parts.ledger.service(c, worlds.TENANT, key))
        assert whole == told
        await test_suspend.done(world, key, test_suspend.INACTIVE)
        assert mine.isdisjoint((await services.get(worlds.TENANT, key)).supporting_resources)
