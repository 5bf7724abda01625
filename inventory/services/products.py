"""Decides what a product row says: put by its order, then moved from status to status.

Its status is a consequence of its services, which fulfilment draws; here an illegal move is refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.services import product_states, product_views
from oss_agent import errors
from oss_agent.spi.products import ProductRow, ProductStatus, ProductView


def put(connection: sa.Connection, row: ProductRow, at: datetime) -> ProductView:
    """Write a product (status pendingActive when it is new). Idempotent by id.

    Conflict when the id belongs to another tenant.
    """
    before = product_views.some(connection, (row.id,)).get(row.id)
    if before is not None and before.tenant != row.tenant:
        raise errors.Conflict(f"product id {row.id} is in use; choose another")
    facts = _content(row) | (_beginning(at) if before is None else {})
    history.put(connection, tables.products, {"id": row.id}, facts, at)
    return product_views.one(connection, row.id)


def link(connection: sa.Connection, product: str, part: str, service: str, at: datetime) -> None:
    """``service`` realizes ``part`` from now on. Safe twice; NotFound."""
    tenant = product_views.one(connection, product).tenant
    facts = {"tenant": tenant, "service": service}
    history.put(connection, tables.product_services, {"product": product, "part": part}, facts, at)


def unlink(connection: sa.Connection, product: str, service: str, at: datetime) -> None:
    """A product does without a service from now on. Safe twice."""
    c = tables.product_services.c
    which = sa.and_(c.product == product, c.service == service)
    history.end(connection, tables.product_services, which, at)


def move(
    connection: sa.Connection, product: str, status: ProductStatus, at: datetime
) -> ProductView:
    """Change a product's status. Conflict when the move is illegal; NotFound."""
    before = product_views.one(connection, product)
    if not product_states.legal(before.status, status):
        may = ", ".join(product_states.successors(before.status)) or "nothing"
        raise errors.Conflict(
            f"product {product} is {before.status} and cannot become {status}; it may become {may}",
            holder=product,
        )
    history.put(connection, tables.products, {"id": product}, _moved(before, status, at), at)
    return product_views.one(connection, product)


def _content(row: ProductRow) -> dict[str, Any]:
    return {
        "tenant": row.tenant,
        "name": row.name,
        "offering_id": row.offering.id,
        "offering_version": row.offering.version,
        "offering_name": row.offering.name,
        "characteristics": dict(row.characteristics),
        "customer": row.customer,
        "order_id": row.order,
        "order_item": row.order_item,
    }


def _beginning(at: datetime) -> dict[str, Any]:
    return {
        "status": ProductStatus.PENDING_ACTIVE.value,
        "order_date": at,
        "start_date": None,
        "termination_date": None,
    }


def _moved(before: ProductView, status: ProductStatus, at: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": status.value}
    if status is ProductStatus.ACTIVE and before.start_date is None:
        facts["start_date"] = at
    if status.final and before.termination_date is None:
        facts["termination_date"] = at
    return facts
