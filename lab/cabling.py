"""Decides the `ip` batches that make a topology's namespaces, management network and cables.

Every cable is made with both ends already in their namespaces: no name of the lab ever appears
among the machine's own interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology import End, Link, Topology

MGMT_BRIDGE = "mgmt"


def namespaces(topology: Topology) -> list[str]:
    """Name all namespaces of a lab, the management one first."""
    nodes = [topology.longname(node.name) for node in topology.nodes]
    return [topology.mgmt_namespace, *nodes]


def creation(topology: Topology) -> list[str]:
    """Return the one batch that makes all namespaces and all cables."""
    return [
        *(f"netns add {name}" for name in namespaces(topology)),
        *_mgmt_cables(topology),
        *(_cable(topology, link) for link in topology.links),
    ]


def settings(topology: Topology) -> Iterator[tuple[str, list[str]]]:
    """Return per namespace the batch that runs inside it."""
    yield topology.mgmt_namespace, _mgmt_settings(topology)
    for node in topology.nodes:
        ends = [end for link in topology.links for end in (link.a, link.z) if end.node == node.name]
        lines = ["link set lo up"]
        if node.kind == "bridge":
            lines += _bridge_settings(node.name, ends)
        else:
            address = f"{node.mgmt_ipv4}/{topology.mgmt.subnet.prefixlen}"
            lines += [f"address add {address} dev eth0", "link set eth0 up"]
        for end in ends:
            lines += [f"address add {address} dev {end.interface}" for address in end.addresses]
            lines.append(f"link set {end.interface} up")
        yield topology.longname(node.name), lines


def _mgmt_cables(topology: Topology) -> Iterator[str]:
    mgmt = topology.mgmt_namespace
    for number, node in enumerate(topology.nodes):
        if node.kind != "bridge":
            there = topology.longname(node.name)
            yield f"link add eth0 netns {there} type veth peer name m{number} netns {mgmt}"


def _mgmt_settings(topology: Topology) -> list[str]:
    address = f"{topology.mgmt.gateway}/{topology.mgmt.subnet.prefixlen}"
    lines = [
        "link set lo up",
        f"link add {MGMT_BRIDGE} type bridge stp_state 0",
        f"address add {address} dev {MGMT_BRIDGE}",
        f"link set {MGMT_BRIDGE} up",
    ]
    for number, node in enumerate(topology.nodes):
        if node.kind != "bridge":
            lines += [f"link set m{number} master {MGMT_BRIDGE}", f"link set m{number} up"]
    return lines


def _bridge_settings(name: str, ends: list[End]) -> list[str]:
    lines = [f"link add {name} type bridge stp_state 0", f"link set {name} up"]
    return lines + [f"link set {end.interface} master {name}" for end in ends]


def _cable(topology: Topology, link: Link) -> str:
    a, z = (_cable_end(topology, end, link.mtu) for end in (link.a, link.z))
    return f"link add {a} type veth peer name {z}"


def _cable_end(topology: Topology, end: End, mtu: int) -> str:
    mac = f" address {end.mac}" if end.mac else ""
    return f"{end.interface} mtu {mtu}{mac} netns {topology.longname(end.node)}"
