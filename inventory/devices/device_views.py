"""Decides how a device is shown: what was planned of it, what was pinned, what was seen."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from inventory.devices import stored_logins
from inventory.facts import neighbour_ids
from inventory.rows import history, tables
from oss_agent import errors, selecting
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import DeviceView, InterfaceView, LogicalView, ServiceState


def find(connection: sa.Connection, query: Query, when: AsOf | None = None) -> Page[DeviceView]:
    """A page of a tenant's devices, now or as of a moment, without their ports."""
    page, total = _selection(_rows(query.tenant, when)).page(connection, query)
    found = page.mappings().all()
    keys = _fingerprints(connection, [row["name"] for row in found], when)
    return Page(tuple(_view(row, keys[row["name"]], ()) for row in found), total)


def get(connection: sa.Connection, tenant: str, name: str, when: AsOf | None = None) -> DeviceView:
    """One device with its ports, now or as of a moment; NotFound."""
    found = connection.execute(_rows(tenant, when).where(tables.devices.c.name == name))
    row = found.mappings().first()
    if row is None:
        then = "" if when is None else f" at {rfc3339(when.valid)}, as far as is known,"
        raise errors.NotFound(f"device {name}{then}")
    fingerprints = _fingerprints(connection, [name], when)[name]
    view = _view(row, fingerprints, _interfaces(connection, name, when))
    refused = stored_logins.standing(connection, name) if when is None else None
    login = stored_logins.in_words(refused) if refused is not None else ""
    return dataclasses.replace(view, logical=_logical(connection, name, when), login=login)


def names(connection: sa.Connection, tenant: str) -> list[str]:
    """Every device of a tenant, sorted."""
    c = tables.devices.c
    query = sa.select(c.name).where(history.current(tables.devices), c.tenant == tenant)
    return list(connection.execute(query.order_by(c.name)).scalars())


def _rows(tenant: str, when: AsOf | None) -> sa.Select[Any]:
    d, s, seen = tables.devices, tables.device_states, tables.sightings
    state = sa.and_(history.there(s, when), s.c.device == d.c.name)
    # When a device answered is overwritten, not kept: of the past nobody knows.
    sighted = sa.and_(seen.c.device == d.c.name, sa.true() if when is None else sa.false())
    stands = tables.standings
    standing = sa.and_(history.there(stands, when), stands.c.device == d.c.name)
    return (
        sa.select(
            d,
            s.c.chassis,
            s.c.serials,
            s.c.description,
            seen.c.last_seen,
            seen.c.unreachable_since,
            seen.c.reason.label("trouble"),
            stands.c.doubt,
            stands.c.read_only,
            stands.c.version,
            stands.c.model,
        )
        .select_from(d.outerjoin(s, state).outerjoin(seen, sighted).outerjoin(stands, standing))
        .where(history.there(d, when), d.c.tenant == tenant)
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
    connection: sa.Connection, devices: Sequence[str], when: AsOf | None
) -> Mapping[str, tuple[str, ...]]:
    c = tables.device_keys.c
    query = sa.select(c.device, c.fingerprint).where(
        history.there(tables.device_keys, when), c.device.in_(devices)
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
        standing=_standing(row),
        doubt=row["doubt"] or "",
        version=row["version"] or "",
        model=row["model"] or "",
    )


def _standing(row: sa.RowMapping) -> str:
    if not row["managed"]:
        return "listed"
    if row["read_only"]:
        return "read-only"
    return "unproven" if row["doubt"] else "proven"


def _interfaces(
    connection: sa.Connection, device: str, when: AsOf | None
) -> tuple[InterfaceView, ...]:
    c = tables.interfaces.c
    query = sa.select(tables.interfaces).where(
        history.there(tables.interfaces, when), c.device == device
    )
    services, formerly = _services(connection, device, when), _formerly(connection, device, when)
    # Planned first, so that what was observed of a port replaces what was planned.
    rows = connection.execute(query.order_by(c.ledger.desc())).mappings()
    by_name = {row["name"]: row for row in rows}
    return tuple(
        _interface(by_name[name], services[name], formerly[name])
        for name in sorted(by_name, key=_natural)
    )


def _logical(connection: sa.Connection, device: str, when: AsOf | None) -> tuple[LogicalView, ...]:
    t = tables.logical
    query = sa.select(t).where(history.there(t, when), t.c.device == device)
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


def _formerly(
    connection: sa.Connection, device: str, when: AsOf | None
) -> Mapping[str, tuple[str, ...]]:
    """Names that ports of a device had before, by the name that they have."""
    now, was = tables.interfaces, tables.interfaces.alias("was")
    till = sa.true() if when is None else was.c.valid_from <= when.valid
    same = sa.and_(
        was.c.device == now.c.device,
        was.c.identity == now.c.identity,
        was.c.name != now.c.name,
        was.c.known_to.is_(None),
        till,
    )
    query = (
        sa.select(now.c.name, was.c.name)
        .select_from(now.join(was, same))
        .where(history.there(now, when), now.c.device == device, now.c.identity != "")
        .distinct()
        .order_by(now.c.name, was.c.name)
    )
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for name, before in connection.execute(query):
        found[name] = (*found[name], before)
    return found


def _services(
    connection: sa.Connection, device: str, when: AsOf | None
) -> Mapping[str, tuple[str, ...]]:
    """Customer-facing services by port; those that are terminated stand there no longer."""
    r, s = tables.service_resources, tables.services
    customer_facing = sa.func.coalesce(s.c.parent, s.c.id)
    stands = sa.and_(
        history.there(s, when),
        s.c.id == r.c.service,
        s.c.state != ServiceState.TERMINATED.value,
    )
    query = (
        sa.select(r.c.port, customer_facing)
        .select_from(r.join(s, stands))
        .where(history.there(r, when), r.c.device == device)
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
