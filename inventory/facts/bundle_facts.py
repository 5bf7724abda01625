"""Decides which ports are members of which link aggregation group, as a device says. Pure.

IEEE8023-LAG-MIB's dot3adAggPortAttachedAggID where it is filled; else the layers of IF-MIB's
ifStackTable (RFC 2863) under a port whose ifType says that it is an aggregate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inventory.facts import facts, snmp_cells
from oss_agent.spi import snmp

TYPES: Final = snmp.PollPlan(columns={"ifType": (1, 3, 6, 1, 2, 1, 2, 2, 1, 3)})
ATTACHED: Final = snmp.PollPlan(
    columns={"dot3adAggPortAttachedAggID": (1, 2, 840, 10006, 300, 43, 1, 2, 1, 1, 13)}
)
LAYERS: Final = snmp.PollPlan(columns={"ifStackStatus": (1, 3, 6, 1, 2, 1, 31, 1, 2, 1, 3)})
"""By (higher, lower) ifIndex."""
_AGGREGATE: Final = 161
"""ieee8023adLag of IANAifType-MIB."""
_LAYER: Final = 2


def bundles(
    interfaces: Sequence[facts.InterfaceFact],
    types: snmp.Columns | None,
    attached: snmp.Columns | None,
    layers: snmp.Columns | None,
) -> Mapping[str, str]:
    """The bundle of each member port, by name; a port that is its own bundle is in none."""
    names = {fact.index: fact.name for fact in interfaces if fact.index is not None}
    pairs = {**_layered(types, layers), **_attached(attached)}
    return {
        names[member]: names[bundle]
        for member, bundle in pairs.items()
        if member != bundle and member in names and bundle in names
    }


def _attached(table: snmp.Columns | None) -> Mapping[int, int]:
    cells = _cells(table, "dot3adAggPortAttachedAggID")
    return {index[0]: value for index, value in cells.items() if len(index) == 1 and value}


def _layered(types: snmp.Columns | None, layers: snmp.Columns | None) -> Mapping[int, int]:
    aggregates = {
        index[0] for index, value in _cells(types, "ifType").items() if value == _AGGREGATE
    }
    found = [index for index in _cells(layers, "ifStackStatus") if len(index) == _LAYER]
    return {lower: higher for higher, lower in found if higher in aggregates and lower}


def _cells(table: snmp.Columns | None, name: str) -> Mapping[snmp.Oid, int]:
    rows = snmp_cells.rows(table) if table is not None else ()
    return {
        index: value for index, cells in rows if index and isinstance(value := cells.get(name), int)
    }
