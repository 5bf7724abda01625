"""Decides which attributes of a service (TMF638 names) can be filtered and sorted by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from inventory import filters, history, service_views, tables
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import ServiceState, ServiceView


def find(connection: sa.Connection, query: Query) -> Page[ServiceView]:
    """A page of a tenant's current services."""
    s = tables.services
    rows = sa.select(s).where(history.current(s), s.c.tenant == query.tenant)
    found, total = filters.page(connection, rows, _surface(), query)
    return Page(service_views.views(connection, found), total)


def _surface() -> filters.Surface:
    c = tables.services.c
    text: dict[str, sa.ColumnElement[Any]] = {
        "id": c.id,
        "name": c.name,
        "category": c.category,
        "serviceType": c.specification_name,
        "state": c.state,
        "operatingStatus": c.operating_status,
        "operatingStatusReason": c.cause,
        "serviceSpecification.id": c.specification_id,
        "serviceSpecification.name": c.specification_name,
        "serviceSpecification.version": c.specification_version,
        "relatedParty.id": c.customer,
        "relatedParty.name": c.customer,
        "relatedEntity.id": c.order_id,
        "serviceOrderItem.serviceOrderId": c.order_id,
    }
    times: dict[str, sa.ColumnElement[Any]] = {
        "serviceDate": c.service_date,
        "startDate": c.start_date,
        "endDate": c.end_date,
        "operatingStatusDate": c.status_since,
    }
    active = c.state == ServiceState.ACTIVE.value
    flags = {"hasStarted": active, "isServiceEnabled": active}
    return filters.Surface(
        key=c.id,
        attributes={
            **{path: filters.Attribute(column) for path, column in text.items()},
            **{path: filters.Attribute(column, filters.moment) for path, column in times.items()},
            **{path: filters.Attribute(column, filters.truth) for path, column in flags.items()},
        },
        members={
            "supportingService.id": filters.Member(_supported_by_service),
            "supportingResource.id": filters.Member(_supported_by_resource),
        },
    )


def _supported_by_service(ids: tuple[str, ...]) -> sa.ColumnElement[bool]:
    child = tables.services.alias("child")
    rows = sa.select(child.c.row).where(
        history.current(child), child.c.parent == tables.services.c.id, child.c.id.in_(ids)
    )
    return sa.exists(rows)


def _supported_by_resource(ids: tuple[str, ...]) -> sa.ColumnElement[bool]:
    r = tables.service_resources.c
    rows = sa.select(r.row).where(
        history.current(tables.service_resources),
        r.service == tables.services.c.id,
        (r.device + ":" + r.port).in_(ids),
    )
    return sa.exists(rows)
