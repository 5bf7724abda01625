"""The rows of product orders, in fulfilment's metadata: they commit with the orders they became."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, Named, String, Text, TypedColumns

from oss_agent.fulfilment.record.tables import METADATA, Moment


class ProductOrderColumns(TypedColumns):
    """A product order (TMF622) and the service order that it became.

    ``told`` counts its events, so that each has an id of its own.
    """

    id = Column(String(20), primary_key=True)
    number: Named[int] = Column(Integer, unique=True)
    tenant: Named[str]
    requester: Named[str]
    external_id: Named[str | None]
    idempotency_key: Named[str | None]
    body_digest: Named[str]
    state: Named[str]
    service_order: Named[str] = Column(ForeignKey("ord_order.id"), unique=True)
    description: Named[str | None] = Column(Text)
    category: Named[str | None]
    priority: Named[str | None]
    requested_start: Named[datetime | None] = Column(Moment)
    requested_completion: Named[datetime | None] = Column(Moment)
    order_date: Named[datetime] = Column(Moment)
    completion_date: Named[datetime | None] = Column(Moment)
    told: Named[int]
    error = Column(sa.JSON(none_as_null=True), nullable=True)
    extra = Column(sa.JSON)


class ProductItemColumns(TypedColumns):
    """An item of a product order; ``position`` counts from 1.

    ``ordered`` are the characteristics that the product comes to in all by it; ``parts`` are pairs
    of a part's name and the position of its item in the service order, also of those taken out of it. ``path`` is where it stands
    in its order's body, ``parent`` the position of the item that it is nested in. By positions in
    the service order: ``words`` are what the product calls a service's characteristics, ``needs``
    what was asked for of them.
    """

    product_order_id: Named[str] = Column(ForeignKey("ord_product_order.id"), primary_key=True)
    position = Column(Integer, primary_key=True, autoincrement=False)
    tenant: Named[str]
    item_id: Named[str]
    action: Named[str]
    state: Named[str]
    offering_id: Named[str]
    offering_version: Named[str]
    offering_name: Named[str]
    product_id: Named[str] = Column(String(40), index=True)
    product_name: Named[str]
    characteristics = Column(sa.JSON)
    ordered = Column(sa.JSON)
    parts = Column(sa.JSON)
    extra = Column(sa.JSON)
    path: Named[str]
    parent: Named[int | None]
    words = Column(sa.JSON)
    needs = Column(sa.JSON)


product_order = sa.Table(
    "ord_product_order",
    METADATA,
    ProductOrderColumns,
    sa.UniqueConstraint("tenant", "requester", "external_id", name="ord_product_order_external_id"),
    sa.UniqueConstraint("tenant", "requester", "idempotency_key", name="ord_product_order_key"),
    sa.Index("ord_product_order_tenant_state", "tenant", "state"),
)
product_item = sa.Table("ord_product_item", METADATA, ProductItemColumns)
