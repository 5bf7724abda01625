"""Decides what running asks for, what the kernel has, and the commands between the two. Pure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

SERVICES = "urn:oss-agent:lab:services"
MTU = 1500  # customers' frames; the core carries 50 bytes more


@dataclass(frozen=True)
class Eline:
    """One end of a service as configured."""

    vni: int
    port: str
    name: str = field(default="", compare=False)
    rate: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Port:
    """Settings of a port as configured."""

    enabled: bool = True
    description: str = ""


@dataclass(frozen=True)
class Desired:
    """All that running asks for."""

    elines: tuple[Eline, ...]
    ports: dict[str, Port]


def desired(reply: ET.Element) -> Desired:
    """Read a get-config reply."""
    lines = [_eline(entry) for entry in reply.iter(f"{{{SERVICES}}}eline")]
    ports = {
        _text(entry, "name"): _port(entry)
        for entry in reply.iter(f"{{{SERVICES}}}port")
        if len(entry)
    }
    return Desired(tuple(lines), ports)


def _text(entry: ET.Element, leaf: str, default: str = "") -> str:
    return entry.findtext(f"{{{SERVICES}}}{leaf}", default).strip()


def _eline(entry: ET.Element) -> Eline:
    rate = _text(entry, "rate")
    return Eline(
        vni=int(_text(entry, "vni")),
        port=_text(entry, "port"),
        name=_text(entry, "name"),
        rate=int(rate) if rate else None,
    )


def _port(entry: ET.Element) -> Port:
    return Port(_text(entry, "enabled", "true") == "true", _text(entry, "description"))


def present(links: list[dict[str, object]]) -> set[Eline]:
    """Read the services out of `ip -d -j link`; half-made ones have port ''."""
    numbers = {
        int(match[1])
        for match in (re.fullmatch(r"(?:vx|br)(\d+)", str(link["ifname"])) for link in links)
        if match
    }
    masters = {str(link["ifname"]): str(link.get("master", "")) for link in links}
    return {Eline(vni, _member(vni, masters)) for vni in numbers}


def _member(vni: int, masters: dict[str, str]) -> str:
    bridge, tunnel = f"br{vni}", f"vx{vni}"
    members = [name for name, master in masters.items() if master == bridge and name != tunnel]
    whole = masters.get(tunnel) == bridge and len(members) == 1
    return members[0] if whole else ""


def removal(line: Eline) -> list[str]:
    """Return the `ip -batch` lines that take a service away."""
    return [f"link del br{line.vni}", f"link del vx{line.vni}"]


def creation(line: Eline, source: str) -> list[str]:
    """Return the `ip -batch` lines that make a service."""
    bridge, tunnel = f"br{line.vni}", f"vx{line.vni}"
    vxlan = f"type vxlan id {line.vni} local {source} dstport 4789 nolearning"
    return [
        f"link add {bridge} mtu {MTU} type bridge stp_state 0 mcast_snooping 0",
        f"link add {tunnel} mtu {MTU} {vxlan}",
        f"link set {bridge} addrgenmode none",
        f"link set {tunnel} addrgenmode none",
        f"link set {tunnel} master {bridge}",
        f"link set {tunnel} type bridge_slave neigh_suppress on learning off",
        f"link set {line.port} master {bridge}",
        f"link set {bridge} up",
        f"link set {tunnel} up",
    ]


def policer(port: str, rate: int | None) -> str:
    """Return the nft program for a port's ingress rate; the kernel's own policer may be missing."""
    table = f"oss_{port}"
    clear = f"table netdev {table}\ndelete table netdev {table}\n"
    if rate is None:
        return clear
    over = f"limit rate over {rate * 125} bytes/second burst {max(rate * 12, 16000)} bytes"
    hook = f"type filter hook ingress device {port} priority 0;"
    return f"{clear}table netdev {table} {{\n chain in {{\n {hook}\n {over} counter drop\n }}\n}}\n"


def shaper(port: str, rate: int | None) -> list[list[str]]:
    """Return the tc commands for a port's egress rate."""
    clear = ["tc", "qdisc", "del", "dev", port, "root"]
    if rate is None:
        return [clear]
    tree = ["tc", "qdisc", "replace", "dev", port, "root", "handle", "1:", "htb", "default", "10"]
    shape = ["htb", "rate", f"{rate}kbit", "ceil", f"{rate}kbit"]
    return [
        tree,
        ["tc", "class", "replace", "dev", port, "parent", "1:", "classid", "1:10", *shape],
    ]
