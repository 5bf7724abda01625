"""TMF622 Product Ordering v4: a product order view becomes a body."""

from __future__ import annotations

from typing import Any

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_items
from oss_agent.spi import product_orders


def render(view: product_orders.ProductOrderView, hrefs: Hrefs) -> dict[str, Any]:
    """A product order as TMF622 v4 shows it; ``serviceOrder`` is an extension: what it became."""
    own = {
        "id": view.id,
        "href": hrefs.product_order(view.id),
        "externalId": view.external_id,
        "description": view.description,
        "category": view.category,
        "priority": view.priority,
        "state": view.state.value,
        "orderDate": r.stamp(view.order_date),
        "requestedStartDate": r.stamp(view.requested_start),
        "requestedCompletionDate": r.stamp(view.requested_completion),
        "completionDate": r.stamp(view.completion_date),
        "expectedCompletionDate": r.stamp(view.expected_completion),
        "cancellationDate": r.stamp(view.cancellation_date),
        "cancellationReason": view.cancellation_reason,
        "note": _notes(view) or None,
        "serviceOrder": r.reference(
            view.service_order, hrefs.order(view.service_order), "ServiceOrder"
        ),
        "productOrderItem": order_items.nested(
            ((_item(item, hrefs), item.parent) for item in view.items), "productOrderItem"
        ),
    }
    parties = {"relatedParty": r.customer(view.requester)}
    return {"@type": "ProductOrder"} | r.present(parties) | dict(view.extra) | r.present(own)


def _item(item: product_orders.ProductOrderItemView, hrefs: Hrefs) -> dict[str, Any]:
    extra = dict(item.extra)
    own = {
        "id": item.id,
        "action": item.action.value,
        "state": item.state.value,
        "productOffering": extra.pop("productOffering", {}) | r.offering(item.offering),
        "product": _product(item, dict(extra.pop("product", {})), hrefs),
    }
    return {"@type": "ProductOrderItem"} | extra | own


def _product(
    item: product_orders.ProductOrderItemView, extra: dict[str, Any], hrefs: Hrefs
) -> dict[str, Any]:
    beside = extra.pop("productCharacteristic", {})
    own = {
        "id": item.product_id,
        "href": hrefs.product(item.product_id),
        "name": item.product_name,
        "productCharacteristic": r.characteristics(item.characteristics, beside) or None,
    }
    return {"@type": "Product"} | extra | r.present(own)


def _notes(view: product_orders.ProductOrderView) -> list[Any]:
    """The sender's notes, then what is missing, and why it did not end as ordered.

    v4 has no errorMessage here.
    """
    theirs = view.extra.get("note")
    notes: list[Any] = list(theirs) if isinstance(theirs, list) else []
    for item in view.items:
        if item.needs is not None:
            names, until = ", ".join(item.needs.names), r.stamp(item.needs.until)
            notes.append(r.note(f"item {item.id} needs {names}, by {until}", item.needs.since))
    if view.error is not None:
        notes.append(r.note(f"{view.error.code}: {view.error.message}", view.error.at))
    return notes
