"""Decides which attributes of a service (TMF638 names) can be filtered and sorted by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.services import service_logicals, service_views
from oss_agent import selecting
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import BY_ITSELF, ServiceState, ServiceView


def find(connection: sa.Connection, query: Query, when: AsOf | None = None) -> Page[ServiceView]:
    """A page of a tenant's services, now or as of a moment; what is a resource by itself is none."""
    s = tables.services
    rows = sa.select(s).where(history.there(s, when), s.c.category != BY_ITSELF)
    found, total = _selection(rows, when).page(connection, query)
    return Page(service_views.views(connection, found.mappings().all(), when), total)


def _selection(rows: sa.Select[Any], when: AsOf | None) -> selecting.Selection:
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
    started = c.state.in_([ServiceState.ACTIVE.value, ServiceState.INACTIVE.value])
    flags = {"hasStarted": started, "isServiceEnabled": active}
    return selecting.Selection(
        rows,
        c.tenant,
        order=c.id,
        row=c.row,
        attributes={
            **selecting.texts(text),
            **selecting.moments(times),
            **{
                path: selecting.Attribute(column, selecting.truth) for path, column in flags.items()
            },
        },
        members={
            "supportingService.id": _of_a_child(when),
            "supportingResource.id": _of_a_resource(when),
        },
    )


def _of_a_child(when: AsOf | None) -> selecting.Member:
    child = tables.services.alias("child")
    mine = sa.and_(history.there(child, when), child.c.parent == tables.services.c.id)

    def some(meets: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.exists(sa.select(child.c.row).where(mine, meets))

    return selecting.Member(selecting.Attribute(child.c.id), some)


def _of_a_resource(when: AsOf | None) -> selecting.Member:
    """A port, or a VLAN or VRF, as ``service_views`` and ``service_logicals`` show them."""
    link = tables.service_resources
    port = (link.c.device + ":" + link.c.port).label("id")
    ports = sa.select(link.c.service, port).where(history.there(link, when))
    resource = sa.union_all(ports, service_logicals.supporting(when)).subquery("supporting")

    def some(meets: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        mine = resource.c.service == tables.services.c.id
        return sa.exists(sa.select(resource.c.id).where(mine, meets))

    return selecting.Member(selecting.Attribute(resource.c.id), some)
