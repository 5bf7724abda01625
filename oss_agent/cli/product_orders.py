"""Product orders (TMF622) and resource orders (TMF652) beside service orders: which is which.

Ids of product orders begin with ``po``; what the daemon explains, plans or approves is the service
order that one became. Those of resource orders begin with ``ro``, and are orders as service orders are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oss_agent.cli import client, context
from oss_agent.spi.orders import of_resources

BASE = "/tmf-api/productOrderingManagement/v4"
PRODUCTS = "/tmf-api/productInventory/v4/product"


def is_one(order: str) -> bool:
    """Is this the id of a product order?"""
    return order.startswith("po")


def collection(order: str) -> str:
    """Where the order with this id is."""
    if of_resources(order):
        return client.RESOURCE_ORDERS
    return f"{BASE}/productOrder" if is_one(order) else client.SERVICE_ORDERS


def collection_of(body: Mapping[str, Any]) -> str:
    """Where an order like this is sent."""
    if "orderItem" in body:
        return client.RESOURCE_ORDERS
    return f"{BASE}/productOrder" if "productOrderItem" in body else client.SERVICE_ORDERS


def cancellation(order: str) -> tuple[str, dict[str, Any]]:
    """Where the wish to cancel an order is sent, and how it names the order."""
    if is_one(order):
        return f"{BASE}/cancelProductOrder", {"productOrder": {"id": order}}
    if of_resources(order):
        return client.RESOURCE_CANCELLATIONS, {"resourceOrder": {"id": order}}
    return client.CANCELLATIONS, {"serviceOrder": {"id": order}}


def below(here: context.Here, order: str) -> str:
    """The service order that a product order became; any other order is itself."""
    if not is_one(order):
        return order
    found: str = here.api.get(f"{collection(order)}/{order}")["serviceOrder"]["id"]
    return found


def show(here: context.Here, order: str) -> None:
    """A product order with the products that it is about, and the services these are now."""
    view = here.api.get(f"{collection(order)}/{order}")
    if here.screen.as_json:
        here.screen.json(view)
        return
    here.screen.facts(
        [
            ("product order", view["id"]),
            ("state", view["state"]),
            ("accepted", view["orderDate"]),
            ("completed", view.get("completionDate")),
            ("service order", view["serviceOrder"]["id"]),
            *(("note", note["text"]) for note in view.get("note", ())),
        ]
    )
    _show_items(here, view["productOrderItem"])


def _show_items(here: context.Here, items: Sequence[Mapping[str, Any]]) -> None:
    for item in items:
        _show_item(here, item)
        _show_items(here, item.get("productOrderItem", ()))


def _show_item(here: context.Here, item: Mapping[str, Any]) -> None:
    told, offering = item["product"], item["productOffering"]
    product = here.api.get(f"{PRODUCTS}/{told['id']}")
    here.screen.text("")
    here.screen.facts(
        [
            (f"item {item['id']}", f"{item['action']} {told['name']} · {item['state']}"),
            ("offering", f"{offering['name']} {offering['version']}"),
            ("product", f"{product['id']} · {product['status']}"),
        ]
    )
    columns = [("SERVICE", "id"), ("NAME", "name")]
    here.screen.table(product["realizingService"], columns, "no services yet")
