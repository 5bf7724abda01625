"""Decides how service rows become the views that surfaces, plans and events show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.moments import AsOf
from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView, SpecificationRef

_C, _R = tables.services.c, tables.service_resources.c
_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)
_ONE, _ONE_THEN = (
    sa.select(tables.services).where(held(tables.services), _C.id == sa.bindparam("at_id"))
    for held in (history.current, history.then)
)
_OF_TENANT = (
    sa.select(tables.services)
    .where(history.current(tables.services), _C.tenant == sa.bindparam("at_tenant"))
    .order_by(_C.id)
)
_OF_NAME = _OF_TENANT.where(_C.name == sa.bindparam("at_name"))


def _children_of(held: sa.ColumnElement[bool]) -> sa.Select[str | None, str]:
    mine = sa.and_(held, _C.parent.in_(_IDS))
    return sa.select(_C.parent, _C.id).where(mine).order_by(_C.id)


def _ports_of(held: sa.ColumnElement[bool]) -> sa.Select[str, str, str]:
    mine = sa.and_(held, _R.service.in_(_IDS))
    return sa.select(_R.service, _R.device, _R.port).where(mine).order_by(_R.device, _R.port)


_CHILDREN, _CHILDREN_THEN = (
    _children_of(held(tables.services)) for held in (history.current, history.then)
)
_PORTS, _PORTS_THEN = (
    _ports_of(held(tables.service_resources)) for held in (history.current, history.then)
)
"""Made once: to build a statement costs several times as much as to run it."""


def one(
    connection: sa.Connection,
    service: str,
    *,
    tenant: str | None = None,
    when: AsOf | None = None,
) -> ServiceView:
    """One service, now or as of a moment; NotFound also when it is another tenant's."""
    this = _ONE if when is None else _ONE_THEN
    found = connection.execute(this, {"at_id": service, **history.moment(when)}).mappings()
    rows = [row for row in found if tenant in {None, row["tenant"]}]
    if not rows:
        then = "" if when is None else f" at {rfc3339(when.valid)}, as far as is known,"
        raise errors.NotFound(f"service {service}{then}")
    return views(connection, rows, when)[0]


def of(connection: sa.Connection, tenant: str, service: str) -> ServiceView | None:
    """One of a tenant's current services; None when it has none with this id."""
    found = connection.execute(_ONE, {"at_id": service}).mappings()
    rows = [row for row in found if row["tenant"] == tenant]
    return views(connection, rows)[0] if rows else None


def of_tenant(connection: sa.Connection, tenant: str) -> tuple[ServiceView, ...]:
    """Every current service of a tenant, by id."""
    rows = connection.execute(_OF_TENANT, {"at_tenant": tenant})
    return views(connection, rows.mappings().all())


def of_name(connection: sa.Connection, tenant: str, name: str) -> tuple[ServiceView, ...]:
    """A tenant's current services that are called ``name``, by id."""
    rows = connection.execute(_OF_NAME, {"at_tenant": tenant, "at_name": name})
    return views(connection, rows.mappings().all())


def views(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]], when: AsOf | None = None
) -> tuple[ServiceView, ...]:
    """Rows of inv_services as views, in order, with what supports them.

    Ports support an RFS; a CFS that has none of its own is supported by its RFS (TMF638).
    """
    if not rows:
        return ()
    ids = [row["id"] for row in rows]
    children = _children(connection, ids, when)
    ports = _ports(connection, ids, when)
    return tuple(_view(row, children[row["id"]], ports[row["id"]]) for row in rows)


def _children(
    connection: sa.Connection, ids: Sequence[str], when: AsOf | None
) -> Mapping[str, list[str]]:
    query = _CHILDREN if when is None else _CHILDREN_THEN
    rows = connection.execute(query, {"ids": ids, **history.moment(when)})
    return _grouped((parent, child) for parent, child in rows)


def _ports(
    connection: sa.Connection, ids: Sequence[str], when: AsOf | None
) -> Mapping[str, list[str]]:
    query = _PORTS if when is None else _PORTS_THEN
    rows = connection.execute(query, {"ids": ids, **history.moment(when)})
    return _grouped((service, f"{device}:{port}") for service, device, port in rows)


def _grouped(pairs: Iterable[tuple[str | None, str]]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        if key is not None:
            found[key].append(value)
    return found


def _view(row: Mapping[Any, Any], children: list[str], ports: list[str]) -> ServiceView:
    return ServiceView(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        category=row["category"],
        state=ServiceState(row["state"]),
        operating_status=OperatingStatus(row["operating_status"]),
        specification=SpecificationRef(
            row["specification_id"], row["specification_version"], row["specification_name"]
        ),
        characteristics=row["characteristics"],
        customer=row["customer"],
        service_date=row["service_date"],
        start_date=row["start_date"],
        end_date=row["end_date"],
        order=row["order_id"],
        supporting_services=tuple(children),
        supporting_resources=tuple(ports),
        cause=row["cause"],
        status_since=row["status_since"],
    )
