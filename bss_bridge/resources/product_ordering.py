"""Posting: TMF622 bodies to ``spi.product_orders.ProductOrders``."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from fastapi import Request

from bss_bridge.engine import surface, writes
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_patch, ordering, product_body, tmf622
from oss_agent import errors
from oss_agent.spi import product_orders

EXAMPLE: Final = {
    "externalId": "BSS-4712",
    "description": "VPN and Internet access for acme",
    "relatedParty": [
        {"id": "acme", "role": "customer", "@type": "RelatedParty", "@referredType": "Organization"}
    ],
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "productOffering": {"id": "business-bundle", "@type": "ProductOfferingRef"},
            "product": {
                "name": "acme",
                "productCharacteristic": [
                    {
                        "name": "sites",
                        "value": [
                            {"name": "hq", "port": "pe1:eth3", "address": "172.16.1.1/24"},
                            {"name": "branch", "port": "pe2:eth3", "address": "172.16.2.1/24"},
                        ],
                    },
                    {"name": "internetPort", "value": "pe1:eth4"},
                    {"name": "internetBandwidth", "value": 50},
                ],
            },
        }
    ],
}


def creation(book: product_orders.ProductOrders, hrefs: Hrefs) -> surface.Create:
    """How a product order is created: stored and synced, then shown. 201 also when it was here."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        _refuse_unheeded(request)
        caller = surface.caller(request)
        asked = product_body.product_order_request(
            found,
            tenant=caller.tenant,
            sender=caller.name,
            idempotency_key=ordering.idempotency_key(request),
        )
        asked = dataclasses.replace(asked, fallout=ordering.fallout_policy(request))
        return tmf622.render((await book.submit(asked)).order, hrefs)

    return create


def patch(
    book: product_orders.ProductOrders,
) -> writes.Patch[product_orders.ProductOrderView]:
    """How a product order is changed: with its service order, in its owner's unit."""

    async def apply(
        change: writes.Change[product_orders.ProductOrderView], request: Request
    ) -> product_orders.ProductOrderView:
        by = surface.caller(request).name
        return await book.amend(order_patch.of_product(change, by))

    return writes.Patch(order_patch.PRODUCT.attributes, apply)


def _refuse_unheeded(request: Request) -> None:
    """What speaks of a service order's items would not be obeyed here."""
    for name in ("Plan-Hash", "Out-Of-Band"):
        if name.lower() in request.headers:
            raise errors.OrderRejected(
                "is for service orders: send it without, and approve or choose on the service "
                "order that it becomes",
                field=name,
            )
