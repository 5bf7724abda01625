"""TMF652 v4 cancelResourceOrder: a posted task becomes a wish, a view becomes a body."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from bss_bridge.engine import rendering as r
from bss_bridge.engine import surface
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_cancel
from oss_agent import errors
from oss_agent.spi import orders, query, views
from oss_agent.spi.resource_orders import AnyResourceOrder, ResourceOrderView

EXAMPLE: Final = {
    "resourceOrder": {"id": "ro17", "@type": "ResourceOrderRef", "@referredType": "ResourceOrder"},
    "cancellationReason": "the port is needed after all",
}
_ABOUT: Final = "resourceOrder"


def render(view: views.CancelView, hrefs: Hrefs) -> dict[str, Any]:
    """A task as TMF652 v4 shows it."""
    order = r.reference(view.order, hrefs.resource_order(view.order), "ResourceOrder")
    return order_cancel.render(view, _ABOUT, hrefs.resource_cancellation(view.id), order)


def creation(
    tasks: orders.Cancellations, known: query.Port[AnyResourceOrder], hrefs: Hrefs
) -> surface.Create:
    """How an order's cancellation is asked for: stored and synced, then shown."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        wish = order_cancel.wish(found, _ABOUT, surface.caller(request))
        refuse_of_service(await known.get(wish.tenant, wish.order), f"{_ABOUT}.id", "cancel")
        return render(await tasks.request(wish), hrefs)

    return create


def refuse_of_service(view: AnyResourceOrder, field: str, verb: str) -> views.ServiceOrderView:
    """The order, when it was sent as one; OrderRejected (409) when a service order became it."""
    if isinstance(view, ResourceOrderView):
        raise errors.OrderRejected(
            f"resource order {view.id} is what service order {view.order} does to {view.device}: "
            f"{verb} that order",
            field=field,
            status=409,
            code="illegalState",
        )
    return view
