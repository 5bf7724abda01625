"""Decides how parts and what is around them are related (TMF639): contains, isContainedIn.

An optic in a port is contained in the port, a port in its card, a card in its slot, what has nothing
above it in its device.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from inventory import history, resource_rows, tables

_Part: TypeAlias = tuple[str, str, str | None, str | None]
_C = tables.components.c
_SHOWN: Final = sa.and_(history.current(tables.components), _C.kind != "sensor")
_DEVICES: Final[sa.BindParameter[Any]] = sa.bindparam("devices", expanding=True)
_NAMES: Final[sa.BindParameter[Any]] = sa.bindparam("names", expanding=True)
_WHICH: Final = sa.select(_C.device, _C.place, _C.parent, _C.interface).where(
    _SHOWN, _C.device.in_(_DEVICES)
)
_PLACED: Final = _WHICH.where(_C.place.in_(_NAMES))
_WITHIN: Final = _WHICH.where(_C.parent.in_(_NAMES)).order_by(_C.place)
_TOP: Final = _WHICH.where(_C.parent.is_(None)).order_by(_C.place)
"""Made once: to build a statement costs several times as much as to run it."""


def around(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]]
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """(relationship, other resource's id) by resource id, for devices, ports and parts."""
    placed = {(row["device"], row["place"]): row for row in rows if row["place"] is not None}
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    whole = [row["id"] for row in rows if row["category"] == resource_rows.DEVICE]
    for part in connection.execute(_TOP, {"devices": whole}) if whole else ():
        found[part.device].append(("contains", _id(part)))
    for part in _read(connection, _WITHIN, placed):
        row = placed.get((part.device, part.parent))
        if row is not None:
            found[row["id"]].append(("contains", _id(part)))
    for key, container in _containers(connection, placed).items():
        found[key].append(("isContainedIn", container))
    return found


def _containers(
    connection: sa.Connection, placed: Mapping[tuple[str, str], Mapping[Any, Any]]
) -> Mapping[str, str]:
    """What contains each; a port has its device already, from wherever it sits."""
    above = {(device, place.rpartition(".")[0]) for device, place in placed}
    known = {(p.device, p.place): _id(p) for p in _read(connection, _PLACED, above)}
    found: dict[str, str] = {}
    for (device, place), row in placed.items():
        container = known.get((device, place.rpartition(".")[0]))
        if container is not None:
            found[row["id"]] = container
        elif row["category"] == resource_rows.PART:
            found[row["id"]] = device
    return found


def _id(part: sa.Row[*_Part]) -> str:
    if part.interface is not None:
        return f"{part.device}:{part.interface}"
    return f"{part.device}{resource_rows.PART_OF}{part.place}"


def _read(
    connection: sa.Connection,
    which: sa.Select[*_Part],
    wanted: Collection[tuple[str, str]],
) -> Sequence[sa.Row[*_Part]]:
    """Parts whose device and name are among those wanted, and some more."""
    named = {"devices": {d for d, _ in wanted}, "names": {n for _, n in wanted if n}}
    asked = {key: sorted(values) for key, values in named.items()}
    return connection.execute(which, asked).all() if all(asked.values()) else ()
