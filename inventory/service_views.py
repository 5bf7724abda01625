"""Decides how service rows become the views that surfaces, plans and events show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from inventory import history, tables
from oss_agent import errors
from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView, SpecificationRef


def one(connection: sa.Connection, service: str, *, tenant: str | None = None) -> ServiceView:
    """One current service; NotFound also when it is another tenant's."""
    c = tables.services.c
    which = c.id == service if tenant is None else sa.and_(c.id == service, c.tenant == tenant)
    query = sa.select(tables.services).where(history.current(tables.services), which)
    rows = connection.execute(query).mappings().all()
    if not rows:
        raise errors.NotFound(f"service {service}")
    return views(connection, rows)[0]


def of_tenant(connection: sa.Connection, tenant: str) -> tuple[ServiceView, ...]:
    """Every current service of a tenant, by id."""
    c = tables.services.c
    query = sa.select(tables.services).where(history.current(tables.services), c.tenant == tenant)
    return views(connection, connection.execute(query.order_by(c.id)).mappings().all())


def views(connection: sa.Connection, rows: Sequence[Mapping[Any, Any]]) -> tuple[ServiceView, ...]:
    """Rows of inv_services as views, in order, with what supports them.

    Ports support an RFS; a CFS that has none of its own is supported by its RFS (TMF638).
    """
    ids = [row["id"] for row in rows]
    children = _children(connection, ids)
    ports = _ports(connection, ids)
    return tuple(_view(row, children[row["id"]], ports[row["id"]]) for row in rows)


def _children(connection: sa.Connection, ids: Sequence[str]) -> Mapping[str, list[str]]:
    c = tables.services.c
    query = sa.select(c.parent, c.id).where(history.current(tables.services), c.parent.in_(ids))
    return _grouped((parent, child) for parent, child in connection.execute(query.order_by(c.id)))


def _ports(connection: sa.Connection, ids: Sequence[str]) -> Mapping[str, list[str]]:
    c = tables.service_resources.c
    query = sa.select(c.service, c.device, c.port).where(
        history.current(tables.service_resources), c.service.in_(ids)
    )
    rows = connection.execute(query.order_by(c.device, c.port))
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
