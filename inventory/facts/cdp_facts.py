"""Decides whom a device hears by CDP: a second witness beside LLDP, where a device has it. Pure.

CISCO-CDP-MIB: cdpCacheTable by (ifIndex, device index), and the id that the device gives itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from inventory.facts import (
    announced_addresses,
    capability_words,
    facts,
    hearing,
    neighbour_ids,
    snmp_cells,
)
from inventory.words import hostile_text
from oss_agent.spi import snmp

_CDP: Final = (1, 3, 6, 1, 4, 1, 9, 9, 23, 1)
_CACHE: Final = (*_CDP, 2, 1, 1)

PLAN: Final = snmp.PollPlan(
    columns={
        "cdpCacheAddressType": (*_CACHE, 3),
        "cdpCacheAddress": (*_CACHE, 4),
        "cdpCacheVersion": (*_CACHE, 5),
        "cdpCacheDeviceId": (*_CACHE, 6),
        "cdpCacheDevicePort": (*_CACHE, 7),
        "cdpCachePlatform": (*_CACHE, 8),
        "cdpCacheCapabilities": (*_CACHE, 9),
        "cdpCacheSysName": (*_CACHE, 17),
    },
    scalars={"cdpGlobalDeviceId": (*_CDP, 3, 4, 0)},
)
_INDEX: Final = 2
_LENGTHS: Final = {1: 4, 20: 16}
"""Octets of an address by CiscoNetworkProtocol: ip, ipv6."""


def own_id(scalars: Mapping[str, snmp.Value]) -> str:
    """What the device calls itself in CDP; "" when it has none."""
    return hostile_text.printable(scalars.get("cdpGlobalDeviceId"), hostile_text.NAME)


def neighbours(
    cache: snmp.Columns, interfaces: Sequence[facts.InterfaceFact]
) -> Iterable[facts.NeighbourFact]:
    """Who is heard on which port, as was told last."""
    names = {fact.index: fact.name for fact in interfaces}
    found: dict[hearing.Key, facts.NeighbourFact] = {}
    for index, cells in snmp_cells.rows(cache):
        fact = _neighbour(index, cells, names)
        if fact is not None:
            found[hearing.key(fact)] = fact
    return found.values()


def _neighbour(
    index: snmp.Oid, cells: Mapping[str, snmp.Value], names: Mapping[int | None, str]
) -> facts.NeighbourFact | None:
    port = names.get(index[0]) if len(index) == _INDEX else None
    chassis = neighbour_ids.cdp_chassis(cells.get("cdpCacheDeviceId"))
    if port is None or chassis is None:
        return None
    return facts.NeighbourFact(
        port=port,
        chassis=chassis,
        port_subtype=neighbour_ids.PORT_NAME,
        port_id=neighbour_ids.port(neighbour_ids.PORT_NAME, cells.get("cdpCacheDevicePort")),
        system_name=hostile_text.printable(cells.get("cdpCacheSysName"), hostile_text.NAME),
        address=_address(cells.get("cdpCacheAddressType"), cells.get("cdpCacheAddress")),
        description=hostile_text.printable(cells.get("cdpCacheVersion"), hostile_text.DESCRIPTION),
        model=hostile_text.printable(cells.get("cdpCachePlatform"), hostile_text.NAME),
        capabilities=capability_words.of_cdp(cells.get("cdpCacheCapabilities")),
    )


def _address(kind: snmp.Value, raw: snmp.Value) -> str:
    if not isinstance(kind, int) or not isinstance(raw, bytes):
        return ""
    return announced_addresses.of_octets(raw, _LENGTHS.get(kind, 0))
