"""Decides which VLANs, VRFs, BGP and OSPF neighbours a device says it has. Pure.

Q-BRIDGE-MIB (RFC 4363) with BRIDGE-MIB's ports, MPLS-L3VPN-STD-MIB (RFC 4382), BGP4-MIB (RFC 4273),
OSPF-MIB (RFC 4750). A kind is learned when its scalar or a row answers: an agent that has not got it
(yet: subagents attach late) must not read as one whose neighbours are gone.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from inventory.facts import facts, snmp_cells
from inventory.words import hostile_text
from oss_agent.spi import snmp

_MIB: Final = (1, 3, 6, 1, 2, 1)
_BGP: Final = (*_MIB, 15)
_OSPF: Final = (*_MIB, 14)
_BRIDGE: Final = (*_MIB, 17)
_VLAN: Final = (*_BRIDGE, 7, 1, 4, 3, 1)
_VPN: Final = (*_MIB, 10, 166, 11, 1)
VLAN: Final = "vlan"
VRF: Final = "vrf"
BGP: Final = "bgp-neighbour"
OSPF: Final = "ospf-neighbour"
RESOURCES: Final = (VLAN, VRF)
"""Those that are resources of the device; the others are whom it talks to."""

PLANS: Final[Mapping[str, snmp.PollPlan]] = {
    BGP: snmp.PollPlan(
        columns={
            "bgpPeerState": (*_BGP, 3, 1, 2),
            "bgpPeerAdminStatus": (*_BGP, 3, 1, 3),
            "bgpPeerRemoteAs": (*_BGP, 3, 1, 9),
        },
        scalars={"bgpLocalAs": (*_BGP, 2, 0)},
    ),
    OSPF: snmp.PollPlan(
        columns={"ospfNbrRtrId": (*_OSPF, 10, 1, 3), "ospfNbrState": (*_OSPF, 10, 1, 6)},
        scalars={"ospfAdminStat": (*_OSPF, 1, 2, 0)},
    ),
    VLAN: snmp.PollPlan(
        columns={
            "dot1qVlanStaticName": (*_VLAN, 1),
            "dot1qVlanStaticEgressPorts": (*_VLAN, 2),
            "dot1qVlanStaticUntaggedPorts": (*_VLAN, 4),
        },
        scalars={"dot1qVlanVersionNumber": (*_BRIDGE, 7, 1, 1, 1, 0)},
    ),
    VRF: snmp.PollPlan(
        columns={
            "mplsL3VpnVrfDescription": (*_VPN, 2, 2, 1, 3),
            "mplsL3VpnVrfRD": (*_VPN, 2, 2, 1, 4),
            "mplsL3VpnVrfOperStatus": (*_VPN, 2, 2, 1, 6),
        },
        scalars={"mplsL3VpnConfiguredVrfs": (*_VPN, 1, 1, 0)},
    ),
}
BRIDGE_PORTS: Final = snmp.PollPlan(columns={"dot1dBasePortIfIndex": (*_BRIDGE, 1, 4, 1, 2)})
"""What turns a bit of a PortList into an ifIndex; asked where there are VLANs."""
VRF_PORTS: Final = snmp.PollPlan(columns={"mplsL3VpnIfVpnClassification": (*_VPN, 2, 1, 1, 2)})
"""Which ports are in a VRF, by index; asked where there are VRFs."""

_BGP_STATES: Final = dict(
    enumerate(("idle", "connect", "active", "opensent", "openconfirm", "established"), 1)
)
_OSPF_STATES: Final = dict(
    enumerate(
        ("down", "attempt", "init", "twoWay", "exchangeStart", "exchange", "loading", "full"), 1
    )
)
_UP_DOWN: Final = {1: "up", 2: "down"}
_BGP_ADMIN: Final = {1: "stop", 2: "start"}
_IPV4: Final = 4
_OCTET: Final = range(256)
_VLAN_IDS: Final = range(1, 4095)
_MOST: Final = 16_384
"""Rows of one kind kept: what is more is a broken or hostile agent, and is said as a cut look."""
_MOST_PORTS: Final = 4_096
_Reader: TypeAlias = Callable[[snmp.Columns, "_Ports"], Iterator[facts.LogicalFact]]
_Ports: TypeAlias = Mapping[int, str]


def read(
    seen: facts.DeviceFacts,
    tables: Mapping[str, snmp.Columns],
    bridge_ports: snmp.Columns | None = None,
    vrf_ports: snmp.Columns | None = None,
) -> facts.DeviceFacts:
    """``seen`` with what these tables, by kind, say; a kind that did not answer is not learned."""
    names = {port.index: port.name for port in seen.interfaces or () if port.index is not None}
    bridged = bridged_ports(bridge_ports, names)
    learned: dict[str, tuple[facts.LogicalFact, ...]] = {}
    complete = seen.complete and not any(table.partial for table in tables.values())
    cut = seen.cut
    beside = {VLAN: bridge_ports, VRF: vrf_ports}
    for kind, table in tables.items():
        other = beside.get(kind)
        if _answered(kind, table) and not (other is not None and other.partial):
            found = {f.name: f for f in _READERS[kind](table, bridged if kind == VLAN else names)}
            if kind == VRF and vrf_ports is not None:
                found = _with_ports(found, vrf_ports, names)
            learned[kind] = tuple(found.values())[:_MOST]
            if len(found) > _MOST:
                complete, cut = False, (*cut, kind)
    return dataclasses.replace(seen, logical=learned, complete=complete, cut=cut)


def _answered(kind: str, table: snmp.Columns) -> bool:
    """SysUpTime comes with every poll, so it does not count."""
    told = (table.scalars.get(name) for name in PLANS[kind].scalars)
    return bool(table.index) or any(value is not None for value in told)


def _bgp(table: snmp.Columns, _: _Ports) -> Iterator[facts.LogicalFact]:
    for index, cells in snmp_cells.rows(table):
        if (peer := _ipv4(index)) is not None:
            told = {
                "remote_as": _positive(cells.get("bgpPeerRemoteAs")),
                "state": _word(_BGP_STATES, cells.get("bgpPeerState")),
                "admin": _word(_BGP_ADMIN, cells.get("bgpPeerAdminStatus")),
            }
            yield _fact(BGP, peer, told)


def _ospf(table: snmp.Columns, ports: _Ports) -> Iterator[facts.LogicalFact]:
    """Index: the neighbour's address, and the ifIndex of an interface without one (else 0)."""
    for index, cells in snmp_cells.rows(table):
        if (peer := _ipv4(index[:-1])) is not None:
            router = cells.get("ospfNbrRtrId")
            told = {
                "router_id": _ipv4(router) if isinstance(router, bytes) else None,
                "state": _word(_OSPF_STATES, cells.get("ospfNbrState")),
                "interface": ports.get(index[-1]),
            }
            yield _fact(OSPF, peer if not index[-1] else f"{peer}%{index[-1]}", told)


def _vlans(table: snmp.Columns, ports: _Ports) -> Iterator[facts.LogicalFact]:
    for index, cells in snmp_cells.rows(table):
        if len(index) == 1 and index[0] in _VLAN_IDS:
            untagged = _members(cells.get("dot1qVlanStaticUntaggedPorts"), ports)
            every = _members(cells.get("dot1qVlanStaticEgressPorts"), ports)
            told = {
                "title": hostile_text.printable(
                    cells.get("dot1qVlanStaticName"), hostile_text.NAME
                ),
                "tagged": [port for port in every if port not in set(untagged)],
                "untagged": untagged,
            }
            yield _fact(VLAN, str(index[0]), told)


def _vrfs(table: snmp.Columns, _: _Ports) -> Iterator[facts.LogicalFact]:
    """Index: the VRF's name, its length before it."""
    for index, cells in snmp_cells.rows(table):
        if name := _vrf_name(index):
            told = {
                "route_distinguisher": hostile_text.printable(
                    cells.get("mplsL3VpnVrfRD"), hostile_text.NAME
                ),
                "description": hostile_text.printable(
                    cells.get("mplsL3VpnVrfDescription"), hostile_text.DESCRIPTION
                ),
                "state": _word(_UP_DOWN, cells.get("mplsL3VpnVrfOperStatus")),
            }
            yield _fact(VRF, name, told)


def _vrf_name(index: snmp.Oid) -> str:
    octets = index[1:] if index and index[0] == len(index) - 1 else ()
    return hostile_text.printable(_octets(octets), hostile_text.NAME)


def _with_ports(
    found: Mapping[str, facts.LogicalFact], table: snmp.Columns, ports: _Ports
) -> dict[str, facts.LogicalFact]:
    """The VRFs with their ports. Index: the VRF's name as above, then an ifIndex."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for index in table.index:
        name, port = _vrf_name(index[:-1]), ports.get(index[-1]) if index else None
        if name in found and port is not None and len(members[name]) < _MOST_PORTS:
            members[name].append(port)
    return {
        name: dataclasses.replace(fact, attributes={**fact.attributes, "ports": members[name]})
        for name, fact in found.items()
    }


_READERS: Final[Mapping[str, _Reader]] = {BGP: _bgp, OSPF: _ospf, VLAN: _vlans, VRF: _vrfs}


def _fact(kind: str, name: str, told: Mapping[str, Any]) -> facts.LogicalFact:
    return facts.LogicalFact(kind, name, {key: v for key, v in told.items() if v not in (None, "")})


def bridged_ports(columns: snmp.Columns | None, names: _Ports) -> _Ports:
    """Port names by bridge port number."""
    found: dict[int, str] = {}
    for index, cells in snmp_cells.rows(columns) if columns is not None else ():
        ifindex = cells.get("dot1dBasePortIfIndex")
        if len(index) == 1 and isinstance(ifindex, int) and ifindex in names:
            found[index[0]] = names[ifindex]
    return found


def _members(value: snmp.Value, ports: _Ports) -> list[str]:
    """A PortList: bit 1 is the highest of the first octet. Ports that are not ours are left out."""
    if not isinstance(value, bytes):
        return []
    octets = value[: _MOST_PORTS // 8]
    numbers = (
        place * 8 + bit + 1
        for place, octet in enumerate(octets)
        for bit in range(8)
        if octet & (0x80 >> bit)
    )
    return [ports[number] for number in numbers if number in ports]


def _ipv4(octets: bytes | snmp.Oid) -> str | None:
    raw = _octets(octets)
    return str(ipaddress.IPv4Address(raw)) if raw is not None and len(raw) == _IPV4 else None


def _octets(octets: bytes | snmp.Oid) -> bytes | None:
    return bytes(octets) if all(octet in _OCTET for octet in octets) else None


def _positive(value: snmp.Value) -> int | None:
    return value if isinstance(value, int) and 0 < value < 2**32 else None


def _word(words: Mapping[int, str], value: snmp.Value) -> str:
    return words.get(value, "unknown") if isinstance(value, int) else "unknown"
