"""Decides what a device's YANG modules say about it, from rows that a session read. Pure.

ietf-interfaces (RFC 8343), ietf-ip (RFC 8344), ietf-hardware (RFC 8348), LLDP by IEEE or OpenConfig: which
leaf is which column stands in the platform's readings. Rows are hostile: JSON of any shape, cells of
any text.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from inventory.facts import announced_addresses, entity_facts, facts, hearing, naming, neighbour_ids
from inventory.words import grammar, hostile_text
from oss_agent.spi import snmp
from oss_agent.spi.proof import Observation

SYSTEM: Final = "device-system"
PORTS: Final = "device-ports"
ADDRESSES: Final = "device-addresses"
PARTS: Final = "device-parts"
NEIGHBOURS: Final = "device-neighbours"
KINDS: Final = (SYSTEM, PORTS, ADDRESSES, PARTS, NEIGHBOURS)
"""Questions of observe.yaml; each answers with JSON text of rows, and whether it was cut."""
_PARTS_OF: Final = {
    PORTS: facts.PORTS,
    ADDRESSES: facts.ADDRESSES,
    PARTS: facts.PARTS,
    NEIGHBOURS: facts.NEIGHBOURS,
}
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_Row: TypeAlias = Mapping[str, str]
_MOST: Final = 65_536
_MOST_TEXT: Final = 64 * 1024 * 1024
_ADMIN: Final = frozenset({"up", "down", "testing"})
_OPER: Final = {
    "up": "up",
    "down": "down",
    "testing": "testing",
    "unknown": "unknown",
    "dormant": "dormant",
    "not-present": "notPresent",
    "lower-layer-down": "lowerLayerDown",
}
_CLASSES: Final = {
    "unknown": 2,
    "chassis": 3,
    "backplane": 4,
    "container": 5,
    "power": 6,
    "fan": 7,
    "sensor": 8,
    "module": 9,
    "port": 10,
    "stack": 11,
    "cpu": 12,
    "energy-object": 13,
    "battery": 14,
    "storage-drive": 15,
}
"""iana-hardware's identities as IANAPhysicalClass, of which they are the copy."""
_CHASSIS: Final = dict(
    enumerate(
        ("component", "alias", "port", "mac", "address", "name", "local"),
        1,
    )
)
_PORT: Final = dict(
    enumerate(("alias", "component", "mac", "address", "name", "circuit", "local"), 1)
)
_WORDS: Final = {
    "chassis-component": "component",
    "interface-alias": "alias",
    "port-component": "component",
    "mac-address": "mac",
    "network-address": "address",
    "interface-name": "name",
    "agent-circuit-id": "circuit",
    "local": "local",
}
"""Subtypes as IEEE 802.1AB names them in YANG; OpenConfig writes MAC_ADDRESS."""
_FAMILY: Final = {4: b"\x01", 6: b"\x02"}
_INDEX: Final = range(1, 2**31)
_SPEEDS: Final = range(1, 2**63)


def read(device: str, told: Mapping[str, Observation]) -> facts.DeviceFacts:
    """What the answers by kind say; a kind without an answer, or without a row, is not learned.

    But that nobody is heard is: the last neighbour would else be there for ever. Who hears none for
    once forgets none (``hearing``).
    """
    rows = {kind: _rows(one) for kind, one in told.items()}
    ports = _ports(rows.get(PORTS, ())) or None
    neighbours, crowded = hearing.looked_at(_neighbours(rows.get(NEIGHBOURS, ())))
    cut = tuple(
        name
        for kind, name in _PARTS_OF.items()
        if _is_cut(told.get(kind)) or (crowded and kind == NEIGHBOURS)
    )
    seen = facts.DeviceFacts(
        device=device,
        description=_description(rows.get(SYSTEM, ())),
        interfaces=ports,
        addresses=tuple(dict.fromkeys(_addresses(rows.get(ADDRESSES, ())))) or None,
        neighbours=neighbours or _nobody(told.get(NEIGHBOURS)),
        complete=not cut,
        cut=cut,
    )
    if components := _components(rows.get(PARTS, ()), device):
        seen = entity_facts.read(seen, components, None)
    return seen


def announced(answer: Observation) -> tuple[str, ...]:
    """The URIs of a NETCONF hello; () where there is none."""
    return tuple(uri for uri in _listed(answer.values.get("announced")) if isinstance(uri, str))


def _rows(answer: Observation) -> tuple[_Row, ...]:
    """The rows of an answer, every cell a text; () for whatever is none."""
    return tuple(_texts(row) for row in _listed(answer.values.get("rows")) if isinstance(row, dict))


def _listed(said: object) -> list[Any]:
    """A list that came as JSON, bounded; [] for whatever is none."""
    if not isinstance(said, str) or len(said) > _MOST_TEXT:
        return []
    try:
        found: Any = json.loads(said)
    except (ValueError, RecursionError):
        return []
    return found[:_MOST] if isinstance(found, list) else []


def _texts(row: Mapping[Any, Any]) -> _Row:
    return {str(name): cell for name, cell in row.items() if isinstance(cell, str)}


def _nobody(answer: Observation | None) -> tuple[facts.NeighbourFact, ...] | None:
    """() of a server that has the module and told no row of it."""
    return () if answer is not None and answer.values.get("rows") == "[]" else None


def _is_cut(answer: Observation | None) -> bool:
    return answer is not None and answer.values.get("cut") is True


def _text(row: _Row, column: str, limit: int = hostile_text.NAME) -> str:
    return hostile_text.printable(row.get(column, "").encode("utf-8", "replace"), limit)


def _number(row: _Row, column: str, within: range) -> int | None:
    text = row.get(column, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004  (uint64)
    return number if number is not None and number in within else None


def _description(rows: Sequence[_Row]) -> str | None:
    """``Linux 6.1.0 #1 SMP x86_64``: as uname writes it, from which a system is detected."""
    words = ("os-name", "os-release", "os-version", "machine")
    told = " ".join(filter(None, (_text(rows[0], word) for word in words))) if rows else ""
    return told or None


def _ports(rows: Sequence[_Row]) -> tuple[facts.InterfaceFact, ...]:
    """Ports that have a state: what is only configured (RFC 8343 2.1) is not there."""
    there = [row for row in rows if row.get("oper-status") in _OPER]
    named = [naming.Row(_text(row, "name"), place) for place, row in enumerate(there, 1)]
    return tuple(
        facts.InterfaceFact(
            name=name,
            index=_number(row, "if-index", _INDEX),
            admin_status=_admin(row.get("admin-status", "")),
            oper_status=_OPER[row["oper-status"]],
            speed=_number(row, "speed", _SPEEDS),
            mac=neighbour_ids.mac_of_text(row.get("phys-address", "")),
            description=_text(row, "description", hostile_text.DESCRIPTION),
        )
        for name, row in zip(naming.stable_names(named), there, strict=True)
    )


def _admin(word: str) -> str:
    return word if word in _ADMIN else "unknown"


def _addresses(rows: Sequence[_Row]) -> Iterator[facts.AddressFact]:
    for row in rows:
        port, found = _text(row, "port"), grammar.address(row.get("ip", ""))
        if not port or found is None:
            continue
        address = ipaddress.ip_address(found)
        # These are on every device: kept, they would give every trap the same source.
        if address.is_loopback or address.is_link_local or address.is_unspecified:
            continue
        lengths = range(address.max_prefixlen + 1)
        yield facts.AddressFact(port, found, _number(row, "prefix-length", lengths))


def _neighbours(rows: Sequence[_Row]) -> Iterator[facts.NeighbourFact]:
    return (one for one in map(_neighbour, rows) if one is not None)


def _neighbour(row: _Row) -> facts.NeighbourFact | None:
    port = _text(row, "port")
    subtype = _subtype(row.get("port-id-type", ""), _PORT)
    kind = _subtype(row.get("chassis-id-type", ""), _CHASSIS)
    identity = _octets(row.get("chassis-id", ""), is_address=_CHASSIS.get(kind) == "address")
    chassis = neighbour_ids.chassis(kind, identity)
    if not port or chassis is None:
        return None
    said = _octets(row.get("port-id", ""), is_address=_PORT.get(subtype) == "address")
    return facts.NeighbourFact(
        port=port,
        chassis=chassis,
        port_subtype=subtype,
        port_id=neighbour_ids.port(subtype, said),
        port_description=_text(row, "port-description"),
        system_name=_text(row, "system-name"),
        address=announced_addresses.of_text(row.get("address", "")),
        description=_text(row, "system-description", hostile_text.DESCRIPTION),
    )


def _subtype(word: str, known: Mapping[int, str]) -> int:
    """The number of a subtype's name; what is not known is local, which proves least."""
    bare = word.rpartition(":")[2].lower().replace("_", "-")
    # A chassis may be told by a component of a port (3), which no port is.
    meant = "port" if bare == "port-component" and "port" in known.values() else _WORDS.get(bare)
    return next((number for number, name in known.items() if name == meant), max(known))


def _octets(text: str, *, is_address: bool) -> bytes:
    """As LLDP's TLV has it: an address with its family's number before it."""
    known = grammar.address(text) if is_address else None
    if known is None:
        return text.encode("utf-8", "replace")
    address = ipaddress.ip_address(known)
    return _FAMILY[address.version] + address.packed


def _components(rows: Sequence[_Row], device: str) -> snmp.Columns | None:
    """As ENTITY-MIB's table, whose twin ietf-hardware is (RFC 8348 3.2): places are then the same.

    A component is told by its name; of two with one name the first counts.
    """
    named: dict[str, _Row] = {}
    for row in rows:
        if name := row.get("name", ""):
            named.setdefault(name, row)
    if not named:
        return None
    numbers = {name: number for number, name in enumerate(named, 1)}
    cells = [_cells(row, numbers) for row in named.values()]
    columns = {
        column: [one.get(column) for one in cells] for column in entity_facts.PHYSICAL.columns
    }
    index = [(number,) for number in numbers.values()]
    return snmp.Columns(device, _NEVER, 0.0, 0, index, columns)


def _cells(row: _Row, numbers: Mapping[str, int]) -> Mapping[str, snmp.Value]:
    kind = row.get("class", "").rpartition(":")[2]
    texts = {
        "entPhysicalDescr": "description",
        "entPhysicalName": "name",
        "entPhysicalHardwareRev": "hardware-rev",
        "entPhysicalFirmwareRev": "firmware-rev",
        "entPhysicalSoftwareRev": "software-rev",
        "entPhysicalSerialNum": "serial-num",
        "entPhysicalMfgName": "mfg-name",
        "entPhysicalModelName": "model-name",
    }
    cells: dict[str, snmp.Value] = {
        cell: row.get(column, "").encode("utf-8", "replace") for cell, column in texts.items()
    }
    cells["entPhysicalContainedIn"] = numbers.get(row.get("parent", ""), 0)
    cells["entPhysicalClass"] = _CLASSES.get(kind, 1)
    cells["entPhysicalParentRelPos"] = _number(row, "parent-rel-pos", range(2**31))
    if "is-fru" in row:
        cells["entPhysicalIsFRU"] = 1 if row["is-fru"] == "true" else 2
    return cells
