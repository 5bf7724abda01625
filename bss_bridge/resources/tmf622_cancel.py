"""TMF622 v4 cancelProductOrder: a posted task becomes a wish, a view becomes a body."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from bss_bridge.engine import rendering as r
from bss_bridge.engine import surface
from bss_bridge.engine.hrefs import PRODUCT_ORDERING, Hrefs
from bss_bridge.resources import order_cancel
from oss_agent.spi import product_orders

EXAMPLE: Final = {
    "productOrder": {"id": "po17", "@type": "ProductOrderRef", "@referredType": "ProductOrder"},
    "cancellationReason": "the customer moved",
}
_ABOUT: Final = "productOrder"


def render(view: product_orders.ProductCancelView, hrefs: Hrefs) -> dict[str, Any]:
    """A task as TMF622 shows it."""
    place = hrefs.to(f"{PRODUCT_ORDERING}/cancelProductOrder", view.id)
    order = r.reference(view.order, hrefs.product_order(view.order), "ProductOrder")
    return order_cancel.render(view.task, _ABOUT, place, order)


def creation(tasks: product_orders.ProductCancellations, hrefs: Hrefs) -> surface.Create:
    """How a product order's cancellation is asked for: stored and synced, then shown."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        wish = order_cancel.wish(found, _ABOUT, surface.caller(request))
        return render(await tasks.request(wish), hrefs)

    return create
