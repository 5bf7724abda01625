"""TMF641 Service Ordering v4.1: an order view becomes a body."""

from __future__ import annotations

import dataclasses
from typing import Any, Final
from urllib.parse import quote

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_items
from oss_agent import errors
from oss_agent.spi import query, views
from oss_agent.spi.orders import Orders, of_resources

_PASSED: Final = {
    "planned": "what changes on each device is written down",
    "held": "every device has it and can still take it back",
    "proven": "it was seen to work and is kept",
    "completed": "it is completed",
    "rolledBack": "it was undone again, because another item failed",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """Service orders alone: orders of resources by themselves are shown by TMF652."""

    orders: Orders

    async def find(self, asked: query.Query, /) -> query.Page[views.ServiceOrderView]:
        """Orders that match; the owner finds service orders only."""
        return await self.orders.find(asked)

    async def get(self, tenant: str, key: str) -> views.ServiceOrderView:
        """One order; NotFound."""
        if of_resources(key):
            raise errors.NotFound(f"serviceOrder {ascii(key)[:40]}")
        return await self.orders.get(tenant, key)


def render(view: views.ServiceOrderView, hrefs: Hrefs) -> dict[str, Any]:
    """A service order as TMF641 v4.1 shows it."""
    own = {
        "id": view.id,
        "href": hrefs.order(view.id),
        "externalId": view.external_id,
        "description": view.description,
        "category": view.category,
        "priority": view.priority,
        "state": view.state.value,
        "orderDate": r.stamp(view.order_date),
        "requestedStartDate": r.stamp(view.requested_start),
        "requestedCompletionDate": r.stamp(view.requested_completion),
        "startDate": r.stamp(view.start_date),
        "completionDate": r.stamp(view.completion_date),
        "expectedCompletionDate": r.stamp(view.expected_completion),
        "cancellationDate": r.stamp(view.cancellation_date),
        "cancellationReason": view.cancellation_reason,
        "errorMessage": [_error(view.error, "ServiceOrderErrorMessage")] if view.error else None,
        "milestone": _milestones(view) or None,
        "jeopardyAlert": [_alert(one, view.id) for one in view.jeopardy] or None,
        "note": notes(view) or None,
        "serviceOrderItem": order_items.nested(
            ((_render_item(item, hrefs), item.parent) for item in view.items), "serviceOrderItem"
        ),
    }
    return {"@type": "ServiceOrder"} | dict(view.extra) | r.present(own)


def _render_item(item: views.OrderItemView, hrefs: Hrefs) -> dict[str, Any]:
    extra = dict(item.extra)
    extra.pop("service", None)
    service = service_of(item, hrefs)
    error = [_error(item.error, "ServiceOrderItemErrorMessage")] if item.error else None
    own = {
        "id": item.id,
        "action": item.action.value,
        "state": item.state.value,
        "service": service,
        "errorMessage": error,
    }
    return {"@type": "ServiceOrderItem"} | extra | r.present(own)


def service_of(item: views.OrderItemView, hrefs: Hrefs) -> dict[str, Any]:
    """The service of an item, with what its sender wrote beside our model."""
    extra = dict(item.extra.get("service", {}))
    beside = extra.pop("serviceCharacteristic", {})
    ref = extra.pop("serviceSpecification", {}) | r.specification(item.specification)
    own = {
        "id": item.service_id or None,
        "href": hrefs.service(item.service_id) if item.service_id else None,
        "name": item.service_name or None,
        "state": item.service_state.value if item.service_state else None,
        "serviceSpecification": ref if item.specification.id else None,
        "serviceCharacteristic": r.characteristics(item.characteristics, beside) or None,
    }
    return {"@type": "Service"} | extra | r.present(own)


def _error(error: views.ErrorView, kind: str) -> dict[str, Any]:
    return r.present(
        {
            "code": error.code,
            "reason": error.reason,
            "message": error.message,
            "referenceError": _reference(error),
            "timestamp": r.stamp(error.at),
            "@type": kind,
        }
    )


def _reference(error: views.ErrorView) -> str | None:
    """A URI, as TMF641 wants one: what kind of error it is, and what it is about."""
    if error.reference is None:
        return None
    code, about = (quote(words, safe=".") for words in (error.code, error.reference))
    return f"urn:oss-agent:error:{code}#{about}"


def _milestones(view: views.ServiceOrderView) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{item.id}.{name}",
            "name": name,
            "milestoneDate": r.stamp(at),
            "status": "achieved",
            "message": f"item {item.id}: {_PASSED.get(name, name)}",
            "serviceOrderItem": [_item_ref(item.id, view.id)],
            "@type": "Milestone",
        }
        for item in view.items
        for name, at in item.milestones
    ]


def _alert(alert: views.JeopardyView, order: str) -> dict[str, Any]:
    return r.present(
        {
            "id": f"{order}.{alert.level}",
            "name": alert.name,
            "alertDate": r.stamp(alert.at),
            "jeopardyType": alert.level.value,
            "exception": alert.exception or None,
            "message": alert.message,
            "serviceOrderItem": [_item_ref(item, order) for item in alert.items],
            "@type": "JeopardyAlert",
        }
    )


def _item_ref(item: str, order: str) -> dict[str, Any]:
    return {"itemId": item, "serviceOrderId": order, "@type": "ServiceOrderItemRef"}


_ADOPTION: Final = (
    "adoption: what the devices have already becomes the service as it is, nothing is sent to them"
)


def notes(view: views.ServiceOrderView) -> list[Any]:
    """The sender's notes, then ours: what was proven, and what an item waits for."""
    theirs = view.extra.get("note")
    notes: list[Any] = list(theirs) if isinstance(theirs, list) else []
    if view.adoption:
        notes.append(r.note(_ADOPTION, view.order_date))
    for item in view.items:
        if item.evidence:
            notes.append(_evidence_note(item))
        if item.wait:
            notes.append(r.note(f"item {item.id} waits: {item.wait.reason}", item.wait.since))
    return notes


def _evidence_note(item: views.OrderItemView) -> dict[str, Any]:
    facts = "; ".join(f"{e.kind} {e.device} {e.outcome}: {e.reason}" for e in item.evidence)
    return r.note(f"item {item.id} evidence: {facts}", max(e.at for e in item.evidence))
