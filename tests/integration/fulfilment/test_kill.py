"""kill -9 of a real process between commit and confirm: all-new or all-old after the restart."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import sys
from pathlib import Path

import pytest

from oss_agent.fulfilment import failpoints
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]
POINTS = (
    "device.commit.after",
    "journal.held.after",
    "journal.decision.after",
    "device.confirm.after",
)


async def agent(world: World, armed: str = "") -> tuple[int, str]:
    """Run the agent until it ends or is killed; its exit status and last words."""
    endpoints = {name: dataclasses.asdict(d.endpoint()) for name, d in world.devices.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.fulfilment.transaction_victim",
        world.url,
        json.dumps(endpoints),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", failpoints.VARIABLE: armed},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(300):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode().strip()


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_agent_finishes_what_it_began(point: str, tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.rows.close()  # the agent is another process now

        killed, _ = await agent(world, f"{point}:kill")
        status, said = await agent(world)

        assert killed == -signal.SIGKILL
        assert (status, said) == (0, "completed")
        assert world.holds("pe1")
        assert world.holds("pe2")
        for name in worlds.PES:
            device = world.devices[name]
            assert device.datastores.get("candidate") == device.datastores.running
