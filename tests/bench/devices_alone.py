"""What the devices of an order need by themselves: the order's NETCONF operations and nothing else."""

from __future__ import annotations

import asyncio
import time

from drivers.frr_linux.driver import DRIVER
from lab.runner import Lab
from oss_agent.spi import device
from oss_agent.spi.tree import Edit, Operation, Step

_ROUTERS = ("pe1", "pe2")
_ENTRY = (Step("services"), Step("eline", (("name", "bench-alone"),)))


def seconds(lab: Lab, vni: int) -> float:
    """Seconds to hold, confirm and save an E-Line on both routers at once; it is removed again."""
    with lab.in_mgmt():
        return asyncio.run(_order(lab, vni))


async def _order(lab: Lab, vni: int) -> float:
    slots = {"name": "bench-alone", "vni": str(vni), "port": "eth3", "rate": "20000"}
    wanted = DRIVER.instantiate("eline", slots)["netconf"].at(_ENTRY)
    began = time.perf_counter()
    await _everywhere(lab, Edit(Operation.CREATE, _ENTRY, wanted))
    took = time.perf_counter() - began
    await _everywhere(lab, Edit(Operation.DELETE, _ENTRY, None, wanted))
    return took


async def _everywhere(lab: Lab, edit: Edit) -> None:
    async with asyncio.TaskGroup() as group:
        for router in _ROUTERS:
            group.create_task(_change(lab, router, edit))


async def _change(lab: Lab, router: str, edit: Edit) -> None:
    async with DRIVER.session(_endpoint(lab, router)) as session:
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
