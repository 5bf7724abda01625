"""Decides what a patched order asks for, TMF641 v4.1, TMF652 and TMF622 v4 alike, or refuses by field.

What we do not model is kept as it is sent; of an item its characteristics may change and nothing
else. An attribute of an item that the patch leaves out stays: it could not be taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from bss_bridge.engine import patching, rendering, wire, writes
from bss_bridge.resources import order_body
from oss_agent import errors
from oss_agent.spi import orders, product_orders, views

_PLAIN: Final = {
    "category": "category",
    "description": "description",
    "priority": "priority",
    "requestedCompletionDate": "requested_completion",
    "requestedStartDate": "requested_start",
}
Json = dict[str, Any]
_KEPT: Final[Mapping[str, type]] = {"externalReference": list, "note": list, "relatedParty": list}
_KEPT_OF_PRODUCTS: Final[Mapping[str, type]] = {
    **dict.fromkeys(("agreement", "channel", "orderTotalPrice", "payment", "quote"), list),
    "billingAccount": dict,
    "notificationContact": str,
    "productOfferingQualification": list,
}
"""What TMF622 lets a patch say and we do not model: JSON types."""
_WORDS: Final[Mapping[type, str]] = {list: "a list of objects", dict: "an object", str: "text"}


class Item(Protocol):
    """An item as it is shown."""

    @property
    def id(self) -> str:
        """Its id in the order."""
        ...

    @property
    def characteristics(self) -> Mapping[str, Any]:
        """What it asks for."""
        ...

    @property
    def extra(self) -> Mapping[str, Any]:
        """What its sender wrote beyond our model."""
        ...


class Order(Protocol):
    """An order as it is shown."""

    @property
    def requester(self) -> str:
        """Who asks."""
        ...

    @property
    def extra(self) -> Mapping[str, Any]:
        """What its sender wrote beyond our model."""
        ...


_View = TypeVar("_View", bound=Order)


@dataclass(frozen=True, slots=True)
class Form:
    """Where an order has its items, each its ``about`` (a service, a product), that its ``said``.

    ``kept`` are the attributes that are stored as they are sent, with their JSON types.
    """

    items: str
    about: str
    said: str
    kept: Mapping[str, type]
    task: str
    attributes_of: type[wire.ServiceOrderChange] = wire.ServiceOrderChange

    @property
    def attributes(self) -> frozenset[str]:
        """What a patch may name."""
        return frozenset({*_PLAIN, *self.kept, self.items, "state"})


SERVICE: Final = Form(
    "serviceOrderItem", "service", "serviceCharacteristic", _KEPT, "cancelServiceOrder"
)
RESOURCE: Final = Form(
    "orderItem",
    "resource",
    "resourceCharacteristic",
    _KEPT,
    "cancelResourceOrder",
    wire.ResourceOrderChange,
)
PRODUCT: Final = Form(
    "productOrderItem",
    "product",
    "productCharacteristic",
    {**_KEPT, **_KEPT_OF_PRODUCTS},
    "cancelProductOrder",
)


@dataclass(frozen=True, slots=True)
class _Changed:
    """An item that is patched: its characteristics now, and what its sender says beside them."""

    id: str
    characteristics: Mapping[str, Any]
    extra: Mapping[str, Any]


def of_service(
    change: writes.Change[views.ServiceOrderView], by: str, form: Form = SERVICE
) -> orders.Amendment:
    """Translate one patch. OrderRejected (400, 409) names the field; nothing was changed."""
    items = _all_items(change, change.view.items, form)
    return orders.Amendment(
        expected=change.view,
        by=by,
        attributes=_attributes(change, form),
        extra=_extra(change, form),
        items=tuple(orders.ItemChange(i.id, i.characteristics, i.extra) for i in items),
        hold=_hold(change, form.task),
    )


def of_product(
    change: writes.Change[product_orders.ProductOrderView], by: str
) -> product_orders.ProductAmendment:
    """The same for a product order."""
    items = _all_items(change, change.view.items, PRODUCT)
    changed = product_orders.ProductItemChange
    return product_orders.ProductAmendment(
        expected=change.view,
        by=by,
        attributes=_attributes(change, PRODUCT),
        extra=_extra(change, PRODUCT),
        items=tuple(changed(i.id, i.characteristics, i.extra) for i in items),
        hold=_hold(change, PRODUCT.task),
    )


def _attributes(change: writes.Change[_View], form: Form) -> dict[str, Any]:
    named = {name: change.after.get(name) for name in _PLAIN if name in change.names}
    found = wire.parse(form.attributes_of, named)
    return {_PLAIN[name]: getattr(found, _PLAIN[name]) for name in named}


def _extra(change: writes.Change[_View], form: Form) -> Json | None:
    names = [name for name in form.kept if name in change.names]
    if not names:
        return None
    kept = dict(change.view.extra)
    for name in names:
        found = _typed(change.after.get(name), form.kept[name], name)
        if name == "relatedParty":
            _refuse_other_requester(found, change.view)
        kept[name] = _theirs(found, change.before) if name == "note" else found
    return {name: value for name, value in kept.items() if value or name not in names}


def _typed(value: Any, kind: type, field: str) -> Any:
    """The value; an empty one where there is none."""
    if value is None:
        return kind()
    odd = isinstance(value, list) and not all(isinstance(one, dict) for one in value)
    if odd or not isinstance(value, kind):
        raise errors.OrderRejected(f"must be {_WORDS[kind]}", field=field)
    return value


def _theirs(notes: list[Any], before: Json) -> list[Any]:
    """The sender's notes: ours are facts that the order shows as long as they hold."""
    shown = before.get("note", [])
    for place, one in enumerate(notes):
        if one.get("author") == rendering.US and one not in shown:
            raise errors.OrderRejected(
                f"{rendering.US} writes its own notes", field=f"note[{place}].author"
            )
    return [one for one in notes if one.get("author") != rendering.US]


def _refuse_other_requester(parties: list[Any], order: Order) -> None:
    if (order_body.requester(parties) or order.requester) != order.requester:
        raise errors.OrderRejected(
            f"an order keeps its requester, {order.requester}",
            field="relatedParty",
            code="notPatchable",
        )


def _hold(change: writes.Change[_View], task: str) -> bool | None:
    """Is the order to be put on hold, or released? None: neither."""
    if "state" not in change.names:
        return None
    state = change.after.get("state")
    if state == views.OrderState.HELD:
        return True
    if state in (views.OrderState.IN_PROGRESS, views.OrderState.ACKNOWLEDGED):
        return False
    if state == views.OrderState.CANCELLED:
        raise errors.OrderRejected(
            f"is reached by a task: POST {task} with this order's id",
            field="state",
            status=409,
            code="illegalState",
        )
    raise errors.OrderRejected(
        "held puts the order on hold, inProgress lets it go on; no other state can be asked for",
        field="state",
        code="notPatchable",
    )


def _all_items(change: writes.Change[_View], shown: Sequence[Item], form: Form) -> list[_Changed]:
    if form.items not in change.names:
        return []
    return _items(change.before, change.after, {one.id: one for one in shown}, form, "")


def _items(
    was: Mapping[str, Any], now: Mapping[str, Any], known: Mapping[str, Item], form: Form, at: str
) -> list[_Changed]:
    """What differs in the items of an order, or of an item that others are nested in."""
    field = f"{at}{form.items}"
    before, after = was.get(form.items, []), _typed(now.get(form.items), list, field)
    if [one.get("id") for one in after] != [one["id"] for one in before]:
        raise errors.OrderRejected(
            "items stay as many and in their order: send an order for more, cancel this one for "
            "less",
            field=field,
            code="notPatchable",
        )
    found: list[_Changed] = []
    for place, (one, other) in enumerate(zip(before, after, strict=True)):
        path = f"{field}[{place}]"
        if not patching.same(one, other):
            found += _item(one, other, known[one["id"]], form, path)
            found += _items(one, other, known, form, f"{path}.") if form.items in other else []
    return found


def _item(was: Json, now: Json, item: Item, form: Form, path: str) -> list[_Changed]:
    _refuse_other(was, now, (form.about, form.items), path, form)
    before = was.get(form.about, {})
    about = now.get(form.about, before)
    inner = f"{path}.{form.about}"
    if not isinstance(about, dict):
        raise errors.OrderRejected("must be an object", field=inner)
    _refuse_other(before, about, (form.said,), inner, form)
    if form.said not in about or patching.same(before.get(form.said), about[form.said]):
        return []
    return [_change(item, _said(about[form.said], form, inner), form)]


def _said(value: Any, form: Form, inner: str) -> tuple[wire.Characteristic, ...]:
    """The same array of characteristics in both specifications."""
    try:
        return wire.parse(wire.Service, {SERVICE.said: value}).characteristics
    except errors.OrderRejected as bad:
        field = f"{inner}.{bad.field.replace(SERVICE.said, form.said, 1)}"
        raise errors.OrderRejected(bad.reason, field=field) from None


def _refuse_other(was: Json, now: Json, but: tuple[str, ...], path: str, form: Form) -> None:
    """What is said otherwise and is none of ``but``; what is not said is as it was."""
    differ = [name for name in patching.changed(was, now) if name in now and name not in but]
    if differ:
        raise errors.OrderRejected(
            f"cannot be patched: of an item only {form.about}.{form.said} can; for anything else "
            "cancel the order and send another",
            field=f"{path}.{differ[0]}",
            code="notPatchable",
        )


def _change(item: Item, said: tuple[wire.Characteristic, ...], form: Form) -> _Changed:
    # A modify that takes a characteristic back says null, which is not shown: it still does.
    taken_back = {name: None for name, value in item.characteristics.items() if value is None}
    extra, about = dict(item.extra), dict(item.extra.get(form.about, {}))
    written = about.pop(form.said, {})
    beside = {one.name: kept for one in said if (kept := _beside(one, item, written))}
    about |= {form.said: beside} if beside else {}
    extra.pop(form.about, None)
    return _Changed(
        id=item.id,
        characteristics=taken_back | {one.name: one.value for one in said},
        extra=extra | ({form.about: about} if about else {}),
    )


def _beside(one: wire.Characteristic, item: Item, written: Mapping[str, Any]) -> Json:
    """What the sender says beside a characteristic, without what we had shown there."""
    kinds = {rendering.value_type(v) for v in (one.value, item.characteristics.get(one.name))}
    ours = {"@type": {"Characteristic"}, "valueType": kinds}
    before = written.get(one.name, {})
    return {
        name: value
        for name, value in (one.model_extra or {}).items()
        if name in before or name not in ours or value not in ours[name]
    }
