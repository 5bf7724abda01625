"""Decides what a simulated network looks like, as a value; ``TELCO5`` is the lab's five routers."""

from __future__ import annotations

from dataclasses import dataclass, field

from oss_agent.testing.simulated.offer import Offer


@dataclass(frozen=True, slots=True)
class Node:
    """One router. ``vni_maximum`` is its own limit, enforced at commit."""

    name: str
    role: str
    site: str
    router_id: str
    address: str
    ports: tuple[str, ...]
    vni_maximum: int | None = None
    offer: Offer = field(default_factory=Offer)


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two routers' ports."""

    a_node: str
    a_port: str
    z_node: str
    z_port: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Routers and the links between them; ports without a link are customer ports."""

    name: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


_FOUR = ("eth1", "eth2", "eth3", "eth4")

TELCO5 = Topology(
    name="telco5",
    # Addresses of 127/8, one a router, mirror the lab's 172.20.20/24: a trap's source tells its sender.
    nodes=(
        Node("p1", "p", "north", "10.255.0.1", "127.20.20.11", _FOUR),
        Node("p2", "p", "south", "10.255.0.2", "127.20.20.12", _FOUR),
        Node("pe1", "pe", "north", "10.255.0.11", "127.20.20.21", _FOUR),
        Node("pe2", "pe", "south", "10.255.0.12", "127.20.20.22", _FOUR),
        Node("pe3", "pe", "east", "10.255.0.13", "127.20.20.23", _FOUR[:3], vni_maximum=10099),
    ),
    links=(
        Link("p1", "eth1", "p2", "eth1"),
        Link("p1", "eth2", "pe1", "eth1"),
        Link("p1", "eth3", "pe2", "eth1"),
        Link("p1", "eth4", "pe3", "eth1"),
        Link("p2", "eth2", "pe1", "eth2"),
        Link("p2", "eth3", "pe2", "eth2"),
        Link("p2", "eth4", "pe3", "eth2"),
    ),
)
