"""Decides which rows the topology is computed from: declared links, sightings, identities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from inventory import history, neighbour_identity, port_words, tables, topology
from oss_agent.spi.views import LinkView

_L, _N, _S = tables.links.c, tables.neighbours.c, tables.sightings.c
_D, _I, _STATES = tables.devices.c, tables.interfaces.c, tables.device_states.c
_TENANT: sa.BindParameter[str] = sa.bindparam("at_tenant")
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_DECLARED = sa.select(tables.links).where(history.current(tables.links), _L.tenant == _TENANT)
_DECLARED_OF = _DECLARED.where(sa.or_(_L.a_device.in_(_THESE), _L.z_device.in_(_THESE)))
_SEEN = (
    sa.select(tables.neighbours, _S.discovered_at)
    .select_from(tables.neighbours.outerjoin(tables.sightings, _S.device == _N.device))
    .where(
        history.current(tables.neighbours),
        _N.tenant == _TENANT,
        sa.or_(
            _N.device.in_(_THESE),
            _N.system_name.in_(_THESE),
            _N.chassis.in_(sa.bindparam("at_chassis", expanding=True)),
        ),
    )
)
_PORTS = sa.select(_I.device, _I.name, _I.mac, _I.ifindex, _I.description, _I.descr).where(
    history.current(tables.interfaces), _I.tenant == _TENANT, _I.device.in_(_THESE)
)
_IDENTITIES = (
    sa.select(_D.name, _STATES.chassis)
    .select_from(
        tables.devices.outerjoin(
            tables.device_states,
            sa.and_(history.current(tables.device_states), _STATES.device == _D.name),
        )
    )
    .where(history.current(tables.devices), _D.tenant == _TENANT)
)
"""Made once: to build a statement costs several times as much as to run it."""


def links(connection: sa.Connection, tenant: str) -> tuple[LinkView, ...]:
    """Every link of a tenant with its evidence."""
    return _links(connection, tenant, _identities(connection, tenant))


def links_of(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> tuple[LinkView, ...]:
    """The links of these devices, as ``links`` has them; perhaps some of their neighbours'."""
    return _links(connection, tenant, _identities(connection, tenant), devices)


def _links(
    connection: sa.Connection,
    tenant: str,
    identities: Mapping[str, str | None],
    devices: Collection[str] | None = None,
) -> tuple[LinkView, ...]:
    these = list(identities if devices is None else devices)
    chassis = [one for name in these if (one := identities.get(name)) is not None]
    seen = _seen(connection, tenant, these, chassis)
    files = _DECLARED if devices is None else _DECLARED_OF
    rows = connection.execute(files, {"at_tenant": tenant, "at_devices": these}).mappings()
    known = _known(connection, tenant, identities, these, seen)
    return topology.links([_declared(row) for row in rows], seen, known)


def _identities(connection: sa.Connection, tenant: str) -> Mapping[str, str | None]:
    """Every device's chassis: whether one is a clone only all of them together can say."""
    rows = connection.execute(_IDENTITIES, {"at_tenant": tenant})
    return {name: chassis for name, chassis in rows}  # noqa: C416  rows are no pairs to a type checker


def _declared(row: sa.RowMapping) -> topology.Declared:
    return topology.Declared(
        (row["a_device"], row["a_port"]),
        (row["z_device"], row["z_port"]),
        f"lab {row['source']}",
        row["valid_from"],
    )


def _seen(
    connection: sa.Connection, tenant: str, devices: Sequence[str], chassis: Sequence[str]
) -> list[neighbour_identity.Seen]:
    """What these devices see, and who sees them, by chassis or by name."""
    asked = {"at_tenant": tenant, "at_devices": devices, "at_chassis": chassis}
    return [
        neighbour_identity.Seen(
            at=(row["device"], row["port"]),
            chassis=row["chassis"],
            port_id=row["port_id"],
            port_description=row["port_description"],
            system_name=row["system_name"],
            port_subtype=row["port_subtype"],
            when=row["discovered_at"] or row["valid_from"],
        )
        for row in connection.execute(_SEEN, asked).mappings()
    ]


def _known(
    connection: sa.Connection,
    tenant: str,
    identities: Mapping[str, str | None],
    devices: Sequence[str],
    seen: Sequence[neighbour_identity.Seen],
) -> list[neighbour_identity.Known]:
    """Every device, with the ports of those that somebody here may be linked to."""
    chassis = {one.chassis for one in seen}
    names = {one.system_name for one in seen} | set(devices)
    near = [name for name, own in identities.items() if name in names or own in chassis]
    ports: defaultdict[str, dict[str, port_words.Port]] = defaultdict(dict)
    asked = {"at_tenant": tenant, "at_devices": near}
    for row in connection.execute(_PORTS, asked).mappings():
        port = port_words.Port(
            row["name"],
            index=row["ifindex"],
            mac=row["mac"],
            long_name=row["descr"],
            alias=row["description"],
        )
        ports[row["device"]][port.name] = port
    return [
        neighbour_identity.Known(name, own, tuple(ports[name].values()))
        for name, own in identities.items()
    ]
