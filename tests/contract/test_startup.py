"""A committed change survives a restart of the device, once it was saved and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from drivers.arista_eos import driver as arista_eos
from drivers.sim_cli import driver as sim_cli
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated_cli import SimulatedCli
from oss_agent.testing.simulated_eapi import SimulatedEos
from tests.contract import adapter_peers, line_peers

Restart = Callable[[], Awaitable[None]]
Made = Callable[[], AbstractAsyncContextManager[tuple[Peer, Restart]]]


@asynccontextmanager
async def command_line() -> AsyncIterator[tuple[Peer, Restart]]:
    async with SimulatedCli("sim1") as box:
        box.change_by_hand(line_peers.ROUTER)
        yield (
            Peer(
                driver=sim_cli.DRIVER,
                endpoint=box.endpoint(),
                scope=line_peers.SCOPE,
                samples=line_peers.SAMPLES,
                refused=line_peers.REFUSED,
            ),
            box.reboot,
        )


@asynccontextmanager
async def eapi() -> AsyncIterator[tuple[Peer, Restart]]:
    async with SimulatedEos("leaf1", configuration_text=adapter_peers.BARE) as box:
        yield (
            Peer(
                driver=arista_eos.DRIVER,
                endpoint=box.endpoint(),
                scope=adapter_peers.SCOPE,
                samples=adapter_peers.SAMPLES,
                refused=adapter_peers.REFUSED,
            ),
            box.reboot,
        )


@pytest.mark.anyio
@pytest.mark.parametrize("made", [command_line, eapi])
async def test_what_was_saved_survives_a_restart(made: Made) -> None:
    async with made() as (peer, restart):
        async with peer.session() as session:
            await peer.put(session, peer.samples[0])
            await session.save()
            await peer.stage(session, peer.samples[1])
            await session.discard()
        await restart()

        assert await peer.holds(peer.samples[0])


@pytest.mark.anyio
async def test_a_held_change_does_not_survive_a_restart() -> None:
    async with eapi() as (peer, restart):
        async with peer.session() as session:
            await session.lock()
            await peer.stage(session, peer.samples[0])
            await session.commit(confirm_within=60)
        await restart()

        assert not await peer.holds(peer.samples[0])
