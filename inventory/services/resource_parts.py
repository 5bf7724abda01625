"""Decides how parts and what is around them are related (TMF639): contains, isContainedIn.

An optic in a port is contained in the port, a port in its card, a card in its slot, what has nothing
above it in its device.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.services import resource_rows
from oss_agent.spi.moments import AsOf

_Part: TypeAlias = tuple[str, str, str | None, str | None]
_C = tables.components.c
_DEVICES: Final[sa.BindParameter[Any]] = sa.bindparam("devices", expanding=True)
_NAMES: Final[sa.BindParameter[Any]] = sa.bindparam("names", expanding=True)


class _Statements(NamedTuple):
    """Parts of devices: those in these places, right in those, and those in nothing."""

    placed: sa.Select[*_Part]
    within: sa.Select[*_Part]
    top: sa.Select[*_Part]


def _statements(held: sa.ColumnElement[bool]) -> _Statements:
    which = sa.select(_C.device, _C.place, _C.parent, _C.interface).where(
        held, _C.kind != "sensor", _C.device.in_(_DEVICES)
    )
    return _Statements(
        which.where(_C.place.in_(_NAMES)),
        which.where(_C.parent.in_(_NAMES)).order_by(_C.place),
        which.where(_C.parent.is_(None)).order_by(_C.place),
    )


_NOW, _THEN = (_statements(held(tables.components)) for held in (history.current, history.then))
"""Made once: to build a statement costs several times as much as to run it."""


def around(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]], when: AsOf | None = None
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """(relationship, other resource's id) by resource id, for devices, ports and parts."""
    read = _Reader(connection, _NOW if when is None else _THEN, history.moment(when))
    placed = {(row["device"], row["place"]): row for row in rows if row["place"] is not None}
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    whole = [row["id"] for row in rows if row["category"] == resource_rows.DEVICE]
    for part in read.top(whole):
        found[part.device].append(("contains", _id(part)))
    for part in read.named(read.statements.within, placed):
        row = placed.get((part.device, part.parent))
        if row is not None:
            found[row["id"]].append(("contains", _id(part)))
    for key, container in _containers(read, placed).items():
        found[key].append(("isContainedIn", container))
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Parts as they were at one moment."""

    connection: sa.Connection
    statements: _Statements
    moment: Mapping[str, Any]

    def top(self, devices: Sequence[str]) -> Sequence[sa.Row[*_Part]]:
        """What stands in nothing else of these devices."""
        asked = {"devices": devices, **self.moment}
        return self.connection.execute(self.statements.top, asked).all() if devices else ()

    def named(
        self, which: sa.Select[*_Part], wanted: Collection[tuple[str, str]]
    ) -> Sequence[sa.Row[*_Part]]:
        """Parts whose device and name are among those wanted, and some more."""
        named = {"devices": {d for d, _ in wanted}, "names": {n for _, n in wanted if n}}
        asked = {key: sorted(values) for key, values in named.items()}
        if not all(asked.values()):
            return ()
        return self.connection.execute(which, {**asked, **self.moment}).all()


def _containers(
    read: _Reader, placed: Mapping[tuple[str, str], Mapping[Any, Any]]
) -> Mapping[str, str]:
    """What contains each; a port has its device already, from wherever it sits."""
    above = {(device, place.rpartition(".")[0]) for device, place in placed}
    known = {(p.device, p.place): _id(p) for p in read.named(read.statements.placed, above)}
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
