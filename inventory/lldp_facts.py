"""Decides who a device's LLDP agent says it is, and whom it hears on which port. Pure.

LLDP-MIB of IEEE 802.1AB-2005. Neighbours stay unresolved here: ``topology`` says who they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inventory import facts, hostile_text, snmp_cells
from oss_agent.spi import snmp

_LLDP: Final = (1, 0, 8802, 1, 1, 2, 1)

CHASSIS: Final = {
    "lldpLocChassisIdSubtype": (*_LLDP, 3, 1, 0),
    "lldpLocChassisId": (*_LLDP, 3, 2, 0),
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
    }
)


_MAC_SUBTYPES: Final = frozenset({3})
"""LldpPortIdSubtype macAddress."""
_CHASSIS_MAC: Final = 4
"""LldpChassisIdSubtype macAddress."""
_MAX_NEIGHBOURS: Final = 4096
_REMOTE_INDEX: Final = 3


def own_chassis(scalars: Mapping[str, snmp.Value]) -> str | None:
    """The chassis identity as ``<subtype>:<hex>``; None when no LLDP agent answers."""
    return _identity(scalars.get("lldpLocChassisIdSubtype"), scalars.get("lldpLocChassisId"))


def chassis_text(chassis: str) -> str:
    """The identity as people write it: a MAC address with colons, else its text."""
    subtype, _, digits = chassis.partition(":")
    raw = bytes.fromhex(digits)
    if subtype == str(_CHASSIS_MAC):
        return snmp_cells.mac(raw) or digits
    return hostile_text.printable(raw, hostile_text.NAME) or digits


def neighbours(remote: snmp.Columns, ports: Mapping[int, str]) -> tuple[facts.NeighbourFact, ...]:
    """Who is heard; ``ports`` as ``local_ports`` gives them. Bounded."""
    found: dict[tuple[str, str, str], facts.NeighbourFact] = {}
    for index, cells in snmp_cells.rows(remote):
        fact = _neighbour(index, cells, ports)
        if fact is not None and len(found) < _MAX_NEIGHBOURS:
            found[fact.port, fact.chassis, fact.port_id] = fact
    return tuple(found.values())


def _identity(subtype: snmp.Value, identity: snmp.Value) -> str | None:
    if not isinstance(subtype, int) or not isinstance(identity, bytes) or not identity:
        return None
    return f"{subtype}:{identity[: hostile_text.DESCRIPTION].hex()}"


def _neighbour(
    index: snmp.Oid, cells: Mapping[str, snmp.Value], ports: Mapping[int, str]
) -> facts.NeighbourFact | None:
    """One row of lldpRemTable; None when its port or its chassis cannot be told."""
    # index: lldpRemTimeMark, lldpRemLocalPortNum, lldpRemIndex
    port = ports.get(index[1]) if len(index) == _REMOTE_INDEX else None
    chassis = _identity(cells.get("lldpRemChassisIdSubtype"), cells.get("lldpRemChassisId"))
    subtype = cells.get("lldpRemPortIdSubtype")
    if port is None or chassis is None or not isinstance(subtype, int):
        return None
    return facts.NeighbourFact(
        port=port,
        chassis=chassis,
        port_subtype=subtype,
        port_id=_port_id(subtype, cells.get("lldpRemPortId")),
        port_description=hostile_text.printable(cells.get("lldpRemPortDesc"), hostile_text.NAME),
        system_name=hostile_text.printable(cells.get("lldpRemSysName"), hostile_text.NAME),
    )


def _port_id(subtype: int, value: snmp.Value) -> str:
    if subtype in _MAC_SUBTYPES:
        return snmp_cells.mac(value) or ""
    return hostile_text.printable(value, hostile_text.NAME)


def local_ports(
    local: snmp.Columns | None, interfaces: Sequence[facts.InterfaceFact]
) -> Mapping[int, str]:
    """Port name by lldpLocPortNum: from the port's own id; agents that do not tell use ifIndex."""
    names = {fact.name for fact in interfaces}
    macs = {fact.mac: fact.name for fact in interfaces if fact.mac is not None}
    ports = {fact.index: fact.name for fact in interfaces if fact.index is not None}
    for index, cells in snmp_cells.rows(local) if local is not None else ():
        subtype = cells.get("lldpLocPortIdSubtype")
        if not index or not isinstance(subtype, int):
            continue
        told = _port_id(subtype, cells.get("lldpLocPortId"))
        description = hostile_text.printable(cells.get("lldpLocPortDesc"), hostile_text.NAME)
        name = next((word for word in (told, description) if word in names), macs.get(told))
        if name is not None:
            ports[index[-1]] = name
    return ports
