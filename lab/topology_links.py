"""Decides which links of a topology file are cables this runner can lay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.errors import TopologyRefused
from lab.topology import End, Link

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_ELSEWHERE = {
    "host": "the machine's own namespace stays untouched",
    "mgmt-net": "the management network has only the nodes on it",
    "macvlan": "the machine's own interfaces stay untouched",
    "vxlan": "tunnels out of the machine are containerlab's",
    "vxlan-stitched": "tunnels out of the machine are containerlab's",
    "veth-stitched": "write a plain veth link",
    "dummy": "a link needs two ends",
}


def read_links(links: Any, kinds: Mapping[str, str]) -> tuple[Link, ...]:
    """Read the links section; every end must be on a node and used once."""
    read = tuple(_link(entry, number) for number, entry in enumerate(links or (), start=1))
    seen: set[tuple[str, str]] = set()
    for end in (end for link in read for end in (link.a, link.z)):
        _check(end, kinds)
        if (end.node, end.interface) in seen:
            raise TopologyRefused(f"{end.node}:{end.interface} is the end of two links")
        seen.add((end.node, end.interface))
    return read


def _link(entry: Any, number: int) -> Link:
    if not isinstance(entry, dict):
        raise TopologyRefused(f"link {number} is not a mapping")
    kind = str(entry.get("type", "veth"))
    if kind != "veth":
        reason = _ELSEWHERE.get(kind, "it is no type of containerlab's")
        raise TopologyRefused(
            f"link {number} is of type {kind}, which this runner has not: {reason}"
        )
    ends = entry.get("endpoints") or ()
    if len(ends) != len(("a", "z")):
        raise TopologyRefused(f"link {number} has not two endpoints")
    a, z = (_end(end, number) for end in ends)
    a, z = _addressed(a, entry, 0), _addressed(z, entry, 1)
    return Link(a, z, int(entry.get("mtu", 9500)))


def _end(end: Any, number: int) -> End:
    if isinstance(end, str):
        node, colon, interface = end.partition(":")
        if not colon:
            raise TopologyRefused(f"link {number}: endpoint {end!r} is not NODE:INTERFACE")
        return End(node, interface)
    if not isinstance(end, dict) or not {"node", "interface"} <= set(end):
        raise TopologyRefused(f"link {number}: an endpoint needs node and interface")
    addresses = _present(end.get(family) for family in ("ipv4", "ipv6"))
    return End(str(end["node"]), str(end["interface"]), str(end.get("mac", "")), addresses)


def _addressed(end: End, entry: Mapping[str, Any], side: int) -> End:
    """Add the addresses given on the link itself, one per endpoint in order."""
    lists = [list(entry.get(family) or ()) for family in ("ipv4", "ipv6")]
    own = _present(values[side] for values in lists if len(values) > side)
    return End(end.node, end.interface, end.mac, (*end.addresses, *own))


def _present(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value)


def _check(end: End, kinds: Mapping[str, str]) -> None:
    if end.node in _ELSEWHERE and end.node not in kinds:
        reason = _ELSEWHERE[end.node]
        raise TopologyRefused(f"a link to {end.node}: this runner has not: {reason}")
    if end.node not in kinds:
        raise TopologyRefused(f"a link goes to {end.node}, and there is no such node")
    if not _INTERFACE.fullmatch(end.interface):
        raise TopologyRefused(f"{end.node}: interface name {end.interface!r} is impossible")
    if end.interface == "eth0" and kinds[end.node] != "bridge":
        raise TopologyRefused(
            f"{end.node}:eth0 is the management interface, a link cannot end there"
        )
