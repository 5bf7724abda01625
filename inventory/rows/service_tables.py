"""Decides how what orders made is stored: services, products, what they hold and have configured."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows.column_types import Json
from inventory.rows.fact_tables import FIRST_STORE, METADATA, Fact, current, only_one, past
from oss_agent.moment import Moment


class Service(Fact):
    """PLANNED: a service and its states. ``retired`` ends its row, so it is not a state.

    ``resumed_at`` is when it was last brought back from a suspension.
    """

    id: sa.Named[str]
    name: sa.Named[str]
    category: sa.Named[str]
    specification_id: sa.Named[str]
    specification_version: sa.Named[str]
    specification_name: sa.Named[str]
    characteristics: sa.Named[dict[str, Any]] = sa.Column(Json)
    customer: sa.Named[str]
    order_id: sa.Named[str]
    parent: sa.Named[str | None]
    state: sa.Named[str]
    operating_status: sa.Named[str]
    cause: sa.Named[str | None]
    status_since: sa.Named[datetime] = sa.Column(Moment)
    service_date: sa.Named[datetime] = sa.Column(Moment)
    start_date: sa.Named[datetime | None] = sa.Column(Moment)
    end_date: sa.Named[datetime | None] = sa.Column(Moment)
    resumed_at: sa.Named[datetime | None] = sa.Column(Moment)


services = sa.Table(
    "inv_services",
    METADATA,
    Service,
    only_one("uq_inv_services_current", "id"),
    past("ix_inv_services_id", "id"),
    sa.Index("ix_inv_services_parent", "parent"),
    # What lists are sorted by, with what they are mostly filtered by: a page far behind costs no more.
    current("ix_inv_services_by_name", "tenant", "name", "id", "state", "category"),
    current("ix_inv_services_by_start", "tenant", "start_date", "id", "state", "category"),
)


class ServiceResource(Fact):
    """PLANNED: a port that a service stands on; ``meter`` when its octets are the service's usage.

    ``formerly`` is what the port was called before it was renamed under the service.
    """

    service: sa.Named[str]
    device: sa.Named[str]
    port: sa.Named[str]
    meter: sa.Named[bool]
    formerly: sa.Named[str | None]


service_resources = sa.Table(
    "inv_service_resources",
    METADATA,
    ServiceResource,
    only_one("uq_inv_service_resources_current", "service", "device", "port"),
    sa.Index("ix_inv_service_resources_port", "device", "port"),
    past("ix_inv_service_resources_service", "service"),
)


class Product(Fact):
    """PLANNED: what a customer bought and its status; ``characteristics`` as ordered in all.

    ``order_id`` and ``order_item`` name the product order item that made it.
    """

    id: sa.Named[str]
    name: sa.Named[str]
    status: sa.Named[str]
    offering_id: sa.Named[str]
    offering_version: sa.Named[str]
    offering_name: sa.Named[str]
    characteristics: sa.Named[dict[str, Any]] = sa.Column(Json)
    customer: sa.Named[str]
    order_id: sa.Named[str]
    order_item: sa.Named[str]
    order_date: sa.Named[datetime] = sa.Column(Moment)
    start_date: sa.Named[datetime | None] = sa.Column(Moment)
    termination_date: sa.Named[datetime | None] = sa.Column(Moment)


products = sa.Table("inv_products", METADATA, Product, only_one("uq_inv_products_current", "id"))


class ProductService(Fact):
    """PLANNED: the service that realizes a part of a product; a service is of one product at most."""

    product: sa.Named[str]
    part: sa.Named[str]
    service: sa.Named[str]


product_services = sa.Table(
    "inv_product_services",
    METADATA,
    ProductService,
    only_one("uq_inv_product_services_part", "product", "part"),
    only_one("uq_inv_product_services_service", "service"),
)


class PortClaim(Fact):
    """A port held exclusively by one service."""

    device: sa.Named[str]
    port: sa.Named[str]
    service: sa.Named[str]
    order_id: sa.Named[str]


port_claims = sa.Table(
    "inv_port_claims",
    METADATA,
    PortClaim,
    only_one("uq_inv_port_claims_current", "device", "port"),
    past("ix_inv_port_claims_port", "device", "port"),
    sa.Index("ix_inv_port_claims_service", "service"),
)


class Ownership(Fact):
    """A configuration path that a service owns; several services may own one path.

    ``store`` is the device's configuration store that holds it.
    """

    device: sa.Named[str]
    store: sa.Named[str] = sa.Column(server_default=FIRST_STORE)
    path: sa.Named[str]
    service: sa.Named[str]
    order_id: sa.Named[str]


ownership = sa.Table(
    "inv_ownership",
    METADATA,
    Ownership,
    only_one("uq_inv_ownership_current", "device", "store", "path", "service"),
    past("ix_inv_ownership_device", "device"),
    sa.Index("ix_inv_ownership_service", "service", "device", "store"),
)


class Configured(Fact):
    """CONFIGURED: the subtree read back from a device for a service (JSON of spi.tree)."""

    device: sa.Named[str]
    store: sa.Named[str] = sa.Column(server_default=FIRST_STORE)
    service: sa.Named[str]
    tree: sa.Named[dict[str, Any]] = sa.Column(Json)


configured = sa.Table(
    "inv_configured",
    METADATA,
    Configured,
    only_one("uq_inv_configured_current", "device", "store", "service"),
    past("ix_inv_configured_device", "device"),
    sa.Index("ix_inv_configured_service", "service"),
)


class ConfiguredLogical(Fact):
    """CONFIGURED: a VLAN or VRF that what was read back of a service speaks of, by kind and name."""

    device: sa.Named[str]
    store: sa.Named[str]
    service: sa.Named[str]
    kind: sa.Named[str]
    name: sa.Named[str]


configured_logicals = sa.Table(
    "inv_configured_logicals",
    METADATA,
    ConfiguredLogical,
    only_one("uq_inv_configured_logicals_current", "device", "kind", "name", "store", "service"),
    past("ix_inv_configured_logicals_name", "device", "name"),
    past("ix_inv_configured_logicals_service", "service", "device", "store"),
)
