"""Decides what a posted TMF622 v4 body asks for: a strict ProductOrderRequest, or a refusal by field.

What only the provider sets, and what would be understood but silently not done, is refused here;
what a product may be told is the catalogue's to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import pydantic

from bss_bridge.engine import intake, wire
from bss_bridge.engine.hrefs import PRODUCT_INVENTORY
from bss_bridge.resources import order_body, order_items, order_size, relationships
from oss_agent import errors
from oss_agent.spi import catalogue, product_orders, products, views

_OURS: Final = (
    *("id", "href", "state", "orderDate", "completionDate", "expectedCompletionDate"),
    *("cancellationDate", "cancellationReason", "serviceOrder"),
)
_OURS_OF_ITEM: Final = ("state",)
_OURS_OF_PRODUCT: Final = (
    *("orderDate", "startDate", "terminationDate"),
    *("productOrderItem", "realizingService", "realizingResource"),
)
_UNDONE_OF_ITEM: Final = ("appointment",)
_STATUSES: Final = (products.ProductStatus.ACTIVE, products.ProductStatus.SUSPENDED)
_PRODUCTS: Final = f"{PRODUCT_INVENTORY}/product"


class Offering(wire.Body):
    """TMF622 ProductOfferingRef; ``version`` is ours, absent means the newest."""

    id: wire.Name
    version: wire.Name | None = None


class Product(wire.Body):
    """TMF622 ProductRefOrValue: a new one is told by its characteristics, one that stands by id."""

    id: wire.Name | None = None
    name: wire.Name | None = None
    status: str | None = None
    characteristics: wire.Characteristics = pydantic.Field((), alias="productCharacteristic")


class Item(wire.Body):
    """TMF622 ProductOrderItem."""

    id: wire.Name
    action: wire.Action
    offering: Offering | None = pydantic.Field(None, alias="productOffering")
    product: Product = pydantic.Field(default_factory=lambda: Product.model_validate({}))
    items: Annotated[tuple[Item, ...], pydantic.BeforeValidator(wire.array)] = pydantic.Field(
        (), alias="productOrderItem"
    )


class ProductOrder(wire.Body):
    """TMF622 ProductOrder_Create."""

    items: Annotated[tuple[Item, ...], pydantic.BeforeValidator(wire.array)] = pydantic.Field(
        alias="productOrderItem", min_length=1
    )
    external_id: wire.Name | None = pydantic.Field(None, alias="externalId")
    description: wire.Prose | None = None
    category: wire.Name | None = None
    priority: wire.Name | None = None
    requested_start: wire.Moment | None = pydantic.Field(None, alias="requestedStartDate")
    requested_completion: wire.Moment | None = pydantic.Field(None, alias="requestedCompletionDate")


def product_order_request(
    found: Mapping[str, Any], *, tenant: str, sender: str, idempotency_key: str | None
) -> product_orders.ProductOrderRequest:
    """Translate one posted order. OrderRejected (400) names the field; nothing was stored."""
    order_body.refuse_given(found, _OURS, "")
    order_size.judge(found, "productOrderItem")
    body = wire.parse(ProductOrder, found)
    extra = body.model_extra or {}
    return product_orders.ProductOrderRequest(
        tenant=tenant,
        requester=order_body.requester(extra.get("relatedParty")) or sender,
        items=tuple(_item(*one) for one in order_items.flat(body.items, "productOrderItem")),
        body_digest=intake.digest(dict(found)),
        idempotency_key=idempotency_key,
        external_id=body.external_id,
        description=body.description,
        category=body.category,
        priority=body.priority,
        requested_start=body.requested_start,
        requested_completion=body.requested_completion,
        extra=extra,
    )


def _item(item: Item, path: str, parent: str | None) -> product_orders.ProductItemRequest:
    order_body.refuse_given(item.model_extra or {}, _OURS_OF_ITEM, path)
    order_body.refuse_given(item.product.model_extra or {}, _OURS_OF_PRODUCT, f"{path}.product")
    order_body.refuse_undone(item.model_extra or {}, _UNDONE_OF_ITEM, path)
    target = _target(item.product)
    _require_target(item, target, path)
    asked = catalogue.ProductItem(
        id=item.id,
        action=item.action,
        offering=item.offering.id if item.offering else "",
        offering_version=item.offering.version if item.offering else None,
        name=item.product.name,
        characteristics={one.name: one.value for one in item.product.characteristics},
        path=path,
        status=_status(item, path),
    )
    before = relationships.products_before(item.model_extra or {}, path)
    return product_orders.ProductItemRequest(asked, target, _item_extra(item), before, parent)


def _status(item: Item, path: str) -> products.ProductStatus | None:
    """What a modify wants the product to be; any other status follows from what becomes of it."""
    status = item.product.status
    if status is None or item.action is views.ItemAction.NO_CHANGE:
        return None
    if item.action is not views.ItemAction.MODIFY:
        order_body.refuse_given({"status": status}, ("status",), f"{path}.product")
    if status not in _STATUSES:
        raise errors.OrderRejected(
            f"a modify makes a product {' or '.join(_STATUSES)}, not {ascii(status)[:40]}",
            field=f"{path}.product.status",
            code="invalidValue",
        )
    return products.ProductStatus(status)


def _item_extra(item: Item) -> dict[str, Any]:
    """What the sender wrote beyond our model, by place, so that rendering can put it back."""
    product = item.product
    beside = {one.name: one.model_extra for one in product.characteristics if one.model_extra}
    kept = dict(product.model_extra or {})
    kept |= {"status": product.status} if product.status is not None else {}
    kept |= {"productCharacteristic": beside} if beside else {}
    extra = dict(item.model_extra or {}) | ({"product": kept} if kept else {})
    if item.offering and item.offering.model_extra:
        extra["productOffering"] = item.offering.model_extra
    return extra


def _require_target(item: Item, target: str | None, path: str) -> None:
    if item.action is views.ItemAction.ADD:
        if item.offering is None:
            raise errors.OrderRejected(
                "add needs the offering of the new product", field=f"{path}.productOffering"
            )
        if target is not None:
            raise errors.OrderRejected(
                "add makes a new product: its id is set by the provider", field=f"{path}.product.id"
            )
    elif target is None:
        raise errors.OrderRejected(
            f"{item.action.value} needs the id of an existing product", field=f"{path}.product.id"
        )


def _target(product: Product) -> str | None:
    """The existing product an item names, by id or by its href here."""
    return order_items.target(product.id, product.model_extra, _PRODUCTS)
