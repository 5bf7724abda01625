"""Decides what a patched TMF641 v4.1 order asks for: an Amendment, or a refusal by field.

What we do not model is kept as it is sent; of an item its characteristics may change and nothing
else. An attribute of an item that the patch leaves out stays: it could not be taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bss_bridge.engine import patching, rendering, wire, writes
from bss_bridge.resources import order_body
from oss_agent import errors
from oss_agent.spi import orders, views

_PLAIN: Final = {
    "category": "category",
    "description": "description",
    "priority": "priority",
    "requestedCompletionDate": "requested_completion",
    "requestedStartDate": "requested_start",
}
_KEPT: Final = ("externalReference", "note", "relatedParty")
_ITEMS: Final = "serviceOrderItem"
ATTRIBUTES: Final = frozenset({*_PLAIN, *_KEPT, _ITEMS, "state"})
"""What a patch may name."""
US: Final = "oss-agent"
"""The author of the notes that are ours."""
Json = dict[str, Any]


def amendment(change: writes.Change[views.ServiceOrderView], by: str) -> orders.Amendment:
    """Translate one patch. OrderRejected (400, 409) names the field; nothing was changed."""
    known = {item.id: item for item in change.view.items}
    items = _items(change.before, change.after, known, "") if _ITEMS in change.names else ()
    return orders.Amendment(
        expected=change.view,
        by=by,
        attributes=_attributes(change),
        extra=_extra(change),
        items=tuple(items),
        hold=_hold(change.after.get("state")) if "state" in change.names else None,
    )


def _attributes(change: writes.Change[views.ServiceOrderView]) -> dict[str, Any]:
    named = {name: change.after.get(name) for name in _PLAIN if name in change.names}
    found = wire.parse(wire.ServiceOrderChange, named)
    return {_PLAIN[name]: getattr(found, _PLAIN[name]) for name in named}


def _extra(change: writes.Change[views.ServiceOrderView]) -> Json | None:
    names = [name for name in _KEPT if name in change.names]
    if not names:
        return None
    kept = dict(change.view.extra)
    for name in names:
        found = _array(change.after.get(name), name)
        if name == "relatedParty":
            _refuse_other_requester(found, change.view)
        kept[name] = _theirs(found, change.before) if name == "note" else found
    return {name: value for name, value in kept.items() if value or name not in names}


def _array(value: Any, field: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise errors.OrderRejected("must be an array of objects", field=field)
    return value


def _theirs(notes: list[Any], before: Json) -> list[Any]:
    """The sender's notes: ours are facts that the order shows as long as they hold."""
    shown = before.get("note", [])
    for place, one in enumerate(notes):
        if one.get("author") == US and one not in shown:
            raise errors.OrderRejected(f"{US} writes its own notes", field=f"note[{place}].author")
    return [one for one in notes if one.get("author") != US]


def _refuse_other_requester(parties: list[Any], order: views.ServiceOrderView) -> None:
    if (order_body.requester(parties) or order.requester) != order.requester:
        raise errors.OrderRejected(
            f"an order keeps its requester, {order.requester}",
            field="relatedParty",
            code="notPatchable",
        )


def _hold(state: Any) -> bool:
    """Is the order to be put on hold, or released?"""
    if state == views.OrderState.HELD:
        return True
    if state in (views.OrderState.IN_PROGRESS, views.OrderState.ACKNOWLEDGED):
        return False
    if state == views.OrderState.CANCELLED:
        raise errors.OrderRejected(
            "is reached by a task: POST cancelServiceOrder with this order's id",
            field="state",
            status=409,
            code="illegalState",
        )
    raise errors.OrderRejected(
        "held puts the order on hold, inProgress lets it go on; no other state can be asked for",
        field="state",
        code="notPatchable",
    )


def _items(
    was: Mapping[str, Any],
    now: Mapping[str, Any],
    known: Mapping[str, views.OrderItemView],
    at: str,
) -> list[orders.ItemChange]:
    """What differs in the items of an order, or of an item that others are nested in."""
    before, after = was.get(_ITEMS, []), _array(now.get(_ITEMS), f"{at}{_ITEMS}")
    if [one.get("id") for one in after] != [one["id"] for one in before]:
        raise errors.OrderRejected(
            "items stay as many and in their order: send an order for more, cancel this one for "
            "less",
            field=f"{at}{_ITEMS}",
            code="notPatchable",
        )
    found: list[orders.ItemChange] = []
    for place, (one, other) in enumerate(zip(before, after, strict=True)):
        path = f"{at}{_ITEMS}[{place}]"
        if not patching.same(one, other):
            found += _item(one, other, known[one["id"]], path)
            found += _items(one, other, known, f"{path}.") if _ITEMS in other else []
    return found


def _item(was: Json, now: Json, item: views.OrderItemView, path: str) -> list[orders.ItemChange]:
    _refuse_other(was, now, ("service", _ITEMS), path)
    before, name = was.get("service", {}), "serviceCharacteristic"
    service = now.get("service", before)
    if not isinstance(service, dict):
        raise errors.OrderRejected("must be an object", field=f"{path}.service")
    _refuse_other(before, service, (name,), f"{path}.service")
    if name not in service or patching.same(before.get(name), service[name]):
        return []
    try:
        said = wire.parse(wire.Service, {name: service[name]}).characteristics
    except errors.OrderRejected as bad:
        field = f"{path}.service.{bad.field}"
        raise errors.OrderRejected(bad.reason, field=field) from None
    return [_change(item, said)]


def _refuse_other(was: Json, now: Json, but: tuple[str, ...], path: str) -> None:
    """What is said otherwise and is none of ``but``; what is not said is as it was."""
    differ = [name for name in patching.changed(was, now) if name in now and name not in but]
    if differ:
        raise errors.OrderRejected(
            "cannot be patched: of an item only service.serviceCharacteristic can",
            field=f"{path}.{differ[0]}",
            code="notPatchable",
        )


def _change(item: views.OrderItemView, said: tuple[wire.Characteristic, ...]) -> orders.ItemChange:
    # A modify that takes a characteristic back says null, which is not shown: it still does.
    taken_back = {name: None for name, value in item.characteristics.items() if value is None}
    extra, service = dict(item.extra), dict(item.extra.get("service", {}))
    beside = {one.name: kept for one in said if (kept := _beside(one, item, service))}
    service.pop("serviceCharacteristic", None)
    service |= {"serviceCharacteristic": beside} if beside else {}
    extra.pop("service", None)
    return orders.ItemChange(
        id=item.id,
        characteristics=taken_back | {one.name: one.value for one in said},
        extra=extra | ({"service": service} if service else {}),
    )


def _beside(
    one: wire.Characteristic, item: views.OrderItemView, service: Mapping[str, Any]
) -> Json:
    """What the sender says beside a characteristic, without what we had shown there."""
    before = service.get("serviceCharacteristic", {}).get(one.name, {})
    kinds = {rendering.value_type(v) for v in (one.value, item.characteristics.get(one.name))}
    ours = {"@type": {"Characteristic"}, "valueType": kinds}
    said = one.model_extra or {}
    return {
        name: value
        for name, value in said.items()
        if name in before or name not in ours or value not in ours[name]
    }
