"""Decides whose word counts where a device was asked in several ways. Pure; here and nowhere else.

The first of the parts is trusted most: what a host's own command says of its addresses, then SNMP,
then the device's YANG modules. SNMP comes before the modules because its tables carry ifIndex and the
times of change by which ports and polls are told; the modules tell the tables of which SNMP has no row.
Two sources are never mixed within a table: what one of them drops for a while would look gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from inventory.facts import facts

_TABLES: Final = {
    "interfaces": facts.PORTS,
    "addresses": facts.ADDRESSES,
    "neighbours": facts.NEIGHBOURS,
    "labels": facts.LABELS,
    "components": facts.PARTS,
    "serials": facts.PARTS,
}
"""Fields by what they are cut short as."""
_NOT_LEARNED: Final = frozenset({"device", "complete", "cut"})


def merged(parts: Sequence[facts.DeviceFacts]) -> facts.DeviceFacts | None:
    """One value of several, the most trusted first; None of none."""
    if not parts:
        return None
    told = parts[0]
    for part in parts[1:]:
        told = _filled(told, part)
    return told


def _filled(told: facts.DeviceFacts, other: facts.DeviceFacts) -> facts.DeviceFacts:
    names = [f.name for f in dataclasses.fields(told) if f.name not in _NOT_LEARNED]
    taken = {name: getattr(other, name) for name in names if _lacks(told, name)}
    taken = {name: value for name, value in taken.items() if value is not None}
    if told.interfaces and "components" in taken:
        taken["interfaces"] = _placed(told.interfaces, other.interfaces or ())
    # What was cut of a table that another told in full is no loss.
    spared = {_TABLES[name] for name in _TABLES if name not in taken} - {
        _TABLES[name] for name in taken if name in _TABLES
    }
    cut = tuple(part for part in other.cut if part not in spared)
    whole = other.complete or bool(other.cut and not cut)
    return dataclasses.replace(
        told,
        **taken,
        complete=told.complete and whole,
        cut=tuple(dict.fromkeys((*told.cut, *cut))),
    )


def _lacks(told: facts.DeviceFacts, name: str) -> bool:
    """Nothing was learned, or no row of a table; half a table is not completed by another's half."""
    value = getattr(told, name)
    if value is None:
        return _TABLES.get(name) not in told.cut
    return name in _TABLES and not value and _TABLES[name] not in told.cut


def _placed(
    ports: Sequence[facts.InterfaceFact], others: Sequence[facts.InterfaceFact]
) -> tuple[facts.InterfaceFact, ...]:
    """The ports with the places that go with another source's parts."""
    places = {port.name: port.place for port in others}
    return tuple(
        dataclasses.replace(port, place=port.place or places.get(port.name)) for port in ports
    )
