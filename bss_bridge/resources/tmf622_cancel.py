"""TMF622 v4 cancelProductOrder: a posted task becomes a wish, a view becomes a body."""

from __future__ import annotations

from typing import Any, Final

import pydantic
from fastapi import Request

from bss_bridge.engine import rendering as r
from bss_bridge.engine import surface, wire
from bss_bridge.engine.hrefs import PRODUCT_ORDERING, Hrefs
from bss_bridge.resources import order_body
from oss_agent.spi import orders, product_orders

EXAMPLE: Final = {
    "productOrder": {"id": "po17", "@type": "ProductOrderRef", "@referredType": "ProductOrder"},
    "cancellationReason": "the customer moved",
}
_OURS: Final = (
    *("id", "href", "state"),
    *("effectiveCancellationDate", "completionMessage", "errorMessage"),
)


class Cancel(wire.Body):
    """TMF622 CancelProductOrder_Create."""

    order: wire.OrderRef = pydantic.Field(alias="productOrder")
    reason: wire.Prose | None = pydantic.Field(None, alias="cancellationReason")
    requested: wire.Moment | None = pydantic.Field(None, alias="requestedCancellationDate")


def render(view: product_orders.ProductCancelView, hrefs: Hrefs) -> dict[str, Any]:
    """A task as TMF622 shows it; completionMessage is TMF641's, an extension here."""
    task = view.task
    own = {
        "id": view.id,
        "href": hrefs.to(f"{PRODUCT_ORDERING}/cancelProductOrder", view.id),
        "state": task.state.value,
        "cancellationReason": task.reason,
        "requestedCancellationDate": r.stamp(task.requested),
        "effectiveCancellationDate": r.stamp(task.effective),
        "completionMessage": task.message,
        "productOrder": r.reference(view.order, hrefs.product_order(view.order), "ProductOrder"),
    }
    return {"@type": "CancelProductOrder"} | dict(task.extra) | r.present(own)


def creation(tasks: product_orders.ProductCancellations, hrefs: Hrefs) -> surface.Create:
    """How a product order's cancellation is asked for: stored and synced, then shown."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        caller = surface.caller(request)
        return render(await tasks.request(wish(found, caller.tenant, caller.name)), hrefs)

    return create


def wish(found: dict[str, Any], tenant: str, sender: str) -> orders.CancelRequest:
    """Translate one posted task. OrderRejected (400) names the field."""
    order_body.refuse_given(found, _OURS, "")
    body = wire.parse(Cancel, found)
    return orders.CancelRequest(
        tenant=tenant,
        order=body.order.id,
        asked_by=sender,
        reason=body.reason,
        requested=body.requested,
        extra=body.model_extra or {},
    )
