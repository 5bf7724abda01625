"""Decides how several simulated routers become one network: devices, agents and links."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from oss_agent.testing.simulated.device import SimulatedDevice
from oss_agent.testing.simulated.lab_services import port_settings, vni_ceiling
from oss_agent.testing.simulated.topology import TELCO5, Node, Topology
from oss_agent.testing.simulated_snmp.agent import SimulatedAgent
from oss_agent.testing.simulated_snmp.router import Port, Router


class SimulatedNetwork:
    """``async with SimulatedNetwork(TELCO5, trap_sink=("127.0.0.1", 9162)) as network: ...``.

    ``devices`` and ``agents`` are by router name; ``cache`` as in ``SimulatedAgent``.
    """

    def __init__(
        self,
        topology: Topology = TELCO5,
        *,
        trap_sink: tuple[str, int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        cache: float = 0.0,
    ) -> None:
        self.topology = topology
        self.trap_sink = trap_sink
        self.devices = {node.name: _device(node) for node in topology.nodes}
        peers = _peers(topology)
        self.agents = {
            node.name: SimulatedAgent(self._router(node, place, peers, monotonic), cache=cache)
            for place, node in enumerate(topology.nodes)
        }
        self._stack = AsyncExitStack()

    def _router(
        self,
        node: Node,
        place: int,
        peers: dict[tuple[str, str], tuple[str, str]],
        monotonic: Callable[[], float],
    ) -> Router:
        ports = {
            name: Port(
                name, number + 1, bytes((2, 0, 0, 0, place, number)), peers.get((node.name, name))
            )
            for number, name in enumerate(node.ports, 1)
        }
        datastores = self.devices[node.name].datastores
        return Router(
            node.name,
            monotonic,
            ports,
            router_id=node.router_id,
            settings=lambda port: port_settings(datastores.running, port),
            neighbours=self._other_end,
            managed_at=self._router_id,
        )

    def _other_end(self, port: Port) -> Port | None:
        if port.peer is None:
            return None
        return self.agents[port.peer[0]].router.ports[port.peer[1]]

    def _router_id(self, port: Port) -> str:
        """Of the router at the other end."""
        return "" if port.peer is None else self.agents[port.peer[0]].router.router_id

    async def __aenter__(self) -> Self:
        for node in self.topology.nodes:
            await self._stack.enter_async_context(self.devices[node.name])
            await self.agents[node.name].listen(node.address)
            self._stack.callback(self.agents[node.name].close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def pull(self, device: str, port: str) -> None:
        """Pull a cable: both ends go down and say so by a trap. KeyError when unknown."""
        self._turn(device, port, up=False)

    def heal(self, device: str, port: str) -> None:
        """Plug the cable in again."""
        self._turn(device, port, up=True)

    def _turn(self, device: str, port: str, *, up: bool) -> None:
        near = self.agents[device].router.ports[port]
        ends = [(device, port), *([near.peer] if near.peer else [])]
        for name, end in ends:
            agent = self.agents[name]
            agent.router.ports[end].turn(agent.router.age(), up=up)
            if self.trap_sink is not None:
                agent.link_trap(agent.router.ports[end], self.trap_sink)


def _device(node: Node) -> SimulatedDevice:
    ceilings = [] if node.vni_maximum is None else [vni_ceiling(node.vni_maximum)]
    return SimulatedDevice(node.name, ceilings=ceilings, offer=node.offer, address=node.address)


def _peers(topology: Topology) -> dict[tuple[str, str], tuple[str, str]]:
    peers: dict[tuple[str, str], tuple[str, str]] = {}
    for link in topology.links:
        a, z = (link.a_node, link.a_port), (link.z_node, link.z_port)
        peers[a], peers[z] = z, a
    return peers
