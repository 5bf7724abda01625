"""Orders that wait for the same slow devices: one commit for many, against one by one.

Run: ``scripts/bench group [SECONDS]``. The same E-Line orders on the same two simulated devices, once
with ``fulfilment.group`` at 16 and once at 1. A commit takes the devices ``SECONDS`` (1 unless said;
the ratio hardly depends on it, a run of one by one does). The first in the queue goes alone, as it
does for real: nobody is behind it yet when it starts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent.spi import views
from oss_agent.testing.simulated.faults import Faults
from oss_agent.testing.simulated.history import Kind
from tests.bench import table
from tests.integration.fulfilment import world as worlds

_ORDERS = 8
_TOGETHER = 16
_LIVE = (Kind.COMMIT, Kind.HOLD, Kind.CONFIRM)
_PORTS = [f"eth{number}" for number in range(10, 10 + _ORDERS)]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds until the last order completed, and the commits of the device that had most."""

    wall: float
    commits: int


def measure(seconds: float) -> Iterator[table.Row]:
    """Both must complete every order."""
    alone = asyncio.run(_orders(1, seconds))
    together = asyncio.run(_orders(_TOGETHER, seconds))
    what = f"{_ORDERS} orders, commit {seconds:g} s"
    yield table.Row(
        what,
        f"{together.wall:.1f} s",
        f"one by one {alone.wall:.1f} s",
        f"1/{alone.wall / together.wall:.1f}",
    )
    yield table.Row(
        f"{what}, commits per device",
        str(together.commits),
        f"one by one {alone.commits}",
        f"1/{alone.commits / together.commits:.1f}",
    )


async def _orders(group: int, seconds: float) -> Cost:
    with tempfile.TemporaryDirectory() as place:
        async with worlds.open_world(Path(place)) as world:
            await world.rows.write(_more_ports)
            world.limits = dataclasses.replace(
                world.limits, group=group, rpc_timeout=30.0, confirm_within=120.0
            )
            await world.start()
            for device in world.devices.values():
                device.faults = Faults(commit_takes=seconds)
            return await _complete(world)


async def _complete(world: worlds.World) -> Cost:
    began = time.perf_counter()
    ids = [await _order(world, number) for number in range(_ORDERS)]
    await world.run_to_the_end(turns=100)
    wall = time.perf_counter() - began
    for key in ids:
        assert (await world.get(key)).state is views.OrderState.COMPLETED, key
    return Cost(wall, max(len(one.history.of(*_LIVE)) for one in world.devices.values()))


async def _order(world: worlds.World, number: int) -> str:
    port = _PORTS[number]
    ends = {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"}
    return (await world.order(f"bench-{number}", characteristics=ends)).id


def _more_ports(connection: sa.Connection) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for device in worlds.PES:
        for port in _PORTS:
            row = {"ledger": inventory_tables.PLANNED, "device": device, "name": port}
            row |= {"tenant": worlds.TENANT}
            history.begin(connection, inventory_tables.interfaces, row, at)


if __name__ == "__main__":
    delay = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    table.run("group", lambda: measure(delay))
