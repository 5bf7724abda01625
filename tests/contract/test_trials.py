"""What `device prove` may try on a device, as the shipped data say it: every law is kept with that alone."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from drivers.arista_eos import box as eos_box
from drivers.napalm_adapter.driver import NapalmDriver
from drivers.sim_cli import driver as sim_cli
from oss_agent.platforms import proofs
from oss_agent.spi import device
from oss_agent.spi.device import Rung
from oss_agent.testing import contract
from oss_agent.testing.simulated_cli import SimulatedCli
from oss_agent.testing.simulated_eapi import SimulatedEos
from tests.contract import adapter_peers

pytestmark = pytest.mark.anyio


def _tried(driver: device.Driver, endpoint: device.Endpoint) -> contract.Peer:
    (told,) = proofs.InstalledProofs().trials(driver.platform)
    return told.peer(driver, endpoint)


@asynccontextmanager
async def _lines() -> AsyncIterator[contract.Peer]:
    async with SimulatedCli("sim1") as box:
        before = box.configuration.text()
        yield _tried(sim_cli.DRIVER, box.endpoint())
        assert box.configuration.text() == before


@asynccontextmanager
async def _eapi() -> AsyncIterator[contract.Peer]:
    """A dead holder's lock expires sooner than on a real one, and so does its timer."""
    with adapter_peers.data("arista_eos", ("lock_for: 300", "lock_for: 8")) as folder:
        async with SimulatedEos("leaf1") as box:
            before = box.running
            driver = NapalmDriver("arista_eos", eos_box.made, data=folder)
            peer = _tried(driver, box.endpoint())
            yield dataclasses.replace(peer, shortest_timer=1.0, patience=0.5)
            assert box.running == before


Make = Callable[[], AbstractAsyncContextManager[contract.Peer]]
_PEERS: tuple[tuple[str, Make, Rung, bool], ...] = (
    ("sim_cli", _lines, Rung.LINES, False),
    ("arista_eos", _eapi, Rung.TIMED, True),
)


@pytest.mark.parametrize(
    ("make", "rung", "excludes", "law"),
    [
        pytest.param(make, rung, excludes, law, id=f"{name}-{law.__name__}")
        for name, make, rung, excludes in _PEERS
        for law in contract.checks(rung, excludes=excludes)
    ],
)
async def test_a_shipped_trial_keeps_every_law_and_is_taken_away(
    make: Make, rung: Rung, law: contract.Check, *, excludes: bool
) -> None:
    async with make() as peer:
        assert (peer.rung, peer.excludes) == (rung, excludes)
        await law(peer)
        await contract.clean(peer)


@pytest.mark.parametrize("platform", ["arista_eos"])
def test_a_dead_holders_lock_is_waited_for_as_long_as_it_counts(platform: str) -> None:
    (told,) = proofs.InstalledProofs().trials(platform)
    napalm = NapalmDriver(platform, eos_box.made).model.napalm
    assert napalm is not None
    assert told.freed_within > napalm.lock_for
