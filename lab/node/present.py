"""Decides which pieces of services the kernel has, from what `ip -j` says of its namespaces. Pure.

A piece that is there in part is returned as half-made, equal to nothing anyone wants: it is taken
away and made anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.node.pieces import Access, Eline, Piece, Site, Vrf, access_label

Links = Sequence[Mapping[str, Any]]
"""What `ip -j address show` says of one namespace."""


def pieces(main: Links, vrfs: Mapping[int, Links]) -> set[Piece]:
    """Read the pieces out of the main namespace and, by VNI, of those of the VRFs."""
    masters = {str(link["ifname"]): str(link.get("master", "")) for link in main if link}
    gateways = {vni: dict(_addresses(links)) for vni, links in vrfs.items()}
    ours = set(vrfs) | _numbers(r"vt(\d+)", masters)
    found: set[Piece] = {_vrf(vni, masters, gateways.get(vni, {})) for vni in ours}
    elines = _numbers(r"(?:vx|br)(\d+)", masters) - ours
    found |= {Eline(vni, _only_port(vni, masters)) for vni in elines}
    found |= {_site(port, masters, gateways) for port in _site_ports(masters)}
    return found | set(_accesses(main))


def _vrf(vni: int, masters: Mapping[str, str], inside: Mapping[str, str]) -> Vrf:
    whole = {masters.get(f"vx{vni}"), masters.get(f"vt{vni}")} == {f"br{vni}"}
    return Vrf(vni, inside.get("transit", "") if whole else "")


def _site(port: str, masters: Mapping[str, str], gateways: Mapping[int, Mapping[str, str]]) -> Site:
    vni = next((vni for vni, inside in gateways.items() if f"gw-{port}" in inside), 0)
    whole = {masters.get(port), masters.get(f"leg-{port}")} == {f"site-{port}"}
    return Site(vni, port, gateways[vni][f"gw-{port}"] if whole and vni else "")


def _only_port(vni: int, masters: Mapping[str, str]) -> str:
    bridge, tunnel = f"br{vni}", f"vx{vni}"
    members = [name for name, master in masters.items() if master == bridge and name != tunnel]
    whole = masters.get(tunnel) == bridge and len(members) == 1
    return members[0] if whole else ""


def _accesses(main: Links) -> Iterator[Access]:
    for link in main:
        for one in link.get("addr_info", ()):
            if one and one.get("label") == access_label(link["ifname"]):
                yield Access(link["ifname"], f"{one['local']}/{one['prefixlen']}")


def _addresses(links: Links) -> Iterator[tuple[str, str]]:
    """Yield each interface's IPv4 address, '' where it has none."""
    for link in filter(None, links):
        four = [one for one in link.get("addr_info", ()) if one.get("family") == "inet"]
        yield link["ifname"], f"{four[0]['local']}/{four[0]['prefixlen']}" if four else ""


def _numbers(pattern: str, names: Mapping[str, str]) -> set[int]:
    matches = (re.fullmatch(pattern, name) for name in names)
    return {int(match[1]) for match in matches if match}


def _site_ports(names: Mapping[str, str]) -> set[str]:
    matches = (re.fullmatch(r"(?:site|leg)-(eth\d+)", name) for name in names)
    return {match[1] for match in matches if match}
