"""The inventory's reading side for surfaces: ``spi.query.Port`` of services, products, resources."""

from __future__ import annotations

import sqlalchemy as sa

from inventory.services import (
    product_queries,
    product_views,
    resource_queries,
    service_logicals,
    service_queries,
    service_views,
)
from oss_agent import errors
from oss_agent.spi import orders, store
from oss_agent.spi.moments import AsOf
from oss_agent.spi.products import ProductView
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import ResourceView, ServiceView


class ServicePort:
    """Services by TMF638 names; a committed view, never a plan's."""

    def __init__(self, store: store.Store) -> None:
        self._store = store

    async def find(self, query: Query, when: AsOf | None = None) -> Page[ServiceView]:
        """Services that match. OrderRejected (400) naming a path that cannot be asked for."""
        return await self._store.read(lambda c: _found(c, query, when))

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> ServiceView:
        """One service by id; NotFound when absent or another tenant's, or no service."""
        if orders.by_itself(key):
            raise errors.NotFound(f"service {key}")
        return await self._store.read(lambda c: _one(c, tenant, key, when))


def _found(connection: sa.Connection, query: Query, when: AsOf | None) -> Page[ServiceView]:
    page = service_queries.find(connection, query, when)
    return Page(service_logicals.supported(connection, page.items, when), page.total)


def _one(connection: sa.Connection, tenant: str, key: str, when: AsOf | None) -> ServiceView:
    view = service_views.one(connection, key, tenant=tenant, when=when)
    return service_logicals.supported(connection, [view], when)[0]


class ProductPort:
    """Products by TMF637 names."""

    def __init__(self, store: store.Store) -> None:
        self._store = store

    async def find(self, query: Query) -> Page[ProductView]:
        """Products that match. OrderRejected (400) naming a path that cannot be asked for."""
        return await self._store.read(lambda connection: product_queries.find(connection, query))

    async def get(self, tenant: str, key: str) -> ProductView:
        """One product by id; NotFound when absent or another tenant's."""
        return await self._store.read(
            lambda connection: product_views.one(connection, key, tenant=tenant)
        )


class ResourcePort:
    """Devices, ports and pool values by TMF639 names."""

    def __init__(self, store: store.Store) -> None:
        self._store = store

    async def find(self, query: Query, when: AsOf | None = None) -> Page[ResourceView]:
        """Resources that match. OrderRejected (400) naming a path that cannot be asked for."""
        return await self._store.read(lambda c: resource_queries.find(c, query, when))

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> ResourceView:
        """One resource by id (``pe1``, ``pe1:eth4``, ``core-vni:10100``); NotFound."""
        return await self._store.read(lambda c: resource_queries.get(c, tenant, key, when))
