"""What the compatibility transport makes of a device that breaks: our errors, never ncclient's."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

import asyncssh
import pytest

from drivers.netconf.driver import NetconfDriver
from oss_agent import errors
from oss_agent.spi import device
from oss_agent.testing.simulated import Faults, Mangling, SimulatedDevice
from tests.contract import driver_peers

pytestmark = pytest.mark.anyio

_LONG = 120.0
"""Seconds for whatever has to be answered, and for what stays silent: nobody waits for them."""
_SHORT = 0.6
"""Seconds for what will never be answered, and for nothing else."""
_NOTHING, _RPC, _COMMIT = "", "rpc_within", "commit_within"
Act = Callable[[device.Session], Awaitable[None]]


async def _lock(session: device.Session) -> None:
    await session.lock()


async def _commit(session: device.Session) -> None:
    await session.commit()


@pytest.mark.parametrize(
    ("faults", "act", "error", "hurried"),
    [
        (Faults(commit_delay=_LONG), _commit, errors.CommitUnknown, _COMMIT),
        (Faults(lose_commit_reply=1), _commit, errors.CommitUnknown, _NOTHING),
        (Faults(refuse_commit="no room"), _commit, errors.ChangeRejected, _NOTHING),
        (Faults(lock_held_by=77), _lock, errors.DeviceBusy, _NOTHING),
        (Faults(half_open=True), _lock, errors.DeviceUnreachable, _RPC),
        (Faults(mangling=Mangling.TRUNCATED), _lock, errors.DeviceUnreachable, _RPC),
        (Faults(mangling=Mangling.INVALID_UTF8), _lock, errors.DeviceUnreachable, _RPC),
        (Faults(mangling=Mangling.ENTITY_BOMB), _lock, errors.DeviceUnreachable, _RPC),
    ],
    ids=lambda value: str(value) if isinstance(value, type) else "",
)
async def test_a_fault_is_the_same_error_as_without_ncclient(
    faults: Faults, act: Act, error: type[errors.DeviceError], hurried: str
) -> None:
    times = {name: _SHORT if name == hurried else _LONG for name in (_RPC, _COMMIT)}
    with driver_peers.by_ncclient("sim_netconf", times) as driver:
        async with (
            asyncio.timeout(300),
            SimulatedDevice("d") as box,
            driver.session(box.endpoint()) as session,
        ):
            box.faults = faults
            with pytest.raises(errors.DeviceError) as caught:
                await act(session)
            box.faults = Faults()

    assert type(caught.value) is error


async def test_the_key_of_another_algorithm_is_refused_before_any_login() -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    with driver_peers.by_ncclient("sim_netconf") as driver:
        async with SimulatedDevice("d") as box:
            stranger = dataclasses.replace(box.endpoint(), host_keys=(other.strip(),))
            with pytest.raises(errors.DeviceRefused):
                await _open(driver, stranger)

    assert box.login_attempts == ()


async def _open(driver: NetconfDriver, endpoint: device.Endpoint) -> None:
    async with driver.session(endpoint):
        pass
