"""Decides which rows the topology is computed from: declared links, sightings, identities."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa

from inventory import history, tables, topology
from oss_agent.spi.views import LinkView


def links(connection: sa.Connection, tenant: str) -> tuple[LinkView, ...]:
    """Every link of a tenant with its evidence."""
    return topology.links(
        _declared(connection, tenant), _seen(connection, tenant), _known(connection, tenant)
    )


def _declared(connection: sa.Connection, tenant: str) -> list[topology.Declared]:
    c = tables.links.c
    query = sa.select(tables.links).where(history.current(tables.links), c.tenant == tenant)
    return [
        topology.Declared(
            (row["a_device"], row["a_port"]),
            (row["z_device"], row["z_port"]),
            f"lab {row['source']}",
            row["valid_from"],
        )
        for row in connection.execute(query).mappings()
    ]


def _seen(connection: sa.Connection, tenant: str) -> list[topology.Seen]:
    n, s = tables.neighbours, tables.sightings
    query = (
        sa.select(n, s.c.discovered_at)
        .select_from(n.outerjoin(s, s.c.device == n.c.device))
        .where(history.current(n), n.c.tenant == tenant)
    )
    return [
        topology.Seen(
            at=(row["device"], row["port"]),
            chassis=row["chassis"],
            port_id=row["port_id"],
            port_description=row["port_description"],
            system_name=row["system_name"],
            when=row["discovered_at"] or row["valid_from"],
        )
        for row in connection.execute(query).mappings()
    ]


def _known(connection: sa.Connection, tenant: str) -> list[topology.Known]:
    d, s, i = tables.devices.c, tables.device_states.c, tables.interfaces.c
    ports: defaultdict[str, set[str]] = defaultdict(set)
    macs: defaultdict[str, dict[str, str]] = defaultdict(dict)
    rows = sa.select(i.device, i.name, i.mac).where(
        history.current(tables.interfaces), i.tenant == tenant
    )
    for device, name, mac in connection.execute(rows):
        ports[device].add(name)
        if mac is not None:
            macs[device][mac] = name
    state = sa.and_(history.current(tables.device_states), s.device == d.name)
    devices = (
        sa.select(d.name, s.chassis)
        .select_from(tables.devices.outerjoin(tables.device_states, state))
        .where(history.current(tables.devices), d.tenant == tenant)
    )
    return [
        topology.Known(name, chassis, frozenset(ports[name]), macs[name])
        for name, chassis in connection.execute(devices)
    ]
