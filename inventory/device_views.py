"""Decides how a device is shown: what was planned of it, what was pinned, what was seen."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from inventory import history, neighbour_ids, tables
from oss_agent import errors, selecting
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import DeviceView, InterfaceView, LogicalView, ServiceState


def find(connection: sa.Connection, query: Query) -> Page[DeviceView]:
    """A page of a tenant's devices, without their ports."""
    page, total = _selection(_rows(query.tenant)).page(connection, query)
    found = page.mappings().all()
    keys = _fingerprints(connection, [row["name"] for row in found])
    return Page(tuple(_view(row, keys[row["name"]], ()) for row in found), total)


def get(connection: sa.Connection, tenant: str, name: str) -> DeviceView:
    """One device with its ports; NotFound."""
    found = connection.execute(_rows(tenant).where(tables.devices.c.name == name))
    row = found.mappings().first()
    if row is None:
        raise errors.NotFound(f"device {name}")
    fingerprints = _fingerprints(connection, [name])[name]
    view = _view(row, fingerprints, _interfaces(connection, name))
    return dataclasses.replace(view, logical=_logical(connection, name))


def names(connection: sa.Connection, tenant: str) -> list[str]:
    """Every device of a tenant, sorted."""
    c = tables.devices.c
    query = sa.select(c.name).where(history.current(tables.devices), c.tenant == tenant)
    return list(connection.execute(query.order_by(c.name)).scalars())


def _rows(tenant: str) -> sa.Select[Any]:
    d, s, seen = tables.devices, tables.device_states, tables.sightings
    state = sa.and_(history.current(s), s.c.device == d.c.name)
    return (
        sa.select(
            d,
            s.c.chassis,
            s.c.serials,
            s.c.description,
            seen.c.last_seen,
            seen.c.unreachable_since,
            seen.c.reason.label("trouble"),
        )
        .select_from(d.outerjoin(s, state).outerjoin(seen, seen.c.device == d.c.name))
        .where(history.current(d), d.c.tenant == tenant)
    )


def _selection(rows: sa.Select[Any]) -> selecting.Selection:
    c = tables.devices.c
    words: dict[str, sa.ColumnElement[Any]] = {
        "id": c.name,
        "name": c.name,
        "platform": c.platform,
        "address": c.address,
        "role": c.role,
        "site": c.site,
    }
    managed = selecting.Attribute(c.managed, selecting.truth)
    attributes = {**selecting.texts(words), "managed": managed}
    return selecting.Selection(rows, c.tenant, attributes, c.name)


def _fingerprints(
    connection: sa.Connection, devices: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    c = tables.device_keys.c
    query = sa.select(c.device, c.fingerprint).where(
        history.current(tables.device_keys), c.device.in_(devices)
    )
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for device, fingerprint in connection.execute(query.order_by(c.fingerprint)):
        found[device] = (*found[device], fingerprint)
    return found


def _view(
    row: sa.RowMapping, fingerprints: tuple[str, ...], interfaces: tuple[InterfaceView, ...]
) -> DeviceView:
    chassis = row["chassis"]
    lldp = neighbour_ids.chassis_text(chassis) if chassis is not None else None
    return DeviceView(
        id=row["name"],
        tenant=row["tenant"],
        name=row["name"],
        platform=row["platform"],
        address=row["address"],
        role=row["role"],
        site=row["site"],
        trusted=bool(fingerprints),
        fingerprints=fingerprints,
        managed=row["managed"],
        serial=", ".join(row["serials"]) if row["serials"] else lldp,
        description=row["description"],
        last_seen=row["last_seen"],
        unreachable_since=row["unreachable_since"],
        reason=row["reason"] or row["trouble"] or "",
        interfaces=interfaces,
    )


def _interfaces(connection: sa.Connection, device: str) -> tuple[InterfaceView, ...]:
    c = tables.interfaces.c
    query = sa.select(tables.interfaces).where(
        history.current(tables.interfaces), c.device == device
    )
    services, formerly = _services(connection, device), _formerly(connection, device)
    # Planned first, so that what was observed of a port replaces what was planned.
    rows = connection.execute(query.order_by(c.ledger.desc())).mappings()
    by_name = {row["name"]: row for row in rows}
    return tuple(
        _interface(by_name[name], services[name], formerly[name])
        for name in sorted(by_name, key=_natural)
    )


def _logical(connection: sa.Connection, device: str) -> tuple[LogicalView, ...]:
    t = tables.logical
    query = sa.select(t).where(history.current(t), t.c.device == device)
    rows = connection.execute(query).mappings()
    found = (
        LogicalView(row["kind"], row["name"], row["attributes"], row["valid_from"]) for row in rows
    )
    return tuple(sorted(found, key=lambda one: (one.kind, _natural(one.name))))


def _interface(
    row: sa.RowMapping, services: tuple[str, ...], formerly: tuple[str, ...]
) -> InterfaceView:
    return InterfaceView(
        device=row["device"],
        name=row["name"],
        index=row["ifindex"],
        admin_status=row["admin_status"],
        oper_status=row["oper_status"],
        speed=row["speed"],
        mac=row["mac"],
        description=row["description"],
        services=services,
        place=row["place"],
        formerly=formerly,
        missing_since=row["missing_since"],
    )


def _formerly(connection: sa.Connection, device: str) -> Mapping[str, tuple[str, ...]]:
    """Names that ports of a device had before, by the name that they have."""
    now, was = tables.interfaces, tables.interfaces.alias("was")
    same = sa.and_(
        was.c.device == now.c.device,
        was.c.identity == now.c.identity,
        was.c.name != now.c.name,
        was.c.known_to.is_(None),
    )
    query = (
        sa.select(now.c.name, was.c.name)
        .select_from(now.join(was, same))
        .where(history.current(now), now.c.device == device, now.c.identity != "")
        .distinct()
        .order_by(now.c.name, was.c.name)
    )
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for name, before in connection.execute(query):
        found[name] = (*found[name], before)
    return found


def _services(connection: sa.Connection, device: str) -> Mapping[str, tuple[str, ...]]:
    """Customer-facing services by port; those that are terminated stand there no longer."""
    r, s = tables.service_resources, tables.services
    customer_facing = sa.func.coalesce(s.c.parent, s.c.id)
    stands = sa.and_(
        history.current(s),
        s.c.id == r.c.service,
        s.c.state != ServiceState.TERMINATED.value,
    )
    query = (
        sa.select(r.c.port, customer_facing)
        .select_from(r.join(s, stands))
        .where(history.current(r), r.c.device == device)
        .distinct()
        .order_by(r.c.port, customer_facing)
    )
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for port, service in connection.execute(query):
        found[port] = (*found[port], str(service))
    return found


def _natural(name: str) -> tuple[int, str]:
    """Shorter names first: eth2 before eth10."""
    return (len(name), name)
