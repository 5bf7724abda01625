"""Products as the inventory keeps them (TMF637): what a customer bought, and the services it is.

The status follows from the services; fulfilment decides it, the inventory refuses an illegal one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from oss_agent.spi.views import ServiceState, SpecificationRef

if TYPE_CHECKING:
    from sqlalchemy import Connection


class ProductStatus(StrEnum):
    """TMF637 v4 product statuses."""

    CREATED = "created"
    PENDING_ACTIVE = "pendingActive"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_TERMINATE = "pendingTerminate"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"
    ABORTED = "aborted"

    @property
    def final(self) -> bool:
        """No order changes such a product any more."""
        return self in _FINAL


_FINAL = frozenset({ProductStatus.TERMINATED, ProductStatus.CANCELLED, ProductStatus.ABORTED})


@dataclass(frozen=True, slots=True)
class RealizingService:
    """A service that realizes a part of a product; ``state`` is None when it never lived."""

    part: str
    id: str
    name: str
    state: ServiceState | None

    @property
    def alive(self) -> bool:
        """Is it there for a modify or delete to change?"""
        return self.state in {ServiceState.ACTIVE, ServiceState.INACTIVE}


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product as TMF637 shows it.

    ``characteristics`` are as they were ordered in all; ``order`` and ``order_item`` the product
    order item that made it.
    """

    id: str
    tenant: str
    name: str
    status: ProductStatus
    offering: SpecificationRef
    characteristics: Mapping[str, Any]
    customer: str
    order: str
    order_item: str
    order_date: datetime
    start_date: datetime | None = None
    termination_date: datetime | None = None
    services: tuple[RealizingService, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductRow:
    """What an order says of a product: status and dates are moved, never put."""

    id: str
    tenant: str
    name: str
    offering: SpecificationRef
    characteristics: Mapping[str, Any]
    customer: str
    order: str
    order_item: str


class ProductLedger(Protocol):
    """Inventory's product rows, for use inside a unit."""

    def put_product(self, connection: Connection, row: ProductRow, at: datetime) -> ProductView:
        """Write a product (status pendingActive when it is new). Idempotent by id.

        Again with other content: its content changes, its status stays.
        """
        ...

    def link_service(
        self, connection: Connection, *, product: str, part: str, service: str, at: datetime
    ) -> None:
        """``service`` realizes ``part`` of a product from now on. Safe twice; NotFound."""
        ...

    def unlink_service(
        self, connection: Connection, *, product: str, service: str, at: datetime
    ) -> None:
        """A product does without a service from now on. Safe twice."""
        ...

    def move_product(
        self, connection: Connection, *, product: str, status: ProductStatus, at: datetime
    ) -> ProductView:
        """Change a product's status; Conflict when the move is illegal, NotFound."""
        ...

    def products(
        self, connection: Connection, tenant: str, keys: tuple[str, ...]
    ) -> Mapping[str, ProductView]:
        """Those of a tenant's products ``keys`` that there are, by id."""
        ...

    def product_of(self, connection: Connection, service: str) -> ProductView | None:
        """The product that a service realizes a part of, if any."""
        ...
