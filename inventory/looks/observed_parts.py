"""Decides how a device's rows in one observed table become what was seen: only changes make a new version."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A device's rows in one observed table: what they share, and what tells them apart."""

    table: sa.Table[Any]
    shared: Mapping[str, Any]
    tenant: str
    identity: tuple[str, ...]

    def named(self, row: Mapping[Any, Any]) -> tuple[Any, ...]:
        """What tells a row from the others of the part."""
        return tuple(row[name] for name in self.identity)


def interfaces_of(device: str, tenant: str) -> Part:
    """Its ports, as they are observed."""
    shared = {"ledger": tables.OBSERVED, "device": device}
    return Part(tables.interfaces, shared, tenant, ("name",))


def parts_of(device: str, tenant: str) -> Part:
    """What it is built of."""
    return Part(tables.components, {"device": device}, tenant, ("place",))


def logical_of(device: str, kind: str, tenant: str) -> Part:
    """What of a kind is configured on it."""
    return Part(tables.logical, {"device": device, "kind": kind}, tenant, ("name",))


def addresses_of(device: str, tenant: str) -> Part:
    """The addresses on its ports."""
    return Part(tables.addresses, {"device": device}, tenant, ("interface", "address"))


def labels_of(device: str, tenant: str) -> Part:
    """What its ports are called beside their names."""
    return Part(tables.port_labels, {"device": device}, tenant, ("port",))


def stations_of(device: str, tenant: str) -> Part:
    """Who is behind its ports."""
    return Part(tables.stations, {"device": device}, tenant, ("port", "mac", "address"))


def neighbours_of(device: str, tenant: str) -> Part:
    """Whom it hears on its ports."""
    identity = ("port", "chassis", "port_id")
    return Part(tables.neighbours, {"device": device}, tenant, identity)


def replace(
    connection: sa.Connection,
    part: Part,
    rows: Iterable[Mapping[str, Any]],
    at: datetime,
    *,
    end: bool,
) -> None:
    """Make ``rows`` the current ones; others end when ``end``."""
    found = changes(connection, part, rows)
    write(connection, part, found if end else dataclasses.replace(found, gone=()), at)


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """Rows that are new, those that differ from what was, and those that were not seen."""

    new: tuple[Mapping[str, Any], ...]
    changed: tuple[tuple[Mapping[Any, Any], Mapping[str, Any]], ...]
    gone: tuple[Mapping[Any, Any], ...] = ()

    @property
    def names(self) -> list[str]:
        """Of ports: those that come or change."""
        return [row["name"] for row in (*self.new, *(row for _, row in self.changed))]


def changes(connection: sa.Connection, part: Part, rows: Iterable[Mapping[str, Any]]) -> Changes:
    """One read; what is as it was is none of it. Of two rows that are one the last counts."""
    of_part = sa.and_(*(part.table.c[name] == value for name, value in part.shared.items()))
    query = sa.select(part.table).where(history.current(part.table), of_part)
    before = {part.named(row): row for row in connection.execute(query).mappings()}
    there = {part.named(row): row for row in rows}
    both = [(before[key], row) for key, row in there.items() if key in before]
    return Changes(
        new=tuple(row for key, row in there.items() if key not in before),
        changed=tuple((old, row) for old, row in both if history.differs(old, row)),
        gone=tuple(row for key, row in before.items() if key not in there),
    )


def write(connection: sa.Connection, part: Part, changes: Changes, at: datetime) -> None:
    """Write what changes; what is not seen any more ends."""
    new = [{"tenant": part.tenant, **part.shared, **row} for row in changes.new]
    history.end_rows(connection, part.table, changes.gone, at)
    history.replace(connection, part.table, changes.changed, at)
    history.begin_all(connection, part.table, new, at)
