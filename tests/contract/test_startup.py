"""A committed change survives a restart of the device, once it was saved and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from drivers.arista_eos import driver as arista_eos
from drivers.sim_cli import driver as sim_cli
from drivers.sim_netconf import driver as sim_netconf
from oss_agent.spi.device import Datastore
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated import Offer, SimulatedDevice
from oss_agent.testing.simulated_cli import Faults, SimulatedCli
from oss_agent.testing.simulated_eapi import SimulatedEos
from tests.contract import adapter_peers, driver_peers, line_peers

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


@asynccontextmanager
async def netconf() -> AsyncIterator[tuple[Peer, Restart]]:
    async with SimulatedDevice("sim1", offer=Offer(startup=True)) as box:
        yield (
            Peer(
                driver=sim_netconf.DRIVER,
                endpoint=box.endpoint(),
                scope=driver_peers.SERVICES,
                samples=driver_peers.SAMPLES,
                refused=driver_peers.SAMPLES[0],
            ),
            box.reboot,
        )


@pytest.mark.anyio
@pytest.mark.parametrize("made", [command_line, netconf])
async def test_what_a_restart_brings_back_is_told_apart_until_it_is_saved(made: Made) -> None:
    async with made() as (peer, _), peer.session() as session:
        before = await session.whole(Datastore.RUNNING)
        await session.save()
        await peer.put(session, peer.samples[0])
        running, startup = [await session.whole(one) for one in Datastore]
        await session.save()
        saved = await session.whole(Datastore.STARTUP)

    assert startup == before != running == saved


@pytest.mark.anyio
async def test_half_a_configuration_is_not_taken_for_a_whole_one() -> None:
    async with SimulatedCli("sim1", faults=Faults(cut_after=7)) as box:
        box.change_by_hand(line_peers.ROUTER)
        async with sim_cli.DRIVER.session(box.endpoint()) as session:
            found = await session.whole(Datastore.RUNNING)

    assert found is not None
    assert "a whole one with ^end$" in found.lacks


@pytest.mark.anyio
async def test_a_held_change_does_not_survive_a_restart() -> None:
    async with eapi() as (peer, restart):
        async with peer.session() as session:
            await session.lock()
            await peer.stage(session, peer.samples[0])
            await session.commit(confirm_within=60)
        await restart()

        assert not await peer.holds(peer.samples[0])
