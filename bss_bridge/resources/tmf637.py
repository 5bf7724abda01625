"""TMF637 Product Inventory v4: a product view becomes a body."""

from __future__ import annotations

from typing import Any

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from oss_agent.spi.products import ProductView


def render(view: ProductView, hrefs: Hrefs) -> dict[str, Any]:
    """A product; the services that realize it are those that came to be."""
    own = {
        "id": view.id,
        "href": hrefs.product(view.id),
        "name": view.name,
        "status": view.status.value,
        "isBundle": len(view.services) > 1,
        "orderDate": r.stamp(view.order_date),
        "startDate": r.stamp(view.start_date),
        "terminationDate": r.stamp(view.termination_date),
        "productOffering": r.offering(view.offering),
        "productCharacteristic": r.characteristics(view.characteristics),
        "productOrderItem": [_made_by(view, hrefs)],
        "realizingService": [
            r.reference(one.id, hrefs.service(one.id), "Service") | {"name": one.name}
            for one in view.services
            if one.state is not None
        ],
        "relatedParty": r.customer(view.customer) or [],
        "@type": "Product",
    }
    return r.present(own)


def _made_by(view: ProductView, hrefs: Hrefs) -> dict[str, Any]:
    return {
        "productOrderId": view.order,
        "productOrderHref": hrefs.product_order(view.order),
        "orderItemId": view.order_item,
        "orderItemAction": "add",
        "@type": "RelatedProductOrderItem",
        "@referredType": "ProductOrderItem",
    }
