"""TMF652 Resource Ordering v4: a resource order view becomes a body."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from oss_agent.spi.resource_orders import ResourceOrderView
from oss_agent.spi.views import ItemAction

_ACTIONS: Final = {ItemAction.NO_CHANGE: "no_change"}
"""This specification's own spelling; the rest is spelled alike."""


def render(view: ResourceOrderView, hrefs: Hrefs) -> dict[str, Any]:
    """One device change. The service order stands in externalReference: v4 has no link to it."""
    own = {
        "id": view.id,
        "href": hrefs.resource_order(view.id),
        "name": f"{view.rfs} on {view.device}",
        "category": "network",
        "orderType": "deviceChange",
        "state": view.state.value,
        "orderDate": r.stamp(view.order_date),
        "completionDate": r.stamp(view.completion_date),
        "externalReference": [
            {
                "id": view.order,
                "entityType": "serviceOrder",
                "owner": "oss-agent",
                "href": hrefs.order(view.order),
                "@type": "ExternalId",
            }
        ],
        "orderItem": [_item(view, hrefs)],
        "@type": "ResourceOrder",
    }
    return r.present(own)


def _item(view: ResourceOrderView, hrefs: Hrefs) -> dict[str, Any]:
    device = r.reference(view.device, hrefs.resource(view.device), "Resource")
    return {
        "id": "1",
        "action": _ACTIONS.get(view.action, view.action.value),
        "state": view.item_state.value,
        "quantity": 1,
        "resource": device | {"name": view.device},
        "@type": "ResourceOrderItem",
    }
