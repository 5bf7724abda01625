"""Decides how what was seen becomes the observed ledger: only changes make a new version."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from inventory import (
    cases,
    component_rows,
    device_identity,
    facts,
    hearing,
    history,
    interface_rows,
    naming,
    neighbour_rows,
    tables,
    tenancy,
)

Around: TypeAlias = Callable[[Collection[str]], contextlib.AbstractContextManager[None]]


def record(connection: sa.Connection, seen: facts.DeviceFacts, at: datetime) -> str:
    """Write what discovery learned; addresses and neighbours that are gone end, ports by and by.

    Returns why nothing was written: another box answers there. "" when it was.
    """
    tenant = tenancy.of_device(connection, seen.device)
    swap = device_identity.swap(connection, seen)
    if swap is not None and not cases.accepted(connection, swap):
        cases.settle(connection, tenant, seen.device, {swap.kind}, [swap], at)
        return device_identity.kept_back(swap)
    claims = device_identity.claims(connection, tenant, seen)
    cases.settle(connection, tenant, seen.device, device_identity.KINDS, claims, at)
    _record(connection, seen, tenant, at)
    return ""


def _record(connection: sa.Connection, seen: facts.DeviceFacts, tenant: str, at: datetime) -> None:
    _record_state(connection, seen, tenant, at)
    if seen.interfaces is not None:
        _record_ports(connection, seen, seen.interfaces, tenant, at)
    if seen.addresses is not None:
        rows = [dataclasses.asdict(fact) for fact in seen.addresses]
        _replace(
            connection,
            _addresses_of(seen.device, tenant),
            rows,
            at,
            end=seen.whole(facts.ADDRESSES),
        )
    if seen.neighbours is not None:
        _record_neighbours(connection, seen, seen.neighbours, tenant, at)
    if seen.labels is not None:
        rows = [dataclasses.asdict(fact) for fact in seen.labels]
        _replace(
            connection, _labels_of(seen.device, tenant), rows, at, end=seen.whole(facts.LABELS)
        )
    if seen.components is not None:
        _record_parts(connection, seen, seen.components, tenant, at)
    for kind, found in (seen.logical or {}).items():
        rows = [dataclasses.asdict(fact) for fact in found]
        _replace(connection, _logical_of(seen.device, kind, tenant), rows, at, end=seen.whole(kind))
    mark_seen(connection, seen.device, tenant, at)


def _record_neighbours(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    neighbours: Sequence[facts.NeighbourFact],
    tenant: str,
    at: datetime,
) -> None:
    """What a reading lacks is missed first, and ends when several lack it."""
    reading = hearing.Reading(at, neighbours, whole=seen.whole(facts.NEIGHBOURS))
    memory = neighbour_rows.remembered(connection, seen.device, reading)
    part = _neighbours_of(seen.device, tenant)
    _replace(connection, part, neighbour_rows.rows(memory), at, end=True)
    _overwrite(connection, seen.device, tenant, neighbour_rows.readings(memory))


def _record_ports(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    ports: Sequence[facts.InterfaceFact],
    tenant: str,
    at: datetime,
) -> None:
    before = _uptime(connection, seen.device)
    look = interface_rows.Look(
        device=seen.device,
        tenant=tenant,
        ports=ports,
        whole=seen.whole(facts.PORTS),
        restarted=before is None or seen.uptime is None or seen.uptime < before,
        at=at,
    )
    found = interface_rows.record(connection, look)
    # What a cut look did not come to is no reason to end a case.
    if look.whole:
        cases.settle(connection, tenant, seen.device, interface_rows.KINDS, found, at)
    values = {"ports_at": at, "uptime": seen.uptime, "stirred_at": None}
    _overwrite(connection, seen.device, tenant, values)


def _record_parts(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    parts: Sequence[facts.ComponentFact],
    tenant: str,
    at: datetime,
) -> None:
    found = component_rows.swaps(connection, seen.device, parts)
    if seen.whole(facts.PARTS):
        cases.settle(connection, tenant, seen.device, component_rows.KINDS, found, at)
    rows = [dataclasses.asdict(fact) for fact in parts]
    _replace(connection, _parts_of(seen.device, tenant), rows, at, end=seen.whole(facts.PARTS))


def _uptime(connection: sa.Connection, device: str) -> int | None:
    c = tables.sightings.c
    return connection.execute(sa.select(c.uptime).where(c.device == device)).scalar_one_or_none()


def observe_ports(
    connection: sa.Connection,
    device: str,
    rows: Sequence[tuple[str, int, str, str]],
    at: datetime,
    around: Around = lambda _: contextlib.nullcontext(),
) -> None:
    """(name, ifIndex, admin, oper) as a poll saw them. Ports it did not ask for stay as they are.

    A name that the last look does not have may be a renamed port, which a poll cannot tell: it is
    not written, and the next look is wanted soon. ``around`` is entered with the names of the ports
    that change.
    """
    tenant = tenancy.of_device(connection, device)
    names = naming.stable_names([(name, index) for name, index, _, _ in rows])
    polled = [
        {"name": name, "ifindex": index, "admin_status": admin, "oper_status": oper}
        for name, (_, index, admin, oper) in zip(names, rows, strict=True)
    ]
    part = _interfaces_of(device, tenant)
    changes, strange = _polled(connection, part, polled)
    with around(changes.names):
        _apply(connection, part, changes, at)
        mark_seen(connection, device, tenant, at)
        if strange and not _stirred(connection, device):
            _overwrite(connection, device, tenant, {"stirred_at": at})


def _polled(
    connection: sa.Connection, part: _Part, polled: Sequence[Mapping[str, Any]]
) -> tuple[_Changes, bool]:
    """What a poll changes, and whether it saw names that the last look does not have."""
    there = [{**row, "missing_since": None} for row in polled]
    changes = dataclasses.replace(_changes(connection, part, there), gone=())
    if not changes.new or not _looked_at(connection, part.shared["device"]):
        return changes, False
    return dataclasses.replace(changes, new=()), True


def _looked_at(connection: sa.Connection, device: str) -> bool:
    c = tables.sightings.c
    query = sa.select(c.ports_at).where(c.device == device)
    return connection.execute(query).scalar_one_or_none() is not None


def _stirred(connection: sa.Connection, device: str) -> bool:
    c = tables.sightings.c
    query = sa.select(c.stirred_at).where(c.device == device)
    return connection.execute(query).scalar_one_or_none() is not None


def answers(connection: sa.Connection, device: str) -> bool | None:
    """Did the device answer when it was last asked? None when it never was."""
    c = tables.sightings.c
    row = connection.execute(
        sa.select(c.last_seen, c.unreachable_since).where(c.device == device)
    ).first()
    if row is None or (row.last_seen is None and row.unreachable_since is None):
        return None
    return row.unreachable_since is None


def mark_seen(
    connection: sa.Connection,
    device: str,
    tenant: str,
    at: datetime,
) -> None:
    """The device answered at ``at``."""
    values: dict[str, Any] = {"last_seen": at, "unreachable_since": None, "reason": ""}
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
    if not values:
        return  # an answer that was not whole, of a device that never gave a whole one
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
        "serials": sorted(seen.serials) if seen.serials else None,
        "engine_id": seen.engine_id,
        "called": sorted(seen.called) if seen.called else None,
    }
    state = {name: value for name, value in learned.items() if value is not None}
    if state:
        key = {"device": seen.device}
        history.put(connection, tables.device_states, key, {"tenant": tenant, **state}, at)


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """A device's rows in one observed table: what they share, and what tells them apart."""

    table: sa.Table[Any]
    shared: Mapping[str, Any]
    tenant: str
    identity: tuple[str, ...]

    def named(self, row: Mapping[Any, Any]) -> tuple[Any, ...]:
        """What tells a row from the others of the part."""
        return tuple(row[name] for name in self.identity)


def _interfaces_of(device: str, tenant: str) -> _Part:
    shared = {"ledger": tables.OBSERVED, "device": device}
    return _Part(tables.interfaces, shared, tenant, ("name",))


def _parts_of(device: str, tenant: str) -> _Part:
    return _Part(tables.components, {"device": device}, tenant, ("place",))


def _logical_of(device: str, kind: str, tenant: str) -> _Part:
    return _Part(tables.logical, {"device": device, "kind": kind}, tenant, ("name",))


def _addresses_of(device: str, tenant: str) -> _Part:
    return _Part(tables.addresses, {"device": device}, tenant, ("interface", "address"))


def _labels_of(device: str, tenant: str) -> _Part:
    return _Part(tables.port_labels, {"device": device}, tenant, ("port",))


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
    """Make ``rows`` the current ones; others end when ``end``."""
    found = _changes(connection, part, rows)
    _apply(connection, part, found if end else dataclasses.replace(found, gone=()), at)


@dataclasses.dataclass(frozen=True, slots=True)
class _Changes:
    """Rows that are new, those that differ from what was, and those that were not seen."""

    new: tuple[Mapping[str, Any], ...]
    changed: tuple[tuple[Mapping[Any, Any], Mapping[str, Any]], ...]
    gone: tuple[Mapping[Any, Any], ...] = ()

    @property
    def names(self) -> list[str]:
        """Of ports: those that come or change."""
        return [row["name"] for row in (*self.new, *(row for _, row in self.changed))]


def _changes(connection: sa.Connection, part: _Part, rows: Iterable[Mapping[str, Any]]) -> _Changes:
    """One read; what is as it was is none of it. Of two rows that are one the last counts."""
    of_part = sa.and_(*(part.table.c[name] == value for name, value in part.shared.items()))
    query = sa.select(part.table).where(history.current(part.table), of_part)
    before = {part.named(row): row for row in connection.execute(query).mappings()}
    there = {part.named(row): row for row in rows}
    both = [(before[key], row) for key, row in there.items() if key in before]
    return _Changes(
        new=tuple(row for key, row in there.items() if key not in before),
        changed=tuple((old, row) for old, row in both if history.differs(old, row)),
        gone=tuple(row for key, row in before.items() if key not in there),
    )


def _apply(connection: sa.Connection, part: _Part, changes: _Changes, at: datetime) -> None:
    new = [{"tenant": part.tenant, **part.shared, **row} for row in changes.new]
    history.end_rows(connection, part.table, changes.gone, at)
    history.replace(connection, part.table, changes.changed, at)
    history.begin_all(connection, part.table, new, at)
