"""How a product order comes in and what may be asked of it (TMF622): fulfilment owns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from oss_agent.spi.catalogue import ProductItem
from oss_agent.spi.orders import CancelRequest
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import CancelView, ErrorView, ItemAction, OrderState, SpecificationRef


@dataclass(frozen=True, slots=True)
class ProductItemRequest:
    """One item as the sender wrote it; ``product_id`` is what a modify or delete names."""

    asked: ProductItem
    product_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: tuple[str, ...] = ()
    """ids of items of the same order that its product is built upon"""
    parent: str | None = None
    """id of the item that it is nested in; that one stands before it"""


@dataclass(frozen=True, slots=True)
class ProductOrderRequest:
    """A product order to accept; what is as in ``spi.orders.OrderRequest`` means the same."""

    tenant: str
    requester: str
    items: tuple[ProductItemRequest, ...]
    body_digest: str
    idempotency_key: str | None = None
    external_id: str | None = None
    description: str | None = None
    category: str | None = None
    priority: str | None = None
    requested_start: datetime | None = None
    requested_completion: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fallout: str | None = None
    """what becomes of a part that fails for good (``fallout.Policy``), when the sender chose it"""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an item has still to be told: characteristics of its product, asked for since, until."""

    names: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ProductOrderItemView:
    """One item of a product order; ``service_items`` are the items of its service order, by id."""

    id: str
    action: ItemAction
    state: OrderState
    offering: SpecificationRef
    product_id: str
    product_name: str
    characteristics: Mapping[str, Any]
    service_items: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    parent: str | None = None
    needs: Needs | None = None


@dataclass(frozen=True, slots=True)
class ProductOrderView:
    """A product order as TMF622 shows it.

    ``service_order`` is what it became; ``error`` is why it did not end as ordered. What is promised
    for the service order is promised for it.
    """

    id: str
    tenant: str
    state: OrderState
    order_date: datetime
    requester: str
    items: tuple[ProductOrderItemView, ...]
    service_order: str
    external_id: str | None = None
    description: str | None = None
    category: str | None = None
    priority: str | None = None
    requested_start: datetime | None = None
    requested_completion: datetime | None = None
    completion_date: datetime | None = None
    error: ErrorView | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cancellation_date: datetime | None = None
    cancellation_reason: str | None = None
    expected_completion: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The order, and whether this call made it (False: the same request came before)."""

    order: ProductOrderView
    created: bool


@dataclass(frozen=True, slots=True)
class ProductItemChange:
    """What an item asks for now, as ``spi.orders.ItemChange``."""

    id: str
    characteristics: Mapping[str, Any]
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ProductAmendment:
    """What a product order shall be instead; what is as in ``spi.orders.Amendment`` is the same."""

    expected: ProductOrderView
    by: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extra: Mapping[str, Any] | None = None
    items: tuple[ProductItemChange, ...] = ()
    hold: bool | None = None


class ProductOrders(Protocol):
    """Product orders, owned by fulfilment."""

    async def submit(self, request: ProductOrderRequest) -> Taken:
        """Store it with the service order it becomes, synced. OrderRejected names the field."""
        ...

    async def find(self, query: Query, /) -> Page[ProductOrderView]:
        """Orders that match; filter paths are TMF622 attribute names."""
        ...

    async def get(self, tenant: str, key: str) -> ProductOrderView:
        """One order; NotFound."""
        ...

    async def amend(self, wish: ProductAmendment) -> ProductOrderView:
        """Change it and its service order, synced: all of the wish or nothing. Raises as that one's.

        An item that becomes other services than it became: new ones are begun, those that it does
        not need any more are undone. OrderRejected (409) where one of these is done already.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProductCancelView:
    """The task that cancels a product order (TMF622): the ``task`` that cancels its service order."""

    id: str
    tenant: str
    order: str
    task: CancelView


class ProductCancellations(Protocol):
    """The tasks that cancel product orders, owned by fulfilment."""

    async def request(self, wish: CancelRequest) -> ProductCancelView:
        """Store the task, synced; ``wish.order`` is a product order. Refuses as ``Cancellations``."""
        ...

    async def find(self, query: Query, /) -> Page[ProductCancelView]:
        """Tasks that match; filter paths are TMF622 attribute names."""
        ...

    async def get(self, tenant: str, key: str) -> ProductCancelView:
        """One task; NotFound."""
        ...
