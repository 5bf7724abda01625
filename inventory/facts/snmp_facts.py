"""Decides what an agent's answers say about a device, its ports and its addresses. Pure.

MIBs: SNMPv2-MIB (RFC 3418), IF-MIB (RFC 2863), IP-MIB's ipAddrTable (RFC 1213), BGP4-MIB
(RFC 4273), OSPF-MIB (RFC 4750), SNMP-FRAMEWORK-MIB (RFC 3411); LLDP is in ``lldp_facts``. Everything an agent says is hostile: a
cell of the wrong type is a missing cell.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from inventory.facts import (
    bundle_facts,
    cdp_facts,
    facts,
    hearing,
    lldp_facts,
    naming,
    port_labels,
    snmp_cells,
)
from inventory.words import hostile_text
from oss_agent.spi import snmp

_IF: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IFX: Final = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_IP_AD: Final = (1, 3, 6, 1, 2, 1, 4, 20, 1)

SYSTEM: Final = snmp.PollPlan(
    columns={
        "ifDescr": (*_IF, 2),
        "ifSpeed": (*_IF, 5),
        "ifPhysAddress": (*_IF, 6),
        "ifAdminStatus": (*_IF, 7),
        "ifOperStatus": (*_IF, 8),
        "ifName": (*_IFX, 1),
        "ifHighSpeed": (*_IFX, 15),
        "ifAlias": (*_IFX, 18),
    },
    scalars={
        "sysDescr": (1, 3, 6, 1, 2, 1, 1, 1, 0),
        "sysName": (1, 3, 6, 1, 2, 1, 1, 5, 0),
        "bgpIdentifier": (1, 3, 6, 1, 2, 1, 15, 4, 0),
        "ospfRouterId": (1, 3, 6, 1, 2, 1, 14, 1, 1, 0),
        "snmpEngineID": (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0),
        **lldp_facts.CHASSIS,
    },
    deadline=snmp_cells.WHOLE_TABLE,
)
"""The system group and the ports; the other tables have rows of their own, so plans of their own."""

ADDRESSES: Final = snmp.PollPlan(
    columns={"ipAdEntIfIndex": (*_IP_AD, 2), "ipAdEntNetMask": (*_IP_AD, 3)}
)
_ADMIN: Final = {1: "up", 2: "down", 3: "testing"}
_OPER: Final = {
    1: "up",
    2: "down",
    3: "testing",
    4: "unknown",
    5: "dormant",
    6: "notPresent",
    7: "lowerLayerDown",
}
_SPEED_SATURATED: Final = 2**32 - 1
"""ifSpeed of anything faster than it can say (RFC 2863)."""
_MEGABIT: Final = 1_000_000
_IPV4_BYTES: Final = 4
_OCTET: Final = range(256)
_INDEX: Final = range(1, 2**31)
"""InterfaceIndex (RFC 2863)."""
_ENGINE_ID: Final = range(5, 33)
_NO_ENGINE: Final = ({0}, {255})


@dataclass(frozen=True, slots=True)
class Answers:
    """The polls of one device. A poll that was not made or not answered is None."""

    system: snmp.Columns
    addresses: snmp.Columns | None = None
    lldp_local: snmp.Columns | None = None
    lldp_remote: snmp.Columns | None = None
    cdp: snmp.Columns | None = None
    types: snmp.Columns | None = None
    attached: snmp.Columns | None = None
    layers: snmp.Columns | None = None


def read(device: str, answers: Answers) -> facts.DeviceFacts:
    """Everything one device's answers say."""
    scalars = answers.system.scalars
    interfaces = _interfaces(answers.system)
    bundles = bundle_facts.bundles(interfaces, answers.types, answers.attached, answers.layers)
    labels = port_labels.read(interfaces, answers.lldp_local, bundles)
    of_labels = (answers.lldp_local, answers.types, answers.attached, answers.layers)
    cut = any(poll is not None and poll.partial for poll in of_labels)
    neighbours, crowded = _neighbours(answers, interfaces, labels)
    return facts.DeviceFacts(
        device=device,
        chassis=lldp_facts.own_chassis(scalars),
        description=hostile_text.printable(scalars.get("sysDescr"), hostile_text.DESCRIPTION),
        system_name=hostile_text.printable(scalars.get("sysName"), hostile_text.NAME),
        router_id=_router_id(scalars),
        engine_id=_engine_id(scalars.get("snmpEngineID")),
        uptime=answers.system.uptime,
        uptime_at=answers.system.at,
        interfaces=interfaces,
        addresses=_addresses(answers.addresses, interfaces),
        neighbours=neighbours,
        # A table that was cut short would take ports out of their bundles.
        labels=None if cut else labels,
        called=_called(answers),
        complete=not _partial(answers) and not crowded,
        cut=(facts.NEIGHBOURS,) if crowded else (),
    )


def _partial(answers: Answers) -> bool:
    polls = (getattr(answers, one.name) for one in dataclasses.fields(answers))
    return any(poll is not None and poll.partial for poll in polls)


def _interfaces(system: snmp.Columns) -> tuple[facts.InterfaceFact, ...]:
    rows = [(i[0], cells) for i, cells in snmp_cells.rows(system) if len(i) == 1 and i[0] in _INDEX]
    names = naming.stable_names([_naming(index, cells) for index, cells in rows])
    return tuple(
        facts.InterfaceFact(
            name=name,
            index=index,
            admin_status=_states(cells)[0],
            oper_status=_states(cells)[1],
            speed=_speed(cells),
            mac=snmp_cells.mac(cells.get("ifPhysAddress")),
            description=hostile_text.printable(cells.get("ifAlias"), hostile_text.DESCRIPTION),
            descr=hostile_text.printable(cells.get("ifDescr"), hostile_text.DESCRIPTION),
        )
        for name, (index, cells) in zip(names, rows, strict=True)
    )


def _naming(index: int, cells: Mapping[str, snmp.Value]) -> naming.Row:
    mac = snmp_cells.mac(cells.get("ifPhysAddress"))
    return naming.Row(_name(cells), index, mac, naming.switched_off(*_states(cells)))


def _states(cells: Mapping[str, snmp.Value]) -> tuple[str, str]:
    """Administrative and operational."""
    return _word(_ADMIN, cells.get("ifAdminStatus")), _word(_OPER, cells.get("ifOperStatus"))


def _name(cells: Mapping[str, snmp.Value]) -> str:
    name = hostile_text.printable(cells.get("ifName"), hostile_text.NAME)
    return name or hostile_text.printable(cells.get("ifDescr"), hostile_text.NAME)


def _word(words: Mapping[int, str], value: snmp.Value) -> str:
    return words.get(value, "unknown") if isinstance(value, int) else "unknown"


def _speed(cells: Mapping[str, snmp.Value]) -> int | None:
    high, low = cells.get("ifHighSpeed"), cells.get("ifSpeed")
    if isinstance(high, int) and 0 < high <= _SPEED_SATURATED:
        return high * _MEGABIT
    return low if isinstance(low, int) and 0 < low < _SPEED_SATURATED else None


def _engine_id(value: snmp.Value) -> str | None:
    """SnmpEngineID is 5 to 32 octets, not all of them 0 or 255 (RFC 3411 5)."""
    if not isinstance(value, bytes) or len(value) not in _ENGINE_ID or set(value) in _NO_ENGINE:
        return None
    return value.hex()


def _router_id(scalars: Mapping[str, snmp.Value]) -> str | None:
    candidates = (_ipv4(scalars.get(name)) for name in ("bgpIdentifier", "ospfRouterId"))
    return next((str(a) for a in candidates if a is not None and not a.is_unspecified), None)


def _ipv4(value: snmp.Value) -> ipaddress.IPv4Address | None:
    if isinstance(value, bytes) and len(value) == _IPV4_BYTES:
        return ipaddress.IPv4Address(value)
    return None


def _addresses(
    columns: snmp.Columns | None, interfaces: Sequence[facts.InterfaceFact]
) -> tuple[facts.AddressFact, ...] | None:
    if columns is None:
        return None
    names = {fact.index: fact.name for fact in interfaces}
    found = (_address(index, cells, names) for index, cells in snmp_cells.rows(columns))
    return tuple(dict.fromkeys(fact for fact in found if fact is not None))


def _address(
    index: snmp.Oid, cells: Mapping[str, snmp.Value], names: Mapping[int | None, str]
) -> facts.AddressFact | None:
    ifindex = cells.get("ipAdEntIfIndex")
    if len(index) != _IPV4_BYTES or not all(arc in _OCTET for arc in index):
        return None
    address = ipaddress.IPv4Address(bytes(index))
    name = names.get(ifindex) if isinstance(ifindex, int) else None
    # 127/8 is on every device: kept, it would give every trap the same source.
    if name is None or address.is_loopback or address.is_unspecified:
        return None
    return facts.AddressFact(name, str(address), _prefix(cells.get("ipAdEntNetMask")))


def _prefix(mask: snmp.Value) -> int | None:
    if not isinstance(mask, bytes) or len(mask) != _IPV4_BYTES:
        return None
    bits = f"{int.from_bytes(mask):032b}"
    return bits.count("1") if "01" not in bits else None


def _neighbours(
    answers: Answers,
    interfaces: Sequence[facts.InterfaceFact],
    labels: Sequence[facts.LabelFact],
) -> tuple[tuple[facts.NeighbourFact, ...] | None, bool]:
    """Who is heard by LLDP and by CDP, and whether it was cut short; None when the device speaks neither.

    An agent without LLDP (it attaches late after a restart) must not read as "nobody there".
    """
    speaks_lldp = lldp_facts.own_chassis(answers.system.scalars) is not None
    by_lldp = _lldp(answers, interfaces, labels) if speaks_lldp else None
    by_cdp = cdp_facts.neighbours(answers.cdp, interfaces) if _speaks_cdp(answers.cdp) else None
    if by_lldp is None and by_cdp is None:
        return None, False
    # Where both tell of one neighbour by the same ids LLDP's word counts: it has the name beside.
    return hearing.looked_at(itertools.chain(by_lldp or (), by_cdp or ()))


def _lldp(
    answers: Answers,
    interfaces: Sequence[facts.InterfaceFact],
    labels: Sequence[facts.LabelFact],
) -> Iterable[facts.NeighbourFact] | None:
    if answers.lldp_remote is None:
        return None
    told = lldp_facts.announced(answers.lldp_local)
    ports = lldp_facts.local_ports(told, port_labels.ports(interfaces, labels))
    return lldp_facts.neighbours(answers.lldp_remote, ports)


def _speaks_cdp(cdp: snmp.Columns | None) -> TypeGuard[snmp.Columns]:
    return cdp is not None and (cdp_facts.own_id(cdp.scalars) != "" or bool(cdp.index))


def _called(answers: Answers) -> tuple[str, ...]:
    in_cdp = cdp_facts.own_id(answers.cdp.scalars) if answers.cdp is not None else ""
    words = (lldp_facts.own_name(answers.system.scalars), in_cdp)
    return tuple(sorted({word for word in words if word}))
