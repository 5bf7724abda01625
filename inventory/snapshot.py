"""Decides what a plan is computed from: devices, their ports with holders, and services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa

from inventory import history, port_uses, service_views, tables, test_points
from oss_agent.spi import ledger


def take(connection: sa.Connection, tenant: str) -> ledger.Snapshot:
    """Everything of one tenant, as it is in this transaction."""
    ports = _ports(connection, tenant)
    devices = {
        row["name"]: ledger.DeviceFact(
            name=row["name"],
            platform=row["platform"],
            trusted=row["trusted"],
            managed=row["managed"],
            # What the operator's file says beats what the device says of itself.
            router_id=row["router_id"] or row["observed_router_id"],
            site=row["site"],
            ports=ports.get(row["name"], {}),
        )
        for row in _devices(connection, tenant)
    }
    services = {view.id: view for view in service_views.of_tenant(connection, tenant)}
    return ledger.Snapshot(devices=devices, services=services)


def _devices(connection: sa.Connection, tenant: str) -> list[sa.RowMapping]:
    d, s, k = tables.devices.c, tables.device_states.c, tables.device_keys.c
    state = sa.and_(history.current(tables.device_states), s.device == d.name)
    pinned = sa.select(k.row).where(history.current(tables.device_keys), k.device == d.name)
    query = (
        sa.select(
            d.name,
            d.platform,
            d.managed,
            d.router_id,
            d.site,
            s.router_id.label("observed_router_id"),
            sa.exists(pinned).label("trusted"),
        )
        .select_from(tables.devices.outerjoin(tables.device_states, state))
        .where(history.current(tables.devices), d.tenant == tenant)
    )
    return list(connection.execute(query).mappings())


def _ports(connection: sa.Connection, tenant: str) -> Mapping[str, Mapping[str, ledger.PortFact]]:
    holders = _holders(connection, tenant)
    tests = test_points.by_port(connection, tenant)
    uses = port_uses.by_port(connection, tenant)
    c = tables.interfaces.c
    query = sa.select(c.device, c.name, c.ledger, c.oper_status).where(
        history.current(tables.interfaces), c.tenant == tenant
    )
    found: defaultdict[str, dict[str, ledger.PortFact]] = defaultdict(dict)
    # planned sorts after observed: descending lets what was observed come last and stand
    for device, name, _, oper in connection.execute(query.order_by(c.ledger.desc())):
        owner, order = holders.get((device, name), (None, None))
        found[device][name] = ledger.PortFact(
            name,
            oper,
            owner,
            order,
            test_point=tests.get((device, name)),
            use=uses.get((device, name), ""),
        )
    return found


def _holders(connection: sa.Connection, tenant: str) -> Mapping[tuple[str, str], tuple[str, str]]:
    c = tables.port_claims.c
    query = sa.select(c.device, c.port, c.service, c.order_id).where(
        history.current(tables.port_claims), c.tenant == tenant
    )
    rows = connection.execute(query)
    return {(device, port): (service, order) for device, port, service, order in rows}
