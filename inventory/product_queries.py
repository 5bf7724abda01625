"""Decides which attributes of a product (TMF637 names) can be filtered and sorted by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from inventory import filters, history, product_views, tables
from oss_agent.spi.products import ProductView
from oss_agent.spi.query import Page, Query


def find(connection: sa.Connection, query: Query) -> Page[ProductView]:
    """A page of a tenant's products."""
    p = tables.products
    rows = sa.select(p).where(history.current(p), p.c.tenant == query.tenant)
    found, total = filters.page(connection, rows, _surface(), query)
    return Page(product_views.views(connection, found), total)


def _surface() -> filters.Surface:
    c = tables.products.c
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
    return filters.Surface(
        key=c.id,
        attributes={
            **{path: filters.Attribute(column) for path, column in text.items()},
            **{path: filters.Attribute(column, filters.moment) for path, column in times.items()},
        },
        members={
            "realizingService.id": filters.Member(_realized_by),
            "realizingService.name": filters.Member(_realized_by_name),
        },
    )


def _realized_by(ids: tuple[str, ...]) -> sa.ColumnElement[bool]:
    link = tables.product_services
    rows = sa.select(link.c.row).where(
        history.current(link), link.c.product == tables.products.c.id, link.c.service.in_(ids)
    )
    return sa.exists(rows)


def _realized_by_name(names: tuple[str, ...]) -> sa.ColumnElement[bool]:
    link, service = tables.product_services, tables.services
    rows = (
        sa.select(link.c.row)
        .join(service, sa.and_(service.c.id == link.c.service, history.current(service)))
        .where(
            history.current(link),
            link.c.product == tables.products.c.id,
            service.c.name.in_(names),
        )
    )
    return sa.exists(rows)
