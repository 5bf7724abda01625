"""Decides what a device holds for whom: the CONFIGURED ledger, one tree per service and store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.rows.ownership import Holding
from oss_agent.spi import tree

_C = tables.configured.c
_OF_SERVICE = (
    sa.select(_C.device, _C.store, _C.tree)
    .where(history.current(tables.configured), _C.service == sa.bindparam("at_service"))
    .order_by(_C.device, _C.store)
)
_ON_DEVICES = (
    sa.select(_C.service, _C.device, _C.store, _C.tree)
    .where(
        history.current(tables.configured),
        _C.service.in_(sa.bindparam("at_services", expanding=True)),
        # An expression, or SQLite takes the devices' index and reads all that stands on them.
        (_C.device + "").in_(sa.bindparam("at_devices", expanding=True)),
    )
    .order_by(_C.service, _C.device, _C.store)
)
_OF_SERVICES = (
    sa.select(_C.service, _C.tree)
    .where(
        history.current(tables.configured),
        _C.device == sa.bindparam("at_device"),
        _C.store == sa.bindparam("at_store"),
        _C.service.in_(sa.bindparam("at_services", expanding=True)),
    )
    .order_by(_C.service)
)
"""Made once: to build a statement costs several times as much as to run it."""


def record(
    connection: sa.Connection,
    whose: Holding,
    read_back: tree.Tree,
    *,
    tenant: str,
    at: datetime,
) -> None:
    """What the device holds for a service now; an empty tree ends the row: nothing is there."""
    if not read_back.children:
        history.end(connection, tables.configured, whose.among(tables.configured), at)
        return
    key = {"device": whose.device, "store": whose.store, "service": whose.service}
    facts = {"tenant": tenant, "tree": tree.to_json(read_back)}
    history.put(connection, tables.configured, key, facts, at)


def of_service(connection: sa.Connection, service: str) -> Mapping[tuple[str, str], tree.Tree]:
    """A service's trees, by (device, store)."""
    rows = connection.execute(_OF_SERVICE, {"at_service": service})
    return {(device, store): tree.from_json(form) for device, store, form in rows}


def on_devices(
    connection: sa.Connection, devices: Collection[str], services: Collection[str]
) -> Mapping[str, Mapping[tuple[str, str], tree.Tree]]:
    """The trees of some services on some devices, by service, then by (device, store)."""
    here = {"at_devices": sorted(devices), "at_services": sorted(services)}
    found: defaultdict[str, dict[tuple[str, str], tree.Tree]] = defaultdict(dict)
    for service, device, store, form in connection.execute(_ON_DEVICES, here):
        found[service][device, store] = tree.from_json(form)
    return found


def of_services(
    connection: sa.Connection, device: str, store: str, services: Collection[str]
) -> Mapping[str, tree.Tree]:
    """The trees of some services in one store, by service."""
    if not services:
        return {}
    here = {"at_device": device, "at_store": store, "at_services": list(services)}
    rows = connection.execute(_OF_SERVICES, here)
    return {service: tree.from_json(form) for service, form in rows}
