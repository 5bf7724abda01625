"""Decides what an order's relationships ask for: which items and orders have to be completed first.

``dependency`` is obeyed, ``cross-ref`` between orders is kept for people; any other word is refused,
because ignoring it would be worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from bss_bridge.engine import wire
from oss_agent import errors

_Model = TypeVar("_Model", bound=wire.Relationship)
_DEPENDENCY: Final = "dependency"
_CROSS: Final = "cross-ref"


def items_before(extra: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Ids of the items that an item comes after, as it wrote them (TMF641)."""
    name = f"{path}.serviceOrderItemRelationship"
    found: list[str] = []
    for place, entry in _entries(extra.get("serviceOrderItemRelationship"), name):
        one = _parsed(wire.ItemRelationship, entry, place)
        _require_word(one.kind, (_DEPENDENCY,), place)
        if one.item.order is not None:
            raise errors.OrderRejected(
                "an item comes after items of its own order: name the other order whole, in "
                "orderRelationship",
                field=f"{place}.orderItem.serviceOrderId",
                code="notSupported",
            )
        found.append(one.item.id)
    return tuple(dict.fromkeys(found))


def orders_before(relationships: Any) -> tuple[str, ...]:
    """Ids of the orders that an order comes after (TMF641)."""
    found: list[str] = []
    for place, entry in _entries(relationships, "orderRelationship"):
        one = _parsed(wire.OrderRelationship, entry, place)
        _require_word(one.kind, (_DEPENDENCY, _CROSS), place)
        found += [one.id] if one.kind == _DEPENDENCY else []
    return tuple(dict.fromkeys(found))


def _entries(given: Any, name: str) -> list[tuple[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise errors.OrderRejected("must be an array", field=name)
    return [(f"{name}[{place}]", entry) for place, entry in enumerate(given)]


def _parsed(model: type[_Model], entry: Any, place: str) -> _Model:
    try:
        return wire.parse(model, entry)
    except errors.OrderRejected as bad:
        field = f"{place}.{bad.field}".removesuffix(".")
        raise errors.OrderRejected(bad.reason, field=field) from None


def _require_word(kind: str, known: Sequence[str], place: str) -> None:
    if kind not in known:
        raise errors.OrderRejected(
            f"is understood as {' or '.join(known)} only",
            field=f"{place}.relationshipType",
            code="notSupported",
        )
