"""Decides what a posted TMF652 v4 body asks for: a strict OrderRequest, or a refusal by field.

It is the same order as TMF641's, of resources by themselves; what an attribute may hold is the
catalogue's to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bss_bridge.engine import intake, wire
from bss_bridge.engine.hrefs import RESOURCE_INVENTORY
from bss_bridge.resources import order_body, order_items, order_size, relationships
from oss_agent import errors
from oss_agent.spi import orders, views

_OURS: Final = (
    *("id", "href", "state", "orderDate", "startDate", "completionDate"),
    "expectedCompletionDate",
)
_OURS_OF_RESOURCE: Final = (
    *("administrativeState", "operationalState", "usageState", "resourceStatus"),
    *("startOperatingDate", "endOperatingDate"),
)
_UNDONE_OF_ITEM: Final = ("appointment", "orderItem")
_RESOURCES: Final = f"{RESOURCE_INVENTORY}/resource"
_DIGEST: Final = "TMF652"


def order_request(
    found: Mapping[str, Any], *, tenant: str, sender: str, idempotency_key: str | None
) -> orders.OrderRequest:
    """Translate one posted order. OrderRejected (400) names the field; nothing was stored."""
    order_body.refuse_given(found, _OURS, "")
    order_size.judge(found, "orderItem")
    body = wire.parse(wire.ResourceOrder, found)
    extra = body.model_extra or {}
    return orders.OrderRequest(
        tenant=tenant,
        requester=order_body.requester(extra.get("relatedParty")) or sender,
        items=tuple(_item(one, f"orderItem[{n}]") for n, one in enumerate(body.items)),
        # Keys are one space with service orders: the same words there are another order.
        body_digest=intake.digest({_DIGEST: dict(found)}),
        idempotency_key=idempotency_key,
        external_id=body.external_id,
        description=body.description,
        category=body.category,
        priority=body.priority,
        requested_start=body.requested_start,
        requested_completion=body.requested_completion,
        extra=extra,
    )


def _item(item: wire.ResourceItem, path: str) -> orders.ItemRequest:
    beyond, resource = item.model_extra or {}, item.resource
    order_body.refuse_given(beyond, ("state",), path)
    order_body.refuse_given(resource.model_extra or {}, _OURS_OF_RESOURCE, f"{path}.resource")
    order_body.refuse_undone(beyond, _UNDONE_OF_ITEM, path)
    specification = _specification(item, path)
    _require_target(item, specification, path)
    before = relationships.items_before(beyond, path, relationships.RESOURCE)
    return orders.ItemRequest(
        id=item.id,
        action=item.action,
        specification=specification.id if specification else "",
        specification_version=specification.version if specification else None,
        service_id=_target(resource),
        service_name=resource.name,
        characteristics={one.name: one.value for one in resource.characteristics},
        path=path,
        extra=_extra(item),
        after=before.own,
        after_others=before.others,
        resource=True,
    )


def _specification(item: wire.ResourceItem, path: str) -> wire.Specification | None:
    """It may stand beside the resource or in it, and must not be two."""
    beside, inside = item.specification, item.resource.specification
    if beside and inside and (beside.id, beside.version) != (inside.id, inside.version):
        raise errors.OrderRejected(
            "is another one than resource.resourceSpecification: say it once",
            field=f"{path}.resourceSpecification",
        )
    return inside or beside


def _require_target(
    item: wire.ResourceItem, specification: wire.Specification | None, path: str
) -> None:
    adds = item.action is views.ItemAction.ADD
    if adds and specification is None:
        raise errors.OrderRejected(
            "add needs the specification of the new resource",
            field=f"{path}.resource.resourceSpecification",
        )
    if adds and item.resource.id is not None:
        raise errors.OrderRejected(
            "add makes a new resource: its id is set by the provider", field=f"{path}.resource.id"
        )
    if not adds and _target(item.resource) is None:
        raise errors.OrderRejected(
            f"{item.action.value} needs the id of an existing resource", field=f"{path}.resource.id"
        )


def _target(resource: wire.Resource) -> str | None:
    """The existing resource an item names, by id or by its href here."""
    return order_items.target(resource.id, resource.model_extra, _RESOURCES)


def _extra(item: wire.ResourceItem) -> dict[str, Any]:
    """What the sender wrote beyond our model, by place, so that rendering can put it back."""
    resource = item.resource
    beside = {one.name: one.model_extra for one in resource.characteristics if one.model_extra}
    kept = dict(resource.model_extra or {})
    kept.pop("href", None)
    kept |= {"resourceCharacteristic": beside} if beside else {}
    return dict(item.model_extra or {}) | ({"resource": kept} if kept else {})
