"""Decides which addresses a device's ipAddressTable (IP-MIB, RFC 4293) puts on which port. Pure.

It has IPv6 and is newer than ipAddrTable, which some agents fill alone. Of IPv4 the older table counts
where it has any: net-snmp keeps the newer one for a minute, and a port whose service has ended would
be an address of the network's own until the next look. The newer one adds prefix lengths then.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from inventory.facts import facts, snmp_cells
from oss_agent.spi import snmp

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_ENTRY: Final = (1, 3, 6, 1, 2, 1, 4, 34, 1)

PLAN: Final = snmp.PollPlan(
    columns={
        "ipAddressIfIndex": (*_ENTRY, 3),
        "ipAddressType": (*_ENTRY, 4),
        "ipAddressPrefix": (*_ENTRY, 5),
    }
)
_LENGTHS: Final = {1: 4, 2: 16, 3: 8, 4: 20}
"""InetAddressType (RFC 4001): ipv4, ipv6 and the same with a zone behind."""
_FAMILIES: Final = {1: 4, 2: 16, 3: 4, 4: 16}
_UNICAST: Final = 1
_OCTET: Final = range(256)


def read(seen: facts.DeviceFacts, table: snmp.Columns | None) -> facts.DeviceFacts:
    """``seen`` with what this table adds; without ports there is nothing to put addresses on."""
    if table is None or seen.interfaces is None:
        return seen
    complete = seen.complete and not table.partial
    if not table.index:
        return dataclasses.replace(seen, complete=complete)
    names = {port.index: port.name for port in seen.interfaces if port.index is not None}
    known = {(one.interface, one.address): one for one in seen.addresses or ()}
    older = any(_is_v4(one) for one in known.values())
    for one in _addresses(table, names):
        before = known.get((one.interface, one.address))
        news = not (older and _is_v4(one)) if before is None else before.prefix is None
        if news:
            known[one.interface, one.address] = one
    return dataclasses.replace(seen, addresses=tuple(known.values()), complete=complete)


def _addresses(table: snmp.Columns, names: Mapping[int, str]) -> Iterator[facts.AddressFact]:
    for index, cells in snmp_cells.rows(table):
        address, port = of_index(index), cells.get("ipAddressIfIndex")
        name = names.get(port) if isinstance(port, int) else None
        if address is None or name is None or not _counts(address):
            continue
        if cells.get("ipAddressType") in {_UNICAST, None}:
            yield facts.AddressFact(name, str(address), _prefix(cells, address))


def _is_v4(one: facts.AddressFact) -> bool:
    return ":" not in one.address


def _counts(address: _Address) -> bool:
    """Loopback and link-local addresses are on every device, and on every port of it."""
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
    )


def of_index(index: snmp.Oid) -> _Address | None:
    """Of an index (type, length, octets); some agents leave the length out."""
    kind, rest = (index[0], index[1:]) if index else (0, ())
    length = _LENGTHS.get(kind, 0)
    octets = rest[1:] if rest[:1] == (length,) and len(rest) == length + 1 else rest
    if not length or len(octets) != length or not all(octet in _OCTET for octet in octets):
        return None
    return ipaddress.ip_address(bytes(octets[: _FAMILIES[kind]]))


def _prefix(cells: Mapping[str, snmp.Value], address: _Address) -> int | None:
    """The last arc of the row of ipAddressPrefixTable that the address points to; 0.0 is none."""
    pointer = cells.get("ipAddressPrefix")
    if not isinstance(pointer, tuple) or len(pointer) <= len(_ENTRY):
        return None
    return pointer[-1] if 0 < pointer[-1] <= address.max_prefixlen else None
