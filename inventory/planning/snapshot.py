"""Decides what a plan is computed from: devices, their ports with holders, and services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from inventory.planning import port_uses
from inventory.rows import history, tables
from inventory.services import service_views
from inventory.topology import test_points
from oss_agent.spi import ledger

_D, _S, _K = tables.devices.c, tables.device_states.c, tables.device_keys.c
_I, _P = tables.interfaces.c, tables.port_claims.c
_TENANT: sa.BindParameter[str] = sa.bindparam("at_tenant")
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_NAMES = sa.select(_D.name).where(history.current(tables.devices), _D.tenant == _TENANT)
_STATE = sa.and_(history.current(tables.device_states), _S.device == _D.name)
_PINNED = sa.select(_K.row).where(history.current(tables.device_keys), _K.device == _D.name)
_DEVICES = (
    sa.select(
        _D.name,
        _D.platform,
        _D.managed,
        _D.router_id,
        _D.site,
        _S.router_id.label("observed_router_id"),
        sa.exists(_PINNED).label("trusted"),
    )
    .select_from(tables.devices.outerjoin(tables.device_states, _STATE))
    .where(history.current(tables.devices), _D.tenant == _TENANT, _D.name.in_(_THESE))
)
_PORTS = (
    sa.select(_I.device, _I.name, _I.ledger, _I.oper_status)
    .where(history.current(tables.interfaces), _I.tenant == _TENANT, _I.device.in_(_THESE))
    # planned sorts after observed: descending lets what was observed come last and stand
    .order_by(_I.ledger.desc())
)
_W = tables.services.c
_HELD_BY = sa.and_(history.current(tables.services), _W.id == _P.service)
_HOLDERS = (
    sa.select(_P.device, _P.port, _P.service, _P.order_id, _W.name)
    .select_from(tables.port_claims.outerjoin(tables.services, _HELD_BY))
    .where(history.current(tables.port_claims), _P.tenant == _TENANT, _P.device.in_(_THESE))
)
"""Made once: to build a statement costs several times as much as to run it."""


def take(connection: sa.Connection, tenant: str) -> ledger.Snapshot:
    """Everything of one tenant, as it is in this transaction."""
    names = connection.execute(_NAMES, {"at_tenant": tenant}).scalars().all()
    services = {view.id: view for view in service_views.of_tenant(connection, tenant)}
    return ledger.Snapshot(devices=_devices(connection, tenant, names), services=services)


def around(
    connection: sa.Connection,
    tenant: str,
    devices: Collection[str],
    name: str,
    *,
    adopting: bool = False,
) -> ledger.Snapshot:
    """These devices as ``take`` has them, and the services that are called ``name``.

    What one item is planned on: the whole would cost each order as much as there are services.
    """
    services = {view.id: view for view in service_views.of_name(connection, tenant, name)}
    found = _devices(connection, tenant, devices, adopting=adopting)
    return ledger.Snapshot(devices=found, services=services)


def _devices(
    connection: sa.Connection, tenant: str, names: Collection[str], *, adopting: bool = False
) -> Mapping[str, ledger.DeviceFact]:
    ports = _ports(connection, tenant, names, adopting=adopting)
    asked = {"at_tenant": tenant, "at_devices": list(names)}
    return {
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
        for row in connection.execute(_DEVICES, asked).mappings()
    }


def _ports(
    connection: sa.Connection, tenant: str, names: Collection[str], *, adopting: bool
) -> Mapping[str, Mapping[str, ledger.PortFact]]:
    asked = {"at_tenant": tenant, "at_devices": list(names)}
    held = connection.execute(_HOLDERS, asked)
    holders = {(device, port): whose for device, port, *whose in held}
    tests = test_points.by_port(connection, tenant, names)
    uses = port_uses.by_port(connection, tenant, names, adopting=adopting)
    found: defaultdict[str, dict[str, ledger.PortFact]] = defaultdict(dict)
    for device, name, _, oper in connection.execute(_PORTS, asked):
        owner, order, called = holders.get((device, name), (None, None, None))
        found[device][name] = ledger.PortFact(
            name,
            oper,
            owner,
            order,
            test_point=tests.get((device, name)),
            use=uses.get((device, name), ""),
            owner_name=called or "",
        )
    return found
