"""TMF652: an operator orders a resource by itself, through the same intake as TMF641.

What service orders do to devices is shown beside it, and is theirs to change or cancel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request

from bss_bridge.engine import hrefs, surface, writes
from bss_bridge.resources import order_patch, ordering, tmf652, tmf652_cancel
from oss_agent.spi import access, orders, query, views
from oss_agent.spi.resource_orders import AnyResourceOrder

EXAMPLE: Final = {
    "externalId": "NOC-17",
    "description": "spare ports are off",
    "orderItem": [
        {
            "id": "1",
            "action": "add",
            "resource": {
                "name": "pe1-eth5-spare",
                "resourceSpecification": {"id": "port-off", "@type": "ResourceSpecificationRef"},
                "resourceCharacteristic": [
                    {"name": "port", "value": "pe1:eth5"},
                    {"name": "description", "value": "spare"},
                ],
            },
        }
    ],
}


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceOrdering:
    """The ports behind it: ``known`` are resource orders of either kind."""

    book: orders.Orders
    known: query.Port[AnyResourceOrder]
    cancellations: orders.Cancellations


def routers(
    behind: ResourceOrdering, links: hrefs.Hrefs, paging: surface.Paging
) -> tuple[APIRouter, ...]:
    """Resource orders and their cancellations; their hub is with the others."""
    order: surface.Resource[AnyResourceOrder] = surface.Resource(
        "resourceOrder",
        hrefs.RESOURCE_ORDERING,
        behind.known,
        lambda view: tmf652.render(view, links),
        create=_creation(behind.book, links),
        patch=writes.Patch(order_patch.RESOURCE.attributes, _change(behind.book)),
        example=EXAMPLE,
        permission=access.Permission.OPERATE,
        wide=True,
        tasks=(_cancellations(behind, links),),
    )
    return (surface.router(order, paging),)


def _cancellations(behind: ResourceOrdering, links: hrefs.Hrefs) -> surface.Task[views.CancelView]:
    return surface.Task(
        "cancelResourceOrder",
        behind.cancellations,
        lambda view: tmf652_cancel.render(view, links),
        tmf652_cancel.creation(behind.cancellations, behind.known, links),
        example=tmf652_cancel.EXAMPLE,
        permission=access.Permission.OPERATE,
    )


def _creation(book: orders.Orders, links: hrefs.Hrefs) -> surface.Create:
    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        asked = ordering.request_of(found, request, resources=True)
        submitted = await book.submit(asked)
        return tmf652.sent(submitted.order, links)

    return create


def _change(
    book: orders.Orders,
) -> Callable[[writes.Change[AnyResourceOrder], Request], Awaitable[AnyResourceOrder]]:
    async def apply(change: writes.Change[AnyResourceOrder], request: Request) -> AnyResourceOrder:
        sent = tmf652_cancel.refuse_of_service(change.view, min(change.names), "amend")
        wish = writes.Change(sent, change.before, change.after, change.names)
        by = surface.caller(request).name
        return await book.amend(order_patch.of_service(wish, by, order_patch.RESOURCE))

    return apply
