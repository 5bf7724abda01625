"""The ring of thirty routers is one: every link once, and both ends of it in one net."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict

import lab.containerlab
from lab import topology, topology_file


def _net(node: topology.Node, port: str) -> ipaddress.IPv4Network:
    pairs = (pair.partition("=") for pair in node.env["LAB_ADDRESSES"].split())
    found = {name: ipaddress.IPv4Interface(address) for name, _, address in pairs}
    return found[port].network


def test_thirty_routers_are_one_ring_with_addresses_that_fit() -> None:
    ring = topology_file.load(lab.containerlab.RING30)
    assert len(ring.nodes) == len(ring.links) == 30
    ends = Counter((end.node, end.interface) for link in ring.links for end in (link.a, link.z))
    assert set(ends.values()) == {1}
    nets = Counter(
        _net(ring.node(end.node), end.interface) for one in ring.links for end in (one.a, one.z)
    )
    assert set(nets.values()) == {2}

    beside: defaultdict[str, set[str]] = defaultdict(set)
    for link in ring.links:
        assert _net(ring.node(link.a.node), link.a.interface) == _net(
            ring.node(link.z.node), link.z.interface
        )
        beside[link.a.node].add(link.z.node)
        beside[link.z.node].add(link.a.node)
    loopbacks = {node.env["LAB_LOOPBACK"]: node.name for node in ring.nodes}
    for node in ring.nodes:
        peers = {loopbacks[peer] for peer in node.env["LAB_BGP_PEERS"].split()}
        assert peers == beside[node.name]
        assert len(peers) == 2
