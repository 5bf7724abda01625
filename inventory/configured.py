"""Decides what a device holds for whom: the CONFIGURED ledger, one tree per service and store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from inventory import history, tables
from inventory.ownership import Holding
from oss_agent.spi import tree


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
    c = tables.configured.c
    rows = sa.select(c.device, c.store, c.tree).where(
        history.current(tables.configured), c.service == service
    )
    return {
        (device, store): tree.from_json(form)
        for device, store, form in connection.execute(rows.order_by(c.device, c.store))
    }


def of_services(
    connection: sa.Connection, device: str, store: str, services: Collection[str]
) -> Mapping[str, tree.Tree]:
    """The trees of some services in one store, by service."""
    c = tables.configured.c
    rows = sa.select(c.service, c.tree).where(
        history.current(tables.configured),
        c.device == device,
        c.store == store,
        c.service.in_(services),
    )
    return {
        service: tree.from_json(form)
        for service, form in connection.execute(rows.order_by(c.service))
    }
