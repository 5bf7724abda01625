"""Decides who a device's LLDP agent says it is, and whom it hears on which port. Pure.

LLDP-MIB of IEEE 802.1AB-2005. Neighbours stay unresolved here: ``topology`` says who they are.
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
    port_words,
    snmp_cells,
)
from inventory.words import hostile_text
from oss_agent.spi import snmp

_LLDP: Final = (1, 0, 8802, 1, 1, 2, 1)

_MANAGED_AT: Final = "lldpRemManAddrIfSubtype"
"""The first column that may be read of that table: what is asked of it is its index."""

CHASSIS: Final = {
    "lldpLocChassisIdSubtype": (*_LLDP, 3, 1, 0),
    "lldpLocChassisId": (*_LLDP, 3, 2, 0),
    "lldpLocSysName": (*_LLDP, 3, 3, 0),
}
"""The scalars that identify a chassis."""
LOCAL: Final = snmp.PollPlan(
    columns={
        "lldpLocPortIdSubtype": (*_LLDP, 3, 7, 1, 2),
        "lldpLocPortId": (*_LLDP, 3, 7, 1, 3),
        "lldpLocPortDesc": (*_LLDP, 3, 7, 1, 4),
    }
)
REMOTE: Final = snmp.PollPlan(
    columns={
        "lldpRemChassisIdSubtype": (*_LLDP, 4, 1, 1, 4),
        "lldpRemChassisId": (*_LLDP, 4, 1, 1, 5),
        "lldpRemPortIdSubtype": (*_LLDP, 4, 1, 1, 6),
        "lldpRemPortId": (*_LLDP, 4, 1, 1, 7),
        "lldpRemPortDesc": (*_LLDP, 4, 1, 1, 8),
        "lldpRemSysName": (*_LLDP, 4, 1, 1, 9),
        "lldpRemSysDesc": (*_LLDP, 4, 1, 1, 10),
        "lldpRemSysCapEnabled": (*_LLDP, 4, 1, 1, 12),
        _MANAGED_AT: (*_LLDP, 4, 2, 1, 3),
    }
)
"""With a column of lldpRemManAddrTable, whose rows have an index of their own: it costs no walk then."""

_MAX_ADDRESSES: Final = 16
"""Management addresses of one neighbour that are looked at."""
_REMOTE_INDEX: Final = 3
_OCTET: Final = range(256)
"""A subtype is one octet on the wire; more than a database's integer holds must not get there."""


def own_chassis(scalars: Mapping[str, snmp.Value]) -> str | None:
    """The chassis identity as ``<subtype>:<hex>``; None when no LLDP agent answers."""
    subtype, identity = scalars.get("lldpLocChassisIdSubtype"), scalars.get("lldpLocChassisId")
    return neighbour_ids.chassis(subtype, identity)


def own_name(scalars: Mapping[str, snmp.Value]) -> str:
    """What the device calls itself in LLDP; "" when it has none."""
    return hostile_text.printable(scalars.get("lldpLocSysName"), hostile_text.NAME)


def neighbours(remote: snmp.Columns, ports: Mapping[int, str]) -> Iterable[facts.NeighbourFact]:
    """Who is heard, as was told last; ``ports`` as ``local_ports`` gives them."""
    found: dict[hearing.Key, facts.NeighbourFact] = {}
    managed_at = _addresses(remote)
    for index, cells in snmp_cells.rows(remote):
        fact = _neighbour(index, cells, ports, managed_at)
        if fact is not None:
            found[hearing.key(fact)] = fact
    return found.values()


def _addresses(remote: snmp.Columns) -> Mapping[snmp.Oid, Sequence[str]]:
    """Where each row's neighbour is managed, by (lldpRemLocalPortNum, lldpRemIndex).

    Not by lldpRemTimeMark too: what it stands for may have moved between the two tables.
    """
    found: dict[snmp.Oid, list[str]] = {}
    for index in remote.index:
        if len(index) > _REMOTE_INDEX and (told := announced_addresses.of_index(index[3:])):
            several = found.setdefault(index[1:3], [])
            if len(several) < _MAX_ADDRESSES:
                several.append(told)
    return found


def _neighbour(
    index: snmp.Oid,
    cells: Mapping[str, snmp.Value],
    ports: Mapping[int, str],
    managed_at: Mapping[snmp.Oid, Sequence[str]],
) -> facts.NeighbourFact | None:
    """One row of lldpRemTable; None when its port or its chassis cannot be told."""
    # index: lldpRemTimeMark, lldpRemLocalPortNum, lldpRemIndex
    port = ports.get(index[1]) if len(index) == _REMOTE_INDEX else None
    identity = (cells.get("lldpRemChassisIdSubtype"), cells.get("lldpRemChassisId"))
    chassis = neighbour_ids.chassis(*identity)
    subtype = cells.get("lldpRemPortIdSubtype")
    if port is None or chassis is None or not isinstance(subtype, int) or subtype not in _OCTET:
        return None
    return facts.NeighbourFact(
        port=port,
        chassis=chassis,
        port_subtype=subtype,
        port_id=neighbour_ids.port(subtype, cells.get("lldpRemPortId")),
        port_description=hostile_text.printable(cells.get("lldpRemPortDesc"), hostile_text.NAME),
        system_name=hostile_text.printable(cells.get("lldpRemSysName"), hostile_text.NAME),
        address=announced_addresses.best(managed_at.get(index[1:], ())),
        description=hostile_text.printable(cells.get("lldpRemSysDesc"), hostile_text.DESCRIPTION),
        capabilities=capability_words.of_lldp(cells.get("lldpRemSysCapEnabled")),
    )


def announced(local: snmp.Columns | None) -> Mapping[int, tuple[int, str, str]]:
    """(subtype, port id, description) of every port as it announces itself, by lldpLocPortNum."""
    found: dict[int, tuple[int, str, str]] = {}
    for index, cells in snmp_cells.rows(local) if local is not None else ():
        subtype = cells.get("lldpLocPortIdSubtype")
        if index and isinstance(subtype, int):
            told = neighbour_ids.port(subtype, cells.get("lldpLocPortId"))
            description = cells.get("lldpLocPortDesc")
            text = hostile_text.printable(description, hostile_text.NAME)
            found[index[-1]] = (subtype, told, text)
    return found


def local_ports(
    local: Mapping[int, tuple[int, str, str]], ports: Sequence[port_words.Port]
) -> Mapping[int, str]:
    """Port name by lldpLocPortNum: by what the port says of itself.

    Agents that tell nothing of a number use ifIndex for it. Where they do tell, the number is none:
    1 may be Gi0/1 in LLDP and Vlan1 by ifIndex.
    """
    book = port_words.PortBook(ports)
    numbers = {port.index: port.name for port in ports if port.index is not None}
    told = {number: book.find(*words) for number, words in local.items()}
    guessed = {number: name for number, name in numbers.items() if number not in local}
    return guessed | {number: found.port for number, found in told.items() if found is not None}
