"""Simulated routers as a process of their own, which survives the agent: JSON lines in, JSON lines out.

It tells what the checker needs from the devices' own memory, not through the agent's driver.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from oss_agent.testing.simulated import content, lab_directory
from oss_agent.testing.simulated.device import SimulatedDevice
from oss_agent.testing.simulated.faults import Faults, Greeting
from oss_agent.testing.simulated.network import SimulatedNetwork
from oss_agent.testing.simulated.offer import Offer
from oss_agent.testing.simulated.schema import Leaf, List, Node
from oss_agent.testing.simulated.topology import Link, Topology
from oss_agent.testing.simulated.topology import Node as Router
from oss_agent.testing.simulated_cli import SimulatedCli
from tests.crash import command_lines

EDGES = ("pe1", "pe2", "pe3", "pe4")
LINES = "sw1"
"""An edge that is configured by command lines."""
CUSTOMER_PORTS = tuple(f"eth{number}" for number in range(2, 92))
PORTS = {"p1": len(EDGES) + 1} | dict.fromkeys((*EDGES, LINES), 1 + len(CUSTOMER_PORTS))
"""How many ports each router has."""
BY_HAND = ("by-hand", "by-hand-too", "by-night", "by-nobody")
"""E-Lines that somebody configured on every router."""
_CACHE = 1.0
"""Seconds that an SNMP agent answers from what it saw last: to see ninety ports took 15 ms a request."""
FOREIGN = (
    '<services xmlns="urn:oss-agent:lab:services">'
    + "".join(
        f"<eline><name>{name}</name><vni>{vni}</vni><port>eth{90 + vni}</port></eline>"
        for vni, name in enumerate(BY_HAND, start=6)
    )
    + "</services>"
    '<ports xmlns="urn:oss-agent:lab:services"><port><name>eth1</name>'
    "<description>core, not yours</description></port></ports>"
)
"""What is on every router before the agent comes, and has to be there when it has gone."""


def topology(net: str) -> Topology:
    """Five edges around one core; every port of an edge but the first is a customer's.

    ``net``: the first three octets of their loopback addresses.
    """
    every = (*EDGES, LINES)
    core_ports = tuple(f"eth{number}" for number in range(1, len(every) + 1))
    core = Router("p1", "p", "north", "10.255.1.1", f"{net}.11", core_ports)
    edges = tuple(
        Router(
            name, "pe", "north", f"10.255.1.{20 + n}", f"{net}.{20 + n}",
            ("eth1", *CUSTOMER_PORTS), offer=Offer(startup=True),
        )
        for n, name in enumerate(every)
    )  # fmt: skip
    links = tuple(
        Link("p1", port, edge, "eth1") for port, edge in zip(core_ports, every, strict=True)
    )
    return Topology("crash", (core, *edges), links)


def lines(nodes: Mapping[str, Node], held: content.Content, prefix: str = "") -> Iterator[str]:
    """A datastore as the checker's lines (``checker.configuration.lines``)."""
    for (name, keys), value in held.items():
        node = nodes[name]
        named = zip(node.keys, keys, strict=True) if isinstance(node, List) else ()
        here = f"{prefix}/{name}" + "".join(f"[{k}={v}]" for k, v in named)
        if isinstance(value, str):
            yield f"{here} = {value}"
            continue
        if keys:
            yield here
        if not isinstance(node, Leaf):
            yield from lines(node.children, value, here)


class Obedient:
    """The network, and what each word typed at it does."""

    def __init__(self, network: SimulatedNetwork, router: SimulatedCli) -> None:
        self._network = network
        self._router = router
        self._before = command_lines.lines(router.configuration.lines)
        self._foreign = {name: self._running(device) for name, device in network.devices.items()}

    async def obey(self, order: Mapping[str, Any]) -> Any:
        """Carry one order out; what it answers."""
        acts: Mapping[str, Callable[..., Any]] = {
            "facts": self._facts,
            "faults": self._faults,
            "hand": self._hand,
            "reboot": self._reboot,
            "cut": self._cut,
            "expire": self._expire,
            "down": self._down,
            "up": self._up,
        }
        rest = {key: value for key, value in order.items() if key != "do"}
        answer = acts[order["do"]](**rest)
        return await answer if asyncio.iscoroutine(answer) else answer

    def _device(self, name: str) -> SimulatedDevice:
        return self._network.devices[name]

    async def _reboot(self, device: str) -> None:
        await self._device(device).reboot()

    async def _cut(self, device: str) -> None:
        await self._device(device).cut()

    def _expire(self, device: str) -> None:
        """The timer of a commit that nobody confirmed is over."""
        self._device(device).datastores.expire()

    async def _down(self, device: str) -> None:
        await self._device(device).__aexit__(None, None, None)

    async def _up(self, device: str) -> None:
        await self._device(device).__aenter__()

    def _running(self, device: SimulatedDevice) -> list[str]:
        return self._lines(device, device.datastores.running)

    def _lines(self, device: SimulatedDevice, held: content.Content) -> list[str]:
        return sorted(lines(device.datastores.schema.children, content.prune(held)))

    def _facts(self) -> dict[str, Any]:
        return {
            name: {
                "log": [dataclasses.asdict(entry) for entry in device.history],
                "running": self._running(device),
                "startup": self._lines(device, device.datastores.startup),
                "foreign": self._foreign[name],
                "pending": device.datastores.pending,
            }
            for name, device in self._network.devices.items()
        } | {LINES: command_lines.facts(self._router, self._before)}

    def _faults(self, device: str, **knobs: Any) -> None:
        if "greeting" in knobs:
            knobs["greeting"] = Greeting(knobs["greeting"])
        self._device(device).faults = Faults(**knobs)

    def _hand(self, device: str, config: str, *, ours: bool = False) -> None:
        before = set(self._running(self._device(device)))
        self._device(device).change_by_hand(config)
        if not ours:
            made = set(self._running(self._device(device))) - before
            self._foreign[device] = sorted({*self._foreign[device], *made})


def _own_net() -> str:
    """A piece of loopback by process: several worlds may live on one machine at a time."""
    high, low = divmod(os.getpid(), 250)
    return f"127.{64 + high % 64}.{low}"


async def _run(directory: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        network = await stack.enter_async_context(
            SimulatedNetwork(topology(_own_net()), cache=_CACHE)
        )
        router = await stack.enter_async_context(command_lines.made(network, LINES))
        for device in network.devices.values():
            device.change_by_hand(FOREIGN)
            device.datastores.startup = device.datastores.running
        lab_directory.write(network, directory)
        command_lines.introduce(router, network.devices[LINES].host_key, directory)
        obedient = Obedient(network, router)
        reader = asyncio.StreamReader(limit=1 << 24)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        _say("ready")
        while line := await reader.readline():
            _say(await obedient.obey(json.loads(line)))


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer, default=lambda _: None) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    asyncio.run(_run(parser.parse_args().directory))


if __name__ == "__main__":
    main()
