"""Products as an order finds them: what they are, and what of each of their services was ordered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import design
from oss_agent.spi import catalogue, product_orders, products

Products = Mapping[str, products.ProductView]
_LIVING = (products.ProductStatus.ACTIVE, products.ProductStatus.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Seen:
    """Products by their ids, and what was ordered in all of each living service that they have."""

    found: Products
    ordered: Mapping[str, Mapping[str, Any]]

    def now(self, item: product_orders.ProductItemRequest) -> catalogue.ProductNow | None:
        """The product that an item names. OrderRejected when it is not there, or over."""
        if item.product_id is None:
            return None
        product = self._product(item, item.product_id)
        return catalogue.ProductNow(
            offering=product.offering.id,
            offering_version=product.offering.version,
            name=product.name,
            ordered=product.characteristics,
            services={one.part: one.id for one in product.services if one.alive},
            suspended=product.status is products.ProductStatus.SUSPENDED,
            actual={one.part: self.ordered[one.id] for one in product.services if one.alive},
        )

    def _product(self, item: product_orders.ProductItemRequest, key: str) -> products.ProductView:
        product, field = self.found.get(key), f"{item.asked.path}.product.id"
        if product is None:
            raise errors.OrderRejected(
                f"there is no product {ascii(key)[:60]}", field=field, code="unknownProduct"
            )
        if product.status.final:
            raise errors.OrderRejected(
                f"product {product.id} is {product.status}: nothing changes it any more",
                field=field,
                status=409,
                code="illegalState",
            )
        if item.asked.status is not None and product.status not in _LIVING:
            raise errors.OrderRejected(
                f"product {product.id} is {product.status}: only an active or a suspended one can "
                f"be made {item.asked.status}",
                field=f"{item.asked.path}.product.status",
                status=409,
                code="illegalState",
            )
        return product


def see(connection: sa.Connection, p: parts.Parts, tenant: str, keys: tuple[str, ...]) -> Seen:
    """A tenant's products, as they are."""
    found = p.ledger.products(connection, tenant, keys)
    return Seen(found, ordered(connection, tenant, found))


def ordered(
    connection: sa.Connection, tenant: str, found: Products
) -> Mapping[str, Mapping[str, Any]]:
    """What was ordered in all of each living service that products have."""
    living = (one.id for view in found.values() for one in view.services if one.alive)
    return {key: design.ordered(connection, tenant, key) for key in living}
