"""TMF652 Resource Ordering v4: a resource order view becomes a body.

There are two kinds: what a service order does to one device, and what an operator ordered by itself.
"""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import specifications, tmf634, tmf641
from oss_agent.spi import views
from oss_agent.spi.resource_orders import AnyResourceOrder, ResourceOrderView
from oss_agent.spi.views import ItemAction

_ACTIONS: Final = {ItemAction.NO_CHANGE: "no_change"}
"""This specification's own spelling; the rest is spelled alike."""


def render(view: AnyResourceOrder, hrefs: Hrefs) -> dict[str, Any]:
    """Either kind."""
    return _change(view, hrefs) if isinstance(view, ResourceOrderView) else sent(view, hrefs)


def sent(view: views.ServiceOrderView, hrefs: Hrefs) -> dict[str, Any]:
    """An order of resources by themselves; v4 has no error, so notes say what went wrong."""
    own = {
        "id": view.id,
        "href": hrefs.resource_order(view.id),
        "externalId": view.external_id,
        "description": view.description,
        "category": view.category,
        "priority": int(view.priority) if view.priority else None,
        "state": view.state.value,
        "orderDate": r.stamp(view.order_date),
        "requestedStartDate": r.stamp(view.requested_start),
        "requestedCompletionDate": r.stamp(view.requested_completion),
        "startDate": r.stamp(view.start_date),
        "completionDate": r.stamp(view.completion_date),
        "expectedCompletionDate": r.stamp(view.expected_completion),
        "note": [*tmf641.notes(view), *_errors(view)] or None,
        "orderItem": [_sent_item(item, hrefs) for item in view.items],
    }
    return {"@type": "ResourceOrder"} | dict(view.extra) | r.present(own)


def _errors(view: views.ServiceOrderView) -> list[dict[str, Any]]:
    return [
        r.note(f"item {item.id} {item.error.code}: {item.error.message}", item.error.at)
        for item in view.items
        if item.error
    ]


def _sent_item(item: views.OrderItemView, hrefs: Hrefs) -> dict[str, Any]:
    extra = dict(item.extra)
    extra.pop("resource", None)
    own = {
        "id": item.id,
        "action": _ACTIONS.get(item.action, item.action.value),
        "state": item.state.value,
        "quantity": 1,
        "resource": _resource(item, hrefs),
    }
    return {"@type": "ResourceOrderItem"} | extra | own


def _resource(item: views.OrderItemView, hrefs: Hrefs) -> dict[str, Any]:
    extra = dict(item.extra.get("resource", {}))
    beside = extra.pop("resourceCharacteristic", {})
    own = {
        "id": item.service_id,
        "href": hrefs.resource(item.service_id),
        "name": item.service_name or None,
        "resourceSpecification": specifications.reference(
            item.specification, tmf634.SPECIFICATIONS, "ResourceSpecification", hrefs
        ),
        "resourceCharacteristic": r.characteristics(item.characteristics, beside) or None,
    }
    return {"@type": "LogicalResource"} | extra | r.present(own)


def _change(view: ResourceOrderView, hrefs: Hrefs) -> dict[str, Any]:
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
