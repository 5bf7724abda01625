"""Decides what a posted TMF641 v4.1 body asks for: a strict OrderRequest, or a refusal by field.

What only the provider sets, and what would be understood but silently not done, is refused here;
what an attribute may hold is the catalogue's to judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bss_bridge.engine import intake, wire
from bss_bridge.engine.hrefs import SERVICE_INVENTORY
from bss_bridge.resources import order_items, order_size, relationships, wished_state
from oss_agent import errors
from oss_agent.spi import orders, views

_OURS: Final = (
    *("id", "href", "state", "orderDate", "startDate", "completionDate"),
    *("expectedCompletionDate", "errorMessage", "milestone", "jeopardyAlert"),
)
_OURS_OF_ITEM: Final = ("state", "errorMessage")
_SERVICES: Final = f"{SERVICE_INVENTORY}/service"
_UNDONE_OF_ITEM: Final = ("appointment",)


def order_request(
    found: Mapping[str, Any], *, tenant: str, sender: str, idempotency_key: str | None
) -> orders.OrderRequest:
    """Translate one posted order. OrderRejected (400) names the field; nothing was stored."""
    refuse_given(found, _OURS, "")
    order_size.judge(found, "serviceOrderItem")
    body = wire.parse(wire.ServiceOrder, found)
    extra = body.model_extra or {}
    return orders.OrderRequest(
        tenant=tenant,
        requester=requester(extra.get("relatedParty")) or sender,
        items=tuple(_item(*one) for one in order_items.flat(body.items, "serviceOrderItem")),
        body_digest=intake.digest(dict(found)),
        idempotency_key=idempotency_key,
        external_id=body.external_id,
        description=body.description,
        category=body.category,
        priority=body.priority,
        requested_start=body.requested_start,
        requested_completion=body.requested_completion,
        extra=extra,
        after=relationships.orders_before(extra.get("orderRelationship")),
    )


def _item(item: wire.Item, path: str, parent: str | None) -> orders.ItemRequest:
    refuse_given(item.model_extra or {}, _OURS_OF_ITEM, path)
    refuse_undone(item.model_extra or {}, _UNDONE_OF_ITEM, path)
    _require_target(item, path)
    service = item.service
    before = relationships.items_before(item.model_extra or {}, path)
    return orders.ItemRequest(
        id=item.id,
        action=item.action,
        specification=service.specification.id if service.specification else "",
        specification_version=service.specification.version if service.specification else None,
        service_id=_target(service),
        service_name=service.name,
        characteristics={one.name: one.value for one in service.characteristics},
        path=path,
        extra=_item_extra(item),
        after=before.own,
        after_others=before.others,
        parent=parent,
        service_state=wished_state.of(
            item.action, service.state, f"{path}.service", enabled=service.enabled
        ),
    )


def _item_extra(item: wire.Item) -> dict[str, Any]:
    """What the sender wrote beyond our model, by place, so that rendering can put it back."""
    service = item.service
    beside = {one.name: one.model_extra for one in service.characteristics if one.model_extra}
    kept = dict(service.model_extra or {})
    kept |= {"state": service.state} if service.state else {}
    kept |= {"isServiceEnabled": service.enabled} if service.enabled is not None else {}
    kept |= {"serviceCharacteristic": beside} if beside else {}
    if service.specification and service.specification.model_extra:
        kept["serviceSpecification"] = service.specification.model_extra
    return dict(item.model_extra or {}) | ({"service": kept} if kept else {})


def refuse_given(found: Mapping[str, Any], names: Sequence[str], path: str) -> None:
    """OrderRejected when a body sets what only the provider sets."""
    given = next((name for name in names if name in found), None)
    if given is not None:
        field = f"{path}.{given}".removeprefix(".")
        raise errors.OrderRejected(f"{given} is set by the provider: leave it out", field=field)


def refuse_undone(extra: Mapping[str, Any], names: Sequence[str], path: str) -> None:
    """OrderRejected when an item says one of ``names``, or a quantity but 1: it would be ignored."""
    name = next((name for name in names if extra.get(name)), None)
    if extra.get("quantity", 1) != 1:
        name = "quantity"
    if name:
        raise errors.OrderRejected(
            "is understood but not carried out yet, and ignoring it would be worse: leave it out",
            field=f"{path}.{name}",
            code="notSupported",
        )


def _require_target(item: wire.Item, path: str) -> None:
    service = item.service
    if item.action is views.ItemAction.ADD:
        if service.specification is None:
            raise errors.OrderRejected(
                "add needs the specification of the new service",
                field=f"{path}.service.serviceSpecification",
            )
        if service.id is not None:
            raise errors.OrderRejected(
                "add makes a new service: its id is set by the provider",
                field=f"{path}.service.id",
            )
    elif _target(service) is None:
        raise errors.OrderRejected(
            f"{item.action.value} needs the id of an existing service", field=f"{path}.service.id"
        )


def _target(service: wire.Service) -> str | None:
    """The existing service an item names, by id or by its href here."""
    return order_items.target(service.id, service.model_extra, _SERVICES)


def requester(parties: Any) -> str | None:
    """The party that asks; a customer speaks for itself when nobody else does."""
    if parties is None:
        return None
    if not isinstance(parties, list):
        raise errors.OrderRejected("must be a list", field="relatedParty")
    by_role: dict[str | None, str] = {}
    for place, party in enumerate(parties):
        named = wire.parse_at(wire.Party, party, f"relatedParty[{place}]")
        by_role.setdefault(named.role and named.role.lower(), named.id)
    return by_role.get("requester") or by_role.get("customer")
