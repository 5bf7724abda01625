"""The contract's patience with slow machines: who was late by the clock tries again, what is wrong is told."""

from __future__ import annotations

import asyncio

import pytest

from drivers.sim_netconf import driver as sim_netconf
from oss_agent.errors import ChangeRejected, CommitUnknown
from oss_agent.testing import contract
from oss_agent.testing.contract import confirming
from oss_agent.testing.simulated import Faults, Kind, SimulatedDevice
from tests.contract.driver_peers import SAMPLES, SERVICES

pytestmark = pytest.mark.anyio


def _peer(box: SimulatedDevice, timer: float) -> contract.Peer:
    return contract.Peer(
        sim_netconf.DRIVER,
        box.endpoint(),
        SERVICES,
        SAMPLES,
        SAMPLES[2],
        shortest_timer=timer,
        patience=0,
    )


@pytest.mark.parametrize(
    "law", [confirming.confirmed_in_time_it_stays, confirming.probing_moves_the_timer]
)
async def test_what_fails_once_in_time_has_failed(law: contract.Check) -> None:
    """A device that says no now and then: tried again it would have passed."""
    async with SimulatedDevice("moody") as box:
        box.faults = Faults(refuse_commit="not now")
        later = asyncio.get_running_loop().call_soon(_soothed, box)
        with pytest.raises(ChangeRejected, match="not now"):
            await law(_peer(box, 300))
        later.cancel()


def _soothed(box: SimulatedDevice) -> None:
    if box.history.of(Kind.REFUSED):
        box.faults = Faults()
    else:
        asyncio.get_running_loop().call_soon(_soothed, box)


@pytest.mark.parametrize(
    "trouble",
    [contract.BrokenContract("its timer rang"), CommitUnknown("slow", "its timer rang meanwhile")],
)
async def test_who_was_late_by_the_clock_tries_a_longer_timer(trouble: Exception) -> None:
    tried: list[float] = []

    async def act(peer: contract.Peer, within: float, clock: confirming.Clock) -> None:
        del peer
        tried.append(within)
        with clock.timer(within if within > 2 else 0):
            if within <= 2:
                raise trouble

    async with SimulatedDevice("slow") as box:
        assert await confirming.in_time(_peer(box, 2), 2, act) == 20
    assert tried == [2, 20]


async def test_a_step_is_late_only_from_the_moment_on_when_its_timer_may_have_rung() -> None:
    clock = confirming.Clock()
    with clock.timer(300):
        assert not clock.late
    assert not clock.late
    with pytest.raises(contract.BrokenContract), clock.timer(0):
        raise contract.BrokenContract("late")
    assert clock.late
