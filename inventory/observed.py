"""Decides how what was seen becomes the observed ledger: only changes make a new version."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory import facts, history, naming, tables, tenancy


def record(connection: sa.Connection, seen: facts.DeviceFacts, at: datetime) -> None:
    """Write what discovery learned; ports, addresses and neighbours that are gone end."""
    tenant = tenancy.of_device(connection, seen.device)
    _record_state(connection, seen, tenant, at)
    if seen.interfaces is not None:
        rows = [_interface(fact) for fact in seen.interfaces]
        _replace(connection, _interfaces_of(seen.device, tenant), rows, at, end=seen.complete)
    if seen.addresses is not None:
        rows = [dataclasses.asdict(fact) for fact in seen.addresses]
        _replace(connection, _addresses_of(seen.device, tenant), rows, at, end=seen.complete)
    if seen.neighbours is not None:
        rows = [dataclasses.asdict(fact) for fact in seen.neighbours]
        _replace(connection, _neighbours_of(seen.device, tenant), rows, at, end=seen.complete)
    discovered = at if seen.neighbours is not None else None
    mark_seen(connection, seen.device, tenant, at, discovered=discovered)


def observe_ports(
    connection: sa.Connection,
    device: str,
    rows: Sequence[tuple[str, int, str, str]],
    at: datetime,
) -> None:
    """(name, ifIndex, admin, oper) as a poll saw them. Ports it did not ask for stay as they are."""
    tenant = tenancy.of_device(connection, device)
    names = naming.stable_names([(name, index) for name, index, _, _ in rows])
    polled = [
        {"name": name, "ifindex": index, "admin_status": admin, "oper_status": oper}
        for name, (_, index, admin, oper) in zip(names, rows, strict=True)
    ]
    _replace(connection, _interfaces_of(device, tenant), polled, at, end=False)
    mark_seen(connection, device, tenant, at, discovered=None)


def mark_seen(
    connection: sa.Connection,
    device: str,
    tenant: str,
    at: datetime,
    *,
    discovered: datetime | None,
) -> None:
    """The device answered at ``at``."""
    values: dict[str, Any] = {"last_seen": at, "unreachable_since": None, "reason": ""}
    if discovered is not None:
        values["discovered_at"] = discovered
    _overwrite(connection, device, tenant, values)


def mark_unreachable(
    connection: sa.Connection, device: str, tenant: str, at: datetime, reason: str
) -> None:
    """The device did not answer, or not well; since when is kept from the first time."""
    c = tables.sightings.c
    before = sa.select(c.unreachable_since).where(c.device == device)
    since = connection.execute(before).scalar_one_or_none()
    values = {"unreachable_since": since or at, "reason": reason}
    _overwrite(connection, device, tenant, values)


def _overwrite(
    connection: sa.Connection, device: str, tenant: str, values: Mapping[str, Any]
) -> None:
    table = tables.sightings
    done = connection.execute(sa.update(table).where(table.c.device == device).values(**values))
    if not done.rowcount:
        connection.execute(sa.insert(table).values(device=device, tenant=tenant, **values))


def _record_state(
    connection: sa.Connection, seen: facts.DeviceFacts, tenant: str, at: datetime
) -> None:
    learned = {
        "chassis": seen.chassis,
        "description": seen.description,
        "system_name": seen.system_name,
        "router_id": seen.router_id,
        "offers": sorted(seen.offers) if seen.offers is not None else None,
    }
    state = {name: value for name, value in learned.items() if value is not None}
    if state:
        key = {"device": seen.device}
        history.put(connection, tables.device_states, key, {"tenant": tenant, **state}, at)


def _interface(fact: facts.InterfaceFact) -> dict[str, Any]:
    row = dataclasses.asdict(fact)
    row["ifindex"] = row.pop("index")
    return row


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """A device's rows in one observed table: what they share, and what tells them apart."""

    table: sa.Table[Any]
    shared: Mapping[str, Any]
    tenant: str
    identity: tuple[str, ...]

    def key(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        return {**self.shared, **{name: row[name] for name in self.identity}}


def _interfaces_of(device: str, tenant: str) -> _Part:
    shared = {"ledger": tables.OBSERVED, "device": device}
    return _Part(tables.interfaces, shared, tenant, ("name",))


def _addresses_of(device: str, tenant: str) -> _Part:
    return _Part(tables.addresses, {"device": device}, tenant, ("interface", "address"))


def _neighbours_of(device: str, tenant: str) -> _Part:
    identity = ("port", "chassis", "port_id")
    return _Part(tables.neighbours, {"device": device}, tenant, identity)


def _replace(
    connection: sa.Connection,
    part: _Part,
    rows: Iterable[Mapping[str, Any]],
    at: datetime,
    *,
    end: bool,
) -> None:
    """Make ``rows`` the current ones; others end when ``end``. One read, then only the changes."""
    of_part = sa.and_(*(part.table.c[name] == value for name, value in part.shared.items()))
    query = sa.select(part.table).where(history.current(part.table), of_part)
    before = {
        tuple(row[name] for name in part.identity): row
        for row in connection.execute(query).mappings()
    }
    for row in rows:
        old = before.pop(tuple(row[name] for name in part.identity), None)
        if old is None or any(old[name] != value for name, value in row.items()):
            facts_of_row = {"tenant": part.tenant, **row}
            history.put(connection, part.table, part.key(row), facts_of_row, at)
    for old in before.values() if end else ():
        history.end(connection, part.table, part.table.c.row == old["row"], at)
