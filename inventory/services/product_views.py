"""Decides how product rows become the views that surfaces, orders and events show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.spi.products import ProductStatus, ProductView, RealizingService
from oss_agent.spi.views import ServiceState, SpecificationRef

_LINK = tables.product_services
_OF_SERVICE = sa.select(_LINK.c.product).where(
    history.current(_LINK), _LINK.c.service == sa.bindparam("at_service")
)
"""Made once: every order asks it."""


def one(connection: sa.Connection, product: str, *, tenant: str | None = None) -> ProductView:
    """One product; NotFound also when it is another tenant's."""
    found = some(connection, (product,), tenant=tenant)
    if product not in found:
        raise errors.NotFound(f"product {ascii(product)[:40]}")
    return found[product]


def some(
    connection: sa.Connection, keys: Collection[str], *, tenant: str | None = None
) -> Mapping[str, ProductView]:
    """Those of ``keys`` that there are, by id."""
    c = tables.products.c
    asked = sa.select(tables.products).where(history.current(tables.products), c.id.in_(keys))
    if tenant is not None:
        asked = asked.where(c.tenant == tenant)
    rows = connection.execute(asked).mappings().all()
    return {view.id: view for view in views(connection, rows)}


def of_service(connection: sa.Connection, service: str) -> ProductView | None:
    """The product that a service realizes a part of."""
    product = connection.execute(_OF_SERVICE, {"at_service": service}).scalar_one_or_none()
    return None if product is None else one(connection, product)


def views(connection: sa.Connection, rows: Sequence[Mapping[Any, Any]]) -> tuple[ProductView, ...]:
    """Rows of inv_products as views, in order, with the services that realize them."""
    services = _services(connection, [row["id"] for row in rows])
    return tuple(_view(row, tuple(services[row["id"]])) for row in rows)


def _services(
    connection: sa.Connection, products: Sequence[str]
) -> Mapping[str, list[RealizingService]]:
    """By product, in order of their parts' names: the links, and what the services are now."""
    link, s = tables.product_services, tables.services
    now = sa.and_(s.c.id == link.c.service, history.current(s))
    asked = (
        sa.select(link.c.product, link.c.part, link.c.service, s.c.name, s.c.state)
        .join(s, now, isouter=True)
        .where(history.current(link), link.c.product.in_(products))
        .order_by(link.c.product, link.c.part)
    )
    found: defaultdict[str, list[RealizingService]] = defaultdict(list)
    for row in connection.execute(asked).mappings():
        state = None if row["state"] is None else ServiceState(row["state"])
        service = RealizingService(row["part"], row["service"], row["name"] or "", state)
        found[row["product"]].append(service)
    return found


def _view(row: Mapping[Any, Any], services: tuple[RealizingService, ...]) -> ProductView:
    return ProductView(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        status=ProductStatus(row["status"]),
        offering=SpecificationRef(
            row["offering_id"], row["offering_version"], row["offering_name"]
        ),
        characteristics=row["characteristics"],
        customer=row["customer"],
        order=row["order_id"],
        order_item=row["order_item"],
        order_date=row["order_date"],
        start_date=row["start_date"],
        termination_date=row["termination_date"],
        services=services,
    )
