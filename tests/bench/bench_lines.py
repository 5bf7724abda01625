"""CPU and wall time of 50 configuration lines on FRR's vtysh, ours and netmiko's, in one run.

Both commit the same block through the same transaction (drivers.cli): only who carries the lines
differs. Run: ``scripts/bench lines``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from drivers.cli.configuring import LinesDriver
from drivers.netmiko_adapter.driver import NetmikoDriver
from lab import peers
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi import device
from oss_agent.spi.tree import EMPTY
from tests.bench import table
from tests.contract import adapter_peers, line_peers

_LINES = 50
_ROUNDS = 3
_WANTED = line_peers.bgp(
    *(line_peers.line(f"neighbor 192.0.2.{n} remote-as 650{n:02}") for n in range(1, _LINES + 1))
)


async def _block(driver: device.Driver, router: peers.FrrPeer) -> tuple[float, float]:
    """CPU and wall seconds of one commit of the block, the mean of some; each is taken back."""
    there = trees.diff(EMPTY, _WANTED)
    cpu = wall = 0.0
    async with driver.session(line_peers.frr_endpoint(router)) as session:
        for _ in range(_ROUNDS):
            await session.edit(there)
            began, at = time.process_time(), time.monotonic()
            await session.commit()
            cpu, wall = cpu + time.process_time() - began, wall + time.monotonic() - at
            await session.edit(trees.invert(there))
            await session.commit()
    return cpu / _ROUNDS, wall / _ROUNDS


def measure() -> Iterator[table.Row]:
    """The rows, as they come."""
    carried = ("command_line:", "netmiko: {device_type: cisco_ios}\ncommand_line:")
    with adapter_peers.data("frr_linux", carried) as folder, peers.frr() as router:
        ours = asyncio.run(_block(LinesDriver("frr_linux", data=folder), router))
        theirs = asyncio.run(_block(NetmikoDriver("frr_linux", data=folder), router))
    yield table.cost(f"CPU of {_LINES} lines committed", ours[0], "netmiko", theirs[0])
    yield table.cost(f"wall time of {_LINES} lines committed", ours[1], "netmiko", theirs[1])


if __name__ == "__main__":
    table.run("lines", measure)
