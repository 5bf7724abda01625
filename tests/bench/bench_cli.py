"""Fifty command lines against netmiko, on one real vtysh in one run. Run: ``scripts/bench cli``.

One push is fifty lines that come, and in the next push go again, on a session that stays open. Ours
reads the running configuration before (for its undo) and sends what a transaction sends; netmiko
sends the bare lines with its error patterns and its own echo verification, as its adapter does.
Process CPU time covers netmiko's threads too; the router has the same work. Trust the ratios.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from netmiko import ConnectHandler

from drivers import steps
from drivers.frr_linux.driver import DRIVER
from lab import peers
from oss_agent.spi import device
from oss_agent.spi.tree import Edit, Operation, Path, Step, Tree
from tests.bench import table

_LINES = 50
_PUSHES = 20
_SECTION: Path = (Step("router bgp 65000"), Step("address-family ipv4 unicast"))
_TEXTS = [f"network 10.{n}.0.0/16" for n in range(_LINES)]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor and of wall for each push."""

    cpu: float
    wall: float


def measure() -> Iterator[table.Row]:
    """Ours beside netmiko's, for the same lines on the same router."""
    with peers.frr() as router:
        ours = asyncio.run(_ours(router))
        theirs = _netmiko(router)
    yield _row("CPU", ours.cpu, theirs.cpu)
    yield _row("wall", ours.wall, theirs.wall)


def _row(what: str, ours: float, theirs: float) -> table.Row:
    return table.Row(
        f"{_LINES} lines into vtysh, {what}",
        table.milliseconds(ours),
        f"netmiko {table.milliseconds(theirs)}",
        f"{theirs / ours:.1f}x",
    )


async def _ours(router: peers.FrrPeer) -> Cost:
    credential = device.Credential(router.user, router.password)
    ports = {"ssh": router.port}
    endpoint = device.Endpoint(
        "bench", "frr_linux", router.host, credential, (router.host_key,), ports
    )
    async with DRIVER.session(endpoint, "vtysh") as session:
        await session.snapshot()
        cpu, wall = time.process_time(), time.perf_counter()
        for push in range(_PUSHES):
            await session.edit(_edits(coming=push % 2 == 0))
            await session.commit()
        return _cost(cpu, wall)


def _edits(*, coming: bool) -> list[Edit]:
    nodes = [Tree(steps.owned(text)) for text in _TEXTS]
    if coming:
        return [Edit(Operation.CREATE, (*_SECTION, node.step), node=node) for node in nodes]
    return [Edit(Operation.DELETE, (*_SECTION, node.step), was=node) for node in nodes]


def _netmiko(router: peers.FrrPeer) -> Cost:
    with ConnectHandler(
        device_type="cisco_ios",
        host=router.host,
        port=router.port,
        username=router.user,
        password=router.password,
        fast_cli=True,
    ) as link:
        cpu, wall = time.process_time(), time.perf_counter()
        for push in range(_PUSHES):
            no = "" if push % 2 == 0 else "no "
            lines = [step.name for step in _SECTION] + [no + text for text in _TEXTS]
            link.send_config_set(lines, error_pattern=r"^%", read_timeout=30)
        return _cost(cpu, wall)


def _cost(cpu: float, wall: float) -> Cost:
    used, passed = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(used / _PUSHES, passed / _PUSHES)


if __name__ == "__main__":
    table.run("cli", measure)
