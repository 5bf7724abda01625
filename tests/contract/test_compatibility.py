"""What the compatibility transport makes of a device that breaks: our errors, never ncclient's."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import asyncssh
import pytest

from device_models import model
from drivers.netconf import compatibility
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


async def test_a_server_that_sits_on_the_first_request_is_knocked_at_again() -> None:
    with driver_peers.by_ncclient("sim_netconf", {"knocks": True}) as driver:
        async with asyncio.timeout(300), SimulatedDevice("sitting") as box:
            box.faults = Faults(coalesced_hangs=True)
            async with driver.session(box.endpoint()) as session:
                await session.lock()
                await session.unlock()


async def test_who_answers_no_knock_is_not_reached() -> None:
    with driver_peers.by_ncclient("sim_netconf", {_RPC: _SHORT, "knocks": True}) as driver:
        async with asyncio.timeout(300), SimulatedDevice("gone") as box:
            box.faults = Faults(half_open=True)
            with pytest.raises(errors.DeviceUnreachable, match="no answer to the first request"):
                await _open(driver, box.endpoint())


def test_the_knocks_have_their_own_time_beside_login_and_hello() -> None:
    """All of ``rpc_within``: cut off earlier, a slow server was told as one without NETCONF."""
    plain, knocking = (model.Netconf(rpc_within=500, knocks=knocks) for knocks in (False, True))
    added = compatibility.opening_within(knocking) - compatibility.opening_within(plain)

    assert added == knocking.rpc_within


async def test_who_leaves_while_it_connects_leaves_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    made: list[socket.socket] = []

    def connect(*where: Any) -> socket.socket:
        begun.set()
        assert go_on.wait(300)
        made.append(plain(*where))
        return made[0]

    plain = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", connect)
    with driver_peers.by_ncclient("sim_netconf") as driver:
        async with asyncio.timeout(300), SimulatedDevice("left") as box:
            opening = asyncio.create_task(_open(driver, box.endpoint()))
            await asyncio.to_thread(begun.wait)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            go_on.set()
            while not made or _connected(made[0]):
                assert box.login_attempts == ()
                await asyncio.sleep(0.01)

    assert box.login_attempts == ()


def _connected(one: socket.socket) -> bool:
    try:
        one.getpeername()
    except OSError:
        return False
    return True


async def _open(driver: NetconfDriver, endpoint: device.Endpoint) -> None:
    async with driver.session(endpoint):
        pass
