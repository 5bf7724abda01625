"""Decides which addresses in a VRF the routing daemons have missed and must be told of again.

FRR 8.4 on a busy machine loses some in a new namespace, one VPN in eight: zebra reads of links in one
thread and of addresses in another, and throws an address away when it comes before its link; bgpd
misses a connected route that zebra learns while it is asked to pass such routes on.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Address: TypeAlias = tuple[str, str]
"""A link, and an address with its length on it."""
Links: TypeAlias = Sequence[Mapping[str, Any]]
"""What `ip -j address show` says in a namespace."""

_OWN = 32768
"""The weight of a route that bgpd has from its own router."""


def unheard(kernel: Links, zebra: str) -> list[Address] | None:
    """Return the addresses that zebra lacks; None while it lacks the VRF.

    ``zebra`` answers `show interface vrf NAME brief json`. Pure.
    """
    known = _answer(zebra)
    if not known:
        return None
    return [
        (link, address)
        for link, address in addresses(kernel)
        if address not in known.get(link, {}).get("addresses", ())
    ]


def unshared(kernel: Links, bgp: str) -> list[Address] | None:
    """Return the addresses whose network bgpd has not; None while it has none of ours.

    ``bgp`` answers `show bgp vrf NAME ipv4 unicast json`. Pure.
    """
    routes = _answer(bgp).get("routes", {})
    own = {prefix for prefix, paths in routes.items() if any(map(_is_own, paths))}
    networks = {one: str(ipaddress.IPv4Interface(one[1]).network) for one in addresses(kernel)}
    if not own & set(networks.values()):
        return None
    return [one for one, network in networks.items() if network not in own]


def addresses(kernel: Links) -> list[Address]:
    """Return the IPv4 addresses of a namespace, but for those of the loopback itself. Pure."""
    return [
        (link["ifname"], f"{one['local']}/{one['prefixlen']}")
        for link in kernel
        for one in link.get("addr_info", ())
        if one.get("family") == "inet" and one.get("scope") != "host"
    ]


def ask(daemon: str, question: str) -> str:
    """Ask a routing daemon; '' when it does not answer."""
    asking = ["vtysh", "-d", daemon, "-c", question]
    return subprocess.run(asking, capture_output=True, text=True, check=False).stdout


def _is_own(path: Mapping[str, Any]) -> bool:
    return path.get("weight") == _OWN


def _answer(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
