"""What the devices of an order need by themselves: the order's NETCONF operations and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.frr_linux.driver import DRIVER
from lab.runner import Lab
from oss_agent.spi import device
from oss_agent.spi.tree import Edit, Operation, Step

_ROUTERS = ("pe1", "pe2")
_ENTRY = (Step("services"), Step("eline", (("name", "bench-alone"),)))


@dataclass(frozen=True, slots=True)
class Alone:
    """Seconds that both routers took at once: to be logged in to, and to be changed and saved."""

    login: float
    change: float


def seconds(lab: Lab, vni: int) -> Alone:
    """Hold, confirm and save an E-Line on both routers at once; it is removed again."""
    with lab.in_mgmt():
        return asyncio.run(_order(lab, vni))


async def _order(lab: Lab, vni: int) -> Alone:
    slots = {"name": "bench-alone", "vni": str(vni), "port": "eth3", "rate": "20000"}
    wanted = DRIVER.instantiate("eline", slots)["netconf"].at(_ENTRY)
    async with contextlib.AsyncExitStack() as stack:
        began = time.perf_counter()
        logins = [DRIVER.session(_endpoint(lab, router)) for router in _ROUTERS]
        sessions = await asyncio.gather(*map(stack.enter_async_context, logins))
        login, began = time.perf_counter() - began, time.perf_counter()
        await _everywhere(sessions, Edit(Operation.CREATE, _ENTRY, wanted))
        change = time.perf_counter() - began
        await _everywhere(sessions, Edit(Operation.DELETE, _ENTRY, None, wanted))
    return Alone(login, change)


async def _everywhere(sessions: Sequence[device.Session], edit: Edit) -> None:
    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(_change(session, edit))


async def _change(session: device.Session, edit: Edit) -> None:
    await session.lock()
    await session.edit([edit])
    await session.validate()
    await session.commit(confirm_within=60, persist="bench-alone")
    await session.confirm(persist="bench-alone")
    await session.save()
    await session.unlock()


def _endpoint(lab: Lab, router: str) -> device.Endpoint:
    address = lab.address(router)
    lines = (line.split(maxsplit=1) for line in lab.known_hosts.read_text().splitlines())
    keys = tuple(key for host, key in lines if host.strip("[]").partition("]")[0] == address)
    credential = device.Credential("admin", "admin")
    return device.Endpoint(router, "frr_linux", address, credential, keys, {"netconf": 830})
