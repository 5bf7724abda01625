"""Decides which commands make, and take away, each independent piece of a service in the kernel. Pure.

A service is one piece or several: a VPN is a VRF and its sites, so that a site comes and goes while
the rest keeps forwarding. Two pieces are equal when the kernel need not be touched between them.

A VRF is a network namespace, which zebra takes for one (`zebra -n`); a customer's port stays in the
main namespace, where SNMP and LLDP see it, and is bridged to a leg into the VRF:

    eth3 - site-eth3 - leg-eth3 | gw-eth3 (VRF vpn10200) transit | vt10200 - br10200 - vx10200
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from dataclasses import dataclass

MTU = 1500  # customers' frames; the core carries 50 bytes more
# set before the first address: a VRF that has its address forwards
_FORWARDING = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")


@dataclass(frozen=True, slots=True)
class Step:
    """Lines for `ip -batch` in a namespace, the main one when ''; or a command there."""

    lines: tuple[str, ...] = ()
    namespace: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Eline:
    """One end of an E-Line; port '' is a half-made one."""

    vni: int
    port: str

    def creation(self, source: str) -> tuple[Step, ...]:
        """Return the steps that make it."""
        return (Step((*_tunnel(self.vni, source), f"link set {self.port} master br{self.vni}")),)

    def removal(self) -> tuple[Step, ...]:
        """Return the steps that take it away, half-made ones too."""
        return (Step(_tunnel_removal(self.vni)),)


@dataclass(frozen=True)
class Vrf:
    """This router's part of a VPN; transit '' is a half-made one."""

    vni: int
    transit: str

    def creation(self, source: str) -> tuple[Step, ...]:
        """Return the steps that make it: a tunnel among the VPN's routers and a leg into the VRF."""
        name, leg = vrf_name(self.vni), f"vt{self.vni}"
        return (
            Step((f"netns add {name}",)),
            Step(namespace=name, command=("sysctl", "-q", "-w", *_FORWARDING)),
            Step(
                (
                    *_tunnel(self.vni, source),
                    *_leg(leg, f"transit address {_transit_mac(source, self.vni)}", name),
                    f"link set {leg} master br{self.vni}",
                )
            ),
            Step(("link set lo up", *_addressed("transit", self.transit)), name),
        )

    def removal(self) -> tuple[Step, ...]:
        """Return the steps that take it away; the legs of its sites go with the namespace."""
        name, leg = vrf_name(self.vni), f"vt{self.vni}"
        # the leg by name: the namespace itself goes only when the last process has closed it
        return (Step((f"link del {leg}", *_tunnel_removal(self.vni), f"netns del {name}")),)


@dataclass(frozen=True)
class Site:
    """A customer's port in a VPN; gateway '' is a half-made one, vni 0 one that lost its VRF."""

    vni: int
    port: str
    gateway: str

    def creation(self, source: str) -> tuple[Step, ...]:
        """Return the steps that make it."""
        name, bridge, leg = vrf_name(self.vni), f"site-{self.port}", f"leg-{self.port}"
        inner = f"gw-{self.port} address {_gateway_mac(source, self.port)}"
        return (
            Step(
                (
                    *_bridge(bridge),
                    *_leg(leg, inner, name),
                    f"link set {leg} master {bridge}",
                    f"link set {self.port} master {bridge}",
                )
            ),
            Step(_addressed(f"gw-{self.port}", self.gateway), name),
        )

    def removal(self) -> tuple[Step, ...]:
        """Return the steps that take it away, half-made ones too."""
        return (Step((f"link del leg-{self.port}", f"link del site-{self.port}")),)


@dataclass(frozen=True)
class Access:
    """A customer's port with an address of the global table."""

    port: str
    gateway: str

    def creation(self, source: str) -> tuple[Step, ...]:  # noqa: ARG002 - as of every piece
        """Return the steps that make it; the label tells our address from the router's own."""
        label = f"label {access_label(self.port)}"
        return (Step((f"address add {self.gateway} dev {self.port} {label}",)),)

    def removal(self) -> tuple[Step, ...]:
        """Return the steps that take it away."""
        return (Step((f"address del {self.gateway} dev {self.port}",)),)


Piece = Eline | Vrf | Site | Access


def vrf_name(vni: int) -> str:
    """Name the VRF, and its network namespace, of a VPN."""
    return f"vpn{vni}"


def access_label(port: str) -> str:
    """Name the addresses on a port that are ours."""
    return f"{port}:oss"


def difference(have: Collection[Piece], want: Collection[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Return what to take away and what to make, each in an order that works."""
    gone = set(have) - set(want)
    emptied = {piece.vni for piece in gone if isinstance(piece, Vrf)}
    gone |= {piece for piece in have if isinstance(piece, Site) and piece.vni in emptied}
    made = set(want) - (set(have) - gone)
    return _vrfs_first(gone)[::-1], _vrfs_first(made)


def _vrfs_first(pieces: Iterable[Piece]) -> list[Piece]:
    return sorted(pieces, key=lambda piece: (not isinstance(piece, Vrf), str(piece)))


def _bridge(name: str) -> tuple[str, ...]:
    return (
        f"link add {name} mtu {MTU} type bridge stp_state 0 mcast_snooping 0",
        f"link set {name} addrgenmode none",
        f"link set {name} up",
    )


def _leg(name: str, inner: str, namespace: str) -> tuple[str, ...]:
    peer = f"peer name {inner} mtu {MTU} netns {namespace}"
    return (
        f"link add {name} mtu {MTU} type veth {peer}",
        f"link set {name} addrgenmode none",
        f"link set {name} up",
    )


def _gateway_mac(source: str, port: str) -> str:
    """A port's gateway keeps its MAC when it is made anew: customers remember it for a minute."""
    octets = [2, *_octets(source)[1:], *(int(port.removeprefix("eth")) % 2**16).to_bytes(2, "big")]
    return ":".join(f"{octet:02x}" for octet in octets)


def _transit_mac(source: str, vni: int) -> str:
    octets = [6, *_octets(source)[2:], *vni.to_bytes(3, "big")]
    return ":".join(f"{octet:02x}" for octet in octets)


def _octets(address: str) -> list[int]:
    return list(ipaddress.IPv4Address(address).packed)


def _addressed(name: str, address: str) -> tuple[str, ...]:
    return (
        f"link set {name} addrgenmode none",
        f"link set {name} up",
        f"address add {address} dev {name}",
    )


def _tunnel(vni: int, source: str) -> tuple[str, ...]:
    bridge, tunnel = f"br{vni}", f"vx{vni}"
    vxlan = f"type vxlan id {vni} local {source} dstport 4789 nolearning"
    return (
        *_bridge(bridge),
        f"link add {tunnel} mtu {MTU} {vxlan}",
        f"link set {tunnel} addrgenmode none",
        f"link set {tunnel} master {bridge}",
        f"link set {tunnel} type bridge_slave neigh_suppress on learning off",
        f"link set {tunnel} up",
    )


def _tunnel_removal(vni: int) -> tuple[str, ...]:
    return (f"link del br{vni}", f"link del vx{vni}")
