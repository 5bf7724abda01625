"""Decides what a device's ENTITY-MIB (RFC 6933) says it is built of, and where its ports sit. Pure.

Each part is known by its place, the way down from its chassis (``chassis-1.container-2.module-1``):
entPhysicalIndex may be another after a restart. What the agent says is hostile: containment may turn
in circles or lead nowhere, places may be taken twice. A part whose way is broken begins one of its own.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

from inventory.facts import chassis_identity, facts, snmp_cells
from inventory.words import hostile_text
from oss_agent.spi import snmp

_PHYSICAL: Final = (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1)
_IF_INDEX: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1, 1)

PHYSICAL: Final = snmp.PollPlan(
    columns={
        "entPhysicalDescr": (*_PHYSICAL, 2),
        "entPhysicalContainedIn": (*_PHYSICAL, 4),
        "entPhysicalClass": (*_PHYSICAL, 5),
        "entPhysicalParentRelPos": (*_PHYSICAL, 6),
        "entPhysicalName": (*_PHYSICAL, 7),
        "entPhysicalHardwareRev": (*_PHYSICAL, 8),
        "entPhysicalFirmwareRev": (*_PHYSICAL, 9),
        "entPhysicalSoftwareRev": (*_PHYSICAL, 10),
        "entPhysicalSerialNum": (*_PHYSICAL, 11),
        "entPhysicalMfgName": (*_PHYSICAL, 12),
        "entPhysicalModelName": (*_PHYSICAL, 13),
        "entPhysicalIsFRU": (*_PHYSICAL, 16),
    },
    deadline=snmp_cells.WHOLE_TABLE,
)
ALIASES: Final = snmp.PollPlan(
    columns={"entAliasMappingIdentifier": (1, 3, 6, 1, 2, 1, 47, 1, 3, 2, 1, 2)}
)
CHASSIS: Final = "chassis"
PORT: Final = "port"
SENSOR: Final = "sensor"
_KINDS: Final = {
    1: "other",
    2: "unknown",
    3: CHASSIS,
    4: "backplane",
    5: "container",
    6: "powerSupply",
    7: "fan",
    8: SENSOR,
    9: "module",
    10: PORT,
    11: "stack",
    12: "cpu",
    13: "energyObject",
    14: "battery",
    15: "storageDrive",
}
"""IANAPhysicalClass."""
_OPTICS: Final = re.compile(
    r"\b(q?sfp(28|56|\+|-dd)?|osfp|xfp|cfp[248]?|x2|xenpak|gbic|transceiver|optics?)\b",
    re.IGNORECASE,
)
TRANSCEIVER: Final = "transceiver"
_DEEPEST: Final = 16
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")
_SEGMENT: Final = 32
_TRUE: Final = 1
_ALIAS_INDEX: Final = 2
_MOST_CHASSIS: Final = 64
"""Serial numbers kept of one device: no stack has as many boxes, and each stands in a case's text."""
_POSITIONS: Final = range(2**31)
"""entPhysicalParentRelPos: -1 is none."""


def read(
    seen: facts.DeviceFacts, physical: snmp.Columns | None, aliases: snmp.Columns | None
) -> facts.DeviceFacts:
    """``seen`` with its parts, and its ports with their places.

    An agent without ENTITY-MIB (most hosts) leaves everything as it was: nothing is known of parts.
    """
    if physical is None or not physical.index:
        return seen
    rows = _rows(physical)
    places = _places(rows)
    ports = _ports(rows, aliases, seen.interfaces or ())
    by_port = {ports[index]: places[index] for index in rows if index in ports}
    interfaces = None
    if seen.interfaces is not None:
        interfaces = tuple(
            dataclasses.replace(port, place=by_port.get(port.name, port.place))
            for port in seen.interfaces
        )
    parts = tuple(_part(row, places, ports.get(index)) for index, row in rows.items())
    partial = physical.partial or (aliases is not None and aliases.partial)
    return dataclasses.replace(
        seen,
        interfaces=interfaces,
        components=parts,
        serials=_serials(parts),
        complete=seen.complete and not partial,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """One entPhysicalEntry; ``parent`` is 0 at the top, or when what contains it is not there."""

    index: int
    kind: str
    parent: int
    position: int | None
    cells: Mapping[str, snmp.Value]

    def text(self, column: str, limit: int = hostile_text.NAME) -> str:
        """A text cell, printable and bounded."""
        return hostile_text.printable(self.cells.get(f"entPhysical{column}"), limit)


def _rows(physical: snmp.Columns) -> dict[int, _Row]:
    cells = {index[0]: row for index, row in snmp_cells.rows(physical) if len(index) == 1}
    return {index: _row(index, row, cells.keys()) for index, row in cells.items()}


def _row(index: int, cells: Mapping[str, snmp.Value], known: Container[int]) -> _Row:
    parent, position = cells.get("entPhysicalContainedIn"), cells.get("entPhysicalParentRelPos")
    kind = cells.get("entPhysicalClass")
    return _Row(
        index=index,
        kind=_KINDS.get(kind, "unknown") if isinstance(kind, int) else "unknown",
        parent=parent if isinstance(parent, int) and parent in known and parent != index else 0,
        position=position if isinstance(position, int) and position in _POSITIONS else None,
        cells=cells,
    )


def _places(rows: Mapping[int, _Row]) -> dict[int, str]:
    """Each row's place, no place twice."""
    parents = {index: _parent(rows, index) for index in rows}
    segments = _segments(rows, parents)
    places: dict[int, str] = {}
    for index in rows:
        way, at = [segments[index]], parents[index]
        while at:
            way.append(segments[at])
            at = parents[at]
        places[index] = ".".join(reversed(way))
    return places


def _parent(rows: Mapping[int, _Row], index: int) -> int:
    """What contains a row, 0 when the way up from it never ends or is deeper than a box can be."""
    at = index
    for _ in range(_DEEPEST):
        at = rows[at].parent
        if not at:
            return rows[index].parent
    return 0


def _segments(rows: Mapping[int, _Row], parents: Mapping[int, int]) -> dict[int, str]:
    """What tells a row from its siblings: kind and position, else its name, else its index."""
    families: defaultdict[int, list[_Row]] = defaultdict(list)
    for index, row in rows.items():
        families[parents[index]].append(row)
    return {row.index: word for family in families.values() for row, word in _told_apart(family)}


def _told_apart(family: Sequence[_Row]) -> Iterator[tuple[_Row, str]]:
    count = Counter(word for row in family for word in _words(row))
    for row in family:
        alone = (word for word in _words(row) if count[word] == 1)
        yield row, next(alone, f"{row.kind}@{row.index}")


def _words(row: _Row) -> tuple[str, ...]:
    """In these forms no word of one kind is one of another; the name last: it may be the host's."""
    here = row.kind if row.position is None else f"{row.kind}-{row.position}"
    name = _UNFIT.sub("_", row.text("Name"))[:_SEGMENT]
    return (here, f"{row.kind}={name}", f"{here}={name}") if name else (here,)


def _ports(
    rows: Mapping[int, _Row],
    aliases: snmp.Columns | None,
    interfaces: Sequence[facts.InterfaceFact],
) -> dict[int, str]:
    """The interface that each port part is: as the agent maps it, else by the same name.

    A mapping of several parts to one interface, or of one part to several, says nothing.
    """
    names = {port.index: port.name for port in interfaces if port.index is not None}
    mapped = {(part, names[i]) for part, i in _mapped(aliases) if part in rows and i in names}
    if not mapped:
        mapped = _alike(rows, interfaces)
    parts = Counter(part for part, _ in mapped)
    ports = Counter(name for _, name in mapped)
    return {part: name for part, name in mapped if parts[part] == ports[name] == 1}


def _mapped(aliases: snmp.Columns | None) -> Iterator[tuple[int, int]]:
    """(entPhysicalIndex, ifIndex) of the mappings that every logical entity shares."""
    for index, cells in snmp_cells.rows(aliases) if aliases is not None else ():
        target = cells.get("entAliasMappingIdentifier")
        if len(index) == _ALIAS_INDEX and isinstance(target, tuple) and target[:-1] == _IF_INDEX:
            yield index[0], target[-1]


def _alike(
    rows: Mapping[int, _Row], interfaces: Sequence[facts.InterfaceFact]
) -> set[tuple[int, str]]:
    called = {port.descr: port.name for port in interfaces if port.descr}
    called |= {port.name: port.name for port in interfaces}
    return {
        (index, called[row.text("Name")])
        for index, row in rows.items()
        if row.kind == PORT and row.text("Name") in called
    }


def _part(row: _Row, places: Mapping[int, str], interface: str | None) -> facts.ComponentFact:
    place = places[row.index]
    name = row.text("Name")
    if row.kind == SENSOR:  # there are thousands, and what they measure is assurance's
        return facts.ComponentFact(place, SENSOR, name, parent=_above(place))
    fru = row.cells.get("entPhysicalIsFRU")
    return facts.ComponentFact(
        place=place,
        kind=_kind(row),
        name=name,
        parent=_above(place),
        description=row.text("Descr", hostile_text.DESCRIPTION),
        maker=row.text("MfgName"),
        model=row.text("ModelName"),
        serial=chassis_identity.serial(row.text("SerialNum")),
        hardware=row.text("HardwareRev"),
        firmware=row.text("FirmwareRev"),
        software=row.text("SoftwareRev"),
        replaceable=fru == _TRUE if isinstance(fru, int) else None,
        interface=interface,
    )


def _kind(row: _Row) -> str:
    """Most agents call an optic a module; what it is stands in its model or description."""
    words = f"{row.text('ModelName')} {row.text('Descr')}"
    return TRANSCEIVER if row.kind == "module" and _OPTICS.search(words) else row.kind


def _above(place: str) -> str | None:
    return place.rpartition(".")[0] or None


def _serials(parts: Sequence[facts.ComponentFact]) -> tuple[str, ...] | None:
    """Those of its chassis; None when none has one, which says nothing."""
    found = {part.serial for part in parts if part.kind == CHASSIS and part.serial}
    return tuple(sorted(found)[:_MOST_CHASSIS]) or None
