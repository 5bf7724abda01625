"""Decides which attributes of a product (TMF637 names) can be filtered and sorted by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.services import product_views
from oss_agent import selecting
from oss_agent.spi.products import ProductView
from oss_agent.spi.query import Page, Query


def find(connection: sa.Connection, query: Query) -> Page[ProductView]:
    """A page of a tenant's products."""
    p = tables.products
    rows = sa.select(p).where(history.current(p))
    found, total = _selection(rows).page(connection, query)
    return Page(product_views.views(connection, found.mappings().all()), total)


def _selection(rows: sa.Select[Any]) -> selecting.Selection:
    c, link = tables.products.c, tables.product_services
    text: dict[str, sa.ColumnElement[Any]] = {
        "id": c.id,
        "name": c.name,
        "status": c.status,
        "productOffering.id": c.offering_id,
        "productOffering.name": c.offering_name,
        "relatedParty.id": c.customer,
        "relatedParty.name": c.customer,
        "productOrderItem.productOrderId": c.order_id,
        "productOrderItem.orderItemId": c.order_item,
    }
    times: dict[str, sa.ColumnElement[Any]] = {
        "orderDate": c.order_date,
        "startDate": c.start_date,
        "terminationDate": c.termination_date,
    }
    return selecting.Selection(
        rows,
        c.tenant,
        order=c.id,
        attributes={
            **selecting.texts(text),
            **selecting.moments(times),
        },
        members={
            "realizingService.id": _of_a_service(link, link.c.service),
            "realizingService.name": _of_a_service(_named(), tables.services.c.name),
        },
    )


def _named() -> sa.FromClause:
    """Links with the services that are there; one that is only ordered has an id and no row yet."""
    link, service = tables.product_services, tables.services
    return link.join(service, sa.and_(service.c.id == link.c.service, history.current(service)))


def _of_a_service(rows: sa.FromClause, column: sa.ColumnElement[Any]) -> selecting.Member:
    link = tables.product_services
    mine = sa.and_(history.current(link), link.c.product == tables.products.c.id)

    def some(meets: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.exists(sa.select(link.c.row).select_from(rows).where(mine, meets))

    return selecting.Member(selecting.Attribute(column), some)
