"""Decides what is read of the three ledgers to compare them: a fixed number of questions.

However many services there are on some devices, they are asked for together, now or as of a moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa

from inventory.ledgers import compared
from inventory.rows import history, offering, tables
from oss_agent.spi import device
from oss_agent.spi.moments import AsOf

_MANY: Final = 1_000
"""Ids in one question at most."""
_VERSION: Final = ("valid_from", "known_from")


def of_devices(
    connection: sa.Connection, tenant: str, devices: Collection[str], when: AsOf | None = None
) -> compared.Facts:
    """What the ledgers say of these devices of a tenant."""
    names = sorted(devices)
    claims = tuple(_claims(connection, names, when))
    stood = tuple(_stood(connection, names, when))
    owned = tuple(_owned(connection, names, when))
    read_back = tuple(_read_back(connection, names, when))
    named = {one.service for one in claims} | {one.service for one in owned}
    named |= {one.service for one in read_back}
    ids = named | {one.service for one in stood}
    services = {one.id: one for one in _services(connection, ids, when)}
    # Ports support resource-facing services, too; those are judged with their service.
    kept = named | services.keys()
    return compared.Facts(
        devices=tuple(_boxes(connection, tenant, names, when)),
        services=services,
        stood=tuple(one for one in stood if one.service in kept),
        claims=claims,
        owned=owned,
        read_back=read_back,
        seen=tuple(_seen(connection, names, when)),
        lost=tuple(_lost(connection, tenant, names)) if when is None else (),
    )


def of_service(
    connection: sa.Connection, tenant: str, service: str, when: AsOf | None = None
) -> tuple[str, ...]:
    """The devices that any ledger has a service on, sorted."""
    every = (tables.port_claims, tables.service_resources, tables.ownership, tables.configured)
    found: set[str] = set()
    for table in every:
        mine = sa.and_(table.c.service == service, table.c.tenant == tenant)
        query = sa.select(table.c.device).where(mine, history.there(table, when)).distinct()
        found |= set(connection.execute(query).scalars())
    return tuple(sorted(found))


def living(connection: sa.Connection, ids: Collection[str]) -> frozenset[str]:
    """Those services that are there now and not terminated."""
    found = _services(connection, ids, None)
    return frozenset(one.id for one in found if one.state != "terminated")


def pool_holds(connection: sa.Connection, tenant: str) -> tuple[compared.PoolHold, ...]:
    """Values that orders claimed and did not give back; an operator's reservations are none."""
    t, c = tables.pool_claims, tables.pool_claims.c
    query = sa.select(c.pool, c.value, c.text, c.key, c.valid_from).where(
        history.current(t), c.tenant == tenant, c.released_at.is_(None), c.expires_at.is_(None)
    )
    return tuple(
        compared.PoolHold(pool, text or str(value), key.partition(".")[0], key, since)
        for pool, value, text, key, since in connection.execute(query)
        if not key.startswith("reservation.")
    )


def _boxes(
    connection: sa.Connection, tenant: str, names: Collection[str], when: AsOf | None
) -> Iterator[compared.Box]:
    d, s = tables.devices, tables.sightings
    columns = (d.c.name, d.c.tenant, d.c.managed, d.c.valid_from, d.c.known_from)
    query = (
        sa.select(*columns, s.c.last_seen, s.c.ports_at, s.c.reason)
        .select_from(d.outerjoin(s, s.c.device == d.c.name))
        .where(history.there(d, when), d.c.tenant == tenant, d.c.name.in_(names))
    )
    for name, of, managed, since, known, seen, ports_at, trouble in connection.execute(query):
        # When a device answered is overwritten, not kept: of the past nobody knows.
        now = when is None
        yield compared.Box(
            name=name,
            tenant=of,
            managed=managed,
            since=since,
            known=known,
            sighted=now,
            last_seen=seen if now else None,
            ports_at=ports_at if now else None,
            trouble=(trouble or "") if now else "",
        )


def _services(
    connection: sa.Connection, ids: Collection[str], when: AsOf | None
) -> Iterator[compared.Serving]:
    t, c = tables.services, tables.services.c
    status = (c.operating_status, c.status_since)
    columns = (c.id, c.name, c.state, c.customer, c.order_id, *status, *_times(c))
    every = sorted(ids)
    for start in range(0, len(every), _MANY):
        some = every[start : start + _MANY]
        query = sa.select(*columns).where(
            history.there(t, when), c.id.in_(some), c.parent.is_(None)
        )
        yield from (compared.Serving(*row) for row in connection.execute(query))


def _stood(
    connection: sa.Connection, names: Collection[str], when: AsOf | None
) -> Iterable[compared.Stood]:
    t, words = tables.service_resources, ("service", "device", "port")
    return (compared.Stood(*row) for row in _rows(connection, t, words, names, when))


def _claims(
    connection: sa.Connection, names: Collection[str], when: AsOf | None
) -> Iterable[compared.Claim]:
    t, words = tables.port_claims, ("service", "device", "port", "order_id")
    return (compared.Claim(*row) for row in _rows(connection, t, words, names, when))


def _read_back(
    connection: sa.Connection, names: Collection[str], when: AsOf | None
) -> Iterable[compared.ReadBack]:
    t, words = tables.configured, ("service", "device", "store")
    return (compared.ReadBack(*row) for row in _rows(connection, t, words, names, when))


def _rows(
    connection: sa.Connection,
    table: sa.Table[Any],
    words: Collection[str],
    names: Collection[str],
    when: AsOf | None,
) -> Iterator[Any]:
    columns = [table.c[name] for name in (*words, *_VERSION)]
    where = sa.and_(history.there(table, when), table.c.device.in_(names))
    return iter(connection.execute(sa.select(*columns).where(where).order_by(*columns)).all())


def _owned(
    connection: sa.Connection, names: Collection[str], when: AsOf | None
) -> Iterator[compared.Owned]:
    t, c = tables.ownership, tables.ownership.c
    query = (
        sa.select(
            c.service,
            c.device,
            c.store,
            sa.func.max(c.order_id),
            sa.func.count(),
            sa.func.min(c.valid_from),
            sa.func.min(c.known_from),
        )
        .where(history.there(t, when), c.device.in_(names))
        .group_by(c.service, c.device, c.store)
        .order_by(c.service, c.device, c.store)
    )
    return (compared.Owned(*row) for row in connection.execute(query))


def _seen(
    connection: sa.Connection, names: Collection[str], when: AsOf | None
) -> Iterator[compared.Seen]:
    """The ports that somebody holds; the others are nobody's difference."""
    t, c, held = tables.interfaces, tables.interfaces.c, tables.port_claims
    same = sa.and_(held.c.device == c.device, held.c.port == c.name, history.there(held, when))
    columns = (c.device, c.name, c.admin_status, c.oper_status, c.missing_since, *_times(c))
    query = (
        sa.select(*columns)
        .select_from(t.join(held, same))
        .where(history.there(t, when), c.ledger == tables.OBSERVED, c.device.in_(names))
        .where(held.c.device.in_(names))  # said of both: the planner infers it of one
    )
    for name, port, admin, oper, missing, since, known in connection.execute(query):
        away = missing is not None
        yield compared.Seen(name, port, admin, oper, away, since, known)


def _times(columns: Any) -> tuple[Any, Any]:
    return columns.valid_from, columns.known_from


def _lost(
    connection: sa.Connection, tenant: str, names: Collection[str]
) -> Iterator[compared.LostPoint]:
    """Declared links whose far end can send packets, had an address there, and has none now."""
    ends = dict(_far_ends(connection, tenant, names))
    far = {one[0] for one in ends.values()}
    probes = offering.devices(connection, tenant, far, device.Capability.PROBE)
    asked = {end for end in ends.values() if end[0] in probes}
    gone = _without_address(connection, asked)
    for near, end in sorted(ends.items()):
        if end in gone and near[0] not in probes:
            yield compared.LostPoint(*near, ":".join(end), gone[end])


def _far_ends(
    connection: sa.Connection, tenant: str, names: Collection[str]
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    t, c = tables.links, tables.links.c
    near = sa.or_(c.a_device.in_(names), c.z_device.in_(names))
    query = sa.select(c.a_device, c.a_port, c.z_device, c.z_port).where(
        history.current(t), c.tenant == tenant, near
    )
    for a_device, a_port, z_device, z_port in connection.execute(query):
        yield (a_device, a_port), (z_device, z_port)
        yield (z_device, z_port), (a_device, a_port)


def _without_address(
    connection: sa.Connection, ends: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], Any]:
    """Since when ports that had an address have none."""
    c = tables.addresses.c
    some = c.device.in_(sorted({name for name, _ in ends}))
    query = (
        sa.select(
            c.device,
            c.interface,
            sa.func.max(c.valid_to),
            sa.func.count(c.valid_to),
            sa.func.count(),
        )
        .where(some, c.known_to.is_(None))
        .group_by(c.device, c.interface)
    )
    rows = connection.execute(query) if ends else ()
    return {
        (name, port): since
        for name, port, since, ended, every in rows
        if (name, port) in ends and ended == every
    }
