"""Networks in which an order meets a command-line router, alone or beside NETCONF, and their judges."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inventory.pools import pools
from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.spi import device, views
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated_cli import SimulatedCli
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

SERVICE = "service eline acme"
ENDS = {"aEnd": "pe1:eth4", "zEnd": "sw1:eth4"}
FOREIGN = """\
hostname sw
interface eth1
description core
interface eth4
description unused port
ip route 0.0.0.0/0 192.0.2.254
router bgp 65000
bgp router-id 10.255.0.12
neighbor 192.0.2.1 remote-as 65001
"""
"""What is on a router before we come, and not ours."""
_POOLS = (
    pools.PoolRange.of_prefix("internet-v4", "203.0.113.0/24", 30),
    pools.PoolRange("vpn-vni", 20_000, 20_099),
    pools.PoolRange.of_prefix("vpn-transit", "100.64.0.0/24"),
)


@dataclass(frozen=True)
class Others:
    """The installed drivers, but for the platforms for which a test brings its own."""

    own: Mapping[str, device.Driver]

    def driver(self, platform: str) -> device.Driver:
        """As spi.device.Drivers has it."""
        return self.own.get(platform) or worlds.installed().driver(platform)


@dataclass
class Network:
    """The agent, and the command-line routers it has beside the NETCONF ones."""

    world: World
    boxes: Mapping[str, SimulatedCli]
    before: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])

    @property
    def box(self) -> SimulatedCli:
        """The first of them."""
        return next(iter(self.boxes.values()))

    async def agree(self, key: str = "1", name: str = "acme") -> views.OrderState:
        """All new or all as before, as the order says at its end, and nothing left behind."""
        world = self.world
        await world.run_to_the_end()
        state = (await world.get(key)).state
        snapshots = await world.snapshots()
        if state is views.OrderState.COMPLETED:
            assert all(name in text for text in snapshots.values())
        else:
            assert snapshots == self.before
        assert not any(one.datastores.pending for one in world.devices.values())
        assert not world.alarms.open
        assert await world.count(tables.lease) == 0
        return state

    def typed(self) -> list[str]:
        """The lines that were applied on the first router by sessions of ours, oldest first."""
        return [one.detail for one in self.box.history if one.kind is Kind.EDIT and one.session]


@contextlib.asynccontextmanager
async def network(
    where: Path,
    *,
    names: Sequence[str] = ("sw1",),
    netconf: Sequence[str] = ("pe1",),
    **more: Any,
) -> AsyncIterator[Network]:
    """Command-line routers and NETCONF routers (none, or ``netconf``), and a started agent."""
    async with contextlib.AsyncExitStack() as stack:
        boxes: dict[str, SimulatedCli] = {}
        for name in names:
            boxes[name] = await stack.enter_async_context(SimulatedCli(name))
            boxes[name].change_by_hand(FOREIGN)
        world = await stack.enter_async_context(
            worlds.open_world(where, names=netconf, others=boxes, **more)
        )
        await seed_pools(world)
        yield Network(world, boxes, await world.snapshots())


async def seed_pools(world: World) -> None:
    """What VPNs and Internet access take their values from."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    await world.rows.write(lambda c: pools.seed(c, _POOLS, tenant=worlds.TENANT, at=at))


async def send(
    world: World,
    action: views.ItemAction,
    said: Mapping[str, Any],
    *,
    specification: str = "",
    service: str | None = None,
) -> str:
    """Submit one item, named acme when it is new; the order's id."""
    number = await world.count(tables.order) + 1
    new = action is views.ItemAction.ADD
    whole = worlds.request("acme", body_digest=str(number))
    item = dataclasses.replace(
        whole.items[0],
        action=action,
        specification=specification,
        service_id=service,
        service_name="acme" if new else None,
        characteristics=said,
    )
    return (await world.orders.submit(dataclasses.replace(whole, items=(item,)))).order.id


async def carried_out(
    world: World,
    action: views.ItemAction,
    said: Mapping[str, Any],
    **more: Any,
) -> str:
    """``send`` and wait for its completion; the service's id."""
    key = await send(world, action, said, **more)
    await world.run_to_the_end()
    order = await world.get(key)
    if order.state is not views.OrderState.COMPLETED:
        raise errors.Conflict(f"{order.state}: {order.error}")
    return order.items[0].service_id


async def eline(world: World, ends: Mapping[str, str] = ENDS, **said: Any) -> str:
    """Submit an E-Line acme; the order's id."""
    body = {**ends, "bandwidth": 20, **said}
    return await send(world, views.ItemAction.ADD, body, specification="eline")
