"""Decides which stations a device says are behind its ports: by IP and MAC address, or by MAC alone. Pure.

ipNetToPhysicalTable (IP-MIB, RFC 4293: ARP and neighbour discovery), the older ipNetToMediaTable (RFC 1213),
and the tables of bridges, dot1qTpFdbTable (RFC 4363) or dot1dTpFdbTable (RFC 4188). Bounded: of a port
behind which many stations are, a trunk or an uplink, only how many is kept, rounded to a power of two.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from inventory.facts import address_facts, facts, snmp_cells
from oss_agent.spi import snmp

_MIB: Final = (1, 3, 6, 1, 2, 1)
_PHYSICAL: Final = (*_MIB, 4, 35, 1)
_MEDIA: Final = (*_MIB, 4, 22, 1)
_BRIDGE: Final = (*_MIB, 17)

RESOLVED: Final = snmp.PollPlan(
    columns={
        "ipNetToPhysicalPhysAddress": (*_PHYSICAL, 4),
        "ipNetToPhysicalType": (*_PHYSICAL, 6),
    },
    deadline=snmp_cells.WHOLE_TABLE,
)
OLDER: Final = snmp.PollPlan(
    columns={"ipNetToMediaPhysAddress": (*_MEDIA, 2), "ipNetToMediaType": (*_MEDIA, 4)},
    deadline=snmp_cells.WHOLE_TABLE,
)
"""Asked where the newer one has no row."""
LEARNED: Final = snmp.PollPlan(
    columns={
        "dot1qTpFdbPort": (*_BRIDGE, 7, 1, 2, 2, 1, 2),
        "dot1qTpFdbStatus": (*_BRIDGE, 7, 1, 2, 2, 1, 3),
    },
    deadline=snmp_cells.WHOLE_TABLE,
)
PLAIN: Final = snmp.PollPlan(
    columns={
        "dot1dTpFdbPort": (*_BRIDGE, 4, 3, 1, 2),
        "dot1dTpFdbStatus": (*_BRIDGE, 4, 3, 1, 3),
    },
    deadline=snmp_cells.WHOLE_TABLE,
)
"""Asked where there is no table by VLAN."""

_NOT_BEHIND: Final = frozenset({2, 5})
"""ipNetToPhysicalType: invalid, and local, which is the device's own."""
_LEARNED: Final = 3
_MOST: Final = 16_384
"""Resolved addresses kept of a device."""
_FEW: Final = 32
"""MAC addresses kept of a port."""
_MAC: Final = 6
_IPV4: Final = 4
_IPV4_KIND: Final = (1, 4)
_OCTET: Final = range(256)


def resolved(table: snmp.Columns, ports: Mapping[int, str]) -> tuple[facts.StationFact, ...]:
    """Stations by IP and MAC address, of either table; ``ports`` are names by ifIndex."""
    found = dict.fromkeys(_resolved(table, ports))
    return tuple(itertools.islice(found, _MOST))


def _resolved(table: snmp.Columns, ports: Mapping[int, str]) -> Iterator[facts.StationFact]:
    for index, cells in snmp_cells.rows(table):
        mac = snmp_cells.mac(_either(cells, "PhysAddress"))
        port = ports.get(index[0]) if index else None
        if mac is None or port is None or _either(cells, "Type") in _NOT_BEHIND:
            continue
        rest = index[1:]
        # The older table's index is the address alone, of IPv4.
        address = address_facts.of_index((*_IPV4_KIND, *rest) if len(rest) == _IPV4 else rest)
        if address is not None and not address.is_multicast:
            yield facts.StationFact(port, mac, str(address))


def _either(cells: Mapping[str, snmp.Value], column: str) -> snmp.Value:
    return cells.get(f"ipNetToPhysical{column}", cells.get(f"ipNetToMedia{column}"))


def learned(table: snmp.Columns, ports: Mapping[int, str]) -> tuple[facts.StationFact, ...]:
    """Stations by MAC address, of either table; ``ports`` are names by bridge port."""
    behind: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for index, cells in snmp_cells.rows(table):
        number, octets = _bridge_port(cells), index[-_MAC:]
        if number in ports and len(octets) == _MAC and all(octet in _OCTET for octet in octets):
            behind[ports[number]][bytes(octets).hex(":")] = None
    return tuple(fact for port, macs in behind.items() for fact in _kept(port, list(macs)))


def _bridge_port(cells: Mapping[str, snmp.Value]) -> int:
    """0 where there is none, or where the bridge did not learn the address: it is its own, or over."""
    port = cells.get("dot1qTpFdbPort", cells.get("dot1dTpFdbPort"))
    status = cells.get("dot1qTpFdbStatus", cells.get("dot1dTpFdbStatus"))
    return port if isinstance(port, int) and status in {_LEARNED, None} else 0


def _kept(port: str, macs: list[str]) -> Iterator[facts.StationFact]:
    if len(macs) > _FEW:
        # The exact number is another at each look, and each would be a version of the row.
        yield facts.StationFact(port, "", many=1 << (len(macs).bit_length() - 1))
        return
    for mac in macs:
        yield facts.StationFact(port, mac)


def read(
    seen: facts.DeviceFacts,
    arp: snmp.Columns | None,
    bridge: snmp.Columns | None,
    bridged: Mapping[int, str],
) -> facts.DeviceFacts:
    """``seen`` with its stations: nothing is learned of what was cut short, and empty tables have none."""
    names = {port.index: port.name for port in seen.interfaces or () if port.index is not None}
    resolved_there = resolved(arp, names) if arp is not None else ()
    found = resolved_there + (learned(bridge, bridged) if bridge is not None else ())
    asked = [table for table in (arp, bridge) if table is not None]
    # Cut short it counts where more was read than is kept; else what lacks would look gone.
    cut = bridge is not None and bridge.partial
    cut |= arp is not None and arp.partial and len(resolved_there) < _MOST
    if cut or not asked:
        return seen
    return dataclasses.replace(seen, stations=found)
