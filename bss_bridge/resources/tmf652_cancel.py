"""TMF652 v4 cancelResourceOrder: a posted task becomes a wish, a view becomes a body."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from bss_bridge.engine import rendering as r
from bss_bridge.engine import surface, wire
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_body
from oss_agent import errors
from oss_agent.spi import orders, query, views
from oss_agent.spi.resource_orders import AnyResourceOrder, ResourceOrderView

EXAMPLE: Final = {
    "resourceOrder": {"id": "ro17", "@type": "ResourceOrderRef", "@referredType": "ResourceOrder"},
    "cancellationReason": "the port is needed after all",
}
_OURS: Final = (
    *("id", "href", "state"),
    *("effectiveCancellationDate", "completionMessage", "errorMessage"),
)


def render(view: views.CancelView, hrefs: Hrefs) -> dict[str, Any]:
    """A task as TMF652 v4 shows it; ``completionMessage`` is an extension, as TMF641 has it."""
    own = {
        "id": view.id,
        "href": hrefs.resource_cancellation(view.id),
        "state": view.state.value,
        "cancellationReason": view.reason,
        "requestedCancellationDate": r.stamp(view.requested),
        "effectiveCancellationDate": r.stamp(view.effective),
        "completionMessage": view.message,
        "resourceOrder": r.reference(view.order, hrefs.resource_order(view.order), "ResourceOrder"),
    }
    return {"@type": "CancelResourceOrder"} | dict(view.extra) | r.present(own)


def creation(
    tasks: orders.Cancellations, known: query.Port[AnyResourceOrder], hrefs: Hrefs
) -> surface.Create:
    """How an order's cancellation is asked for: stored and synced, then shown."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        caller = surface.caller(request)
        order_body.refuse_given(found, _OURS, "")
        body = wire.parse(wire.CancelResourceOrder, found)
        refuse_of_service(
            await known.get(caller.tenant, body.order.id), "resourceOrder.id", "cancel"
        )
        wish = orders.CancelRequest(
            tenant=caller.tenant,
            order=body.order.id,
            asked_by=caller.name,
            reason=body.reason,
            requested=body.requested,
            extra=body.model_extra or {},
        )
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
