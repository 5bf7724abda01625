"""Decides what an order's relationships ask for: which items and orders have to be completed first.

What says that one comes after another is obeyed, what only groups or mentions (``cross-ref`` between
orders, ``bundles``) is kept for people; any other word is refused, because ignoring it would be worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bss_bridge.engine import wire
from oss_agent import errors

_DEPENDENCY: Final = "dependency"
_CROSS: Final = "cross-ref"
_BUILT_UPON: Final = ("reliesOn", "dependsOn", "requires", _DEPENDENCY)
_GROUPS: Final = ("bundles", "bundledBy")
"""TMF622 v4 lists no words: these are of its own examples and of version 5."""


@dataclass(frozen=True, slots=True)
class Before:
    """What an item comes after: ids of items of its order; (order, item) of others'."""

    own: tuple[str, ...]
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What a specification calls the relationships of an item, and an order in one."""

    name: str
    order: str
    model: type[wire.ItemRelationship | wire.ResourceItemRelationship]


SERVICE: Final = Words("serviceOrderItemRelationship", "serviceOrder", wire.ItemRelationship)
RESOURCE: Final = Words("orderItemRelationship", "resourceOrder", wire.ResourceItemRelationship)


def items_before(extra: Mapping[str, Any], path: str, words: Words = SERVICE) -> Before:
    """The items that an item comes after, as it wrote them (TMF641, TMF652)."""
    found: list[tuple[str | None, str]] = []
    for place, entry in _entries(extra.get(words.name), f"{path}.{words.name}"):
        one = wire.parse_at(words.model, entry, place)
        _require_word(one.kind, (_DEPENDENCY,), place)
        if one.item.order is None and (one.item.model_extra or {}).get(f"{words.order}Href"):
            raise errors.OrderRejected(
                f"name the other order by its id, in {words.order}Id",
                field=f"{place}.orderItem.{words.order}Href",
                code="notSupported",
            )
        found.append((one.item.order, one.item.id))
    each = dict.fromkeys(found)
    return Before(
        own=tuple(item for order, item in each if order is None),
        others=tuple((order, item) for order, item in each if order is not None),
    )


def products_before(extra: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Ids of the items of its order that an item's product is built upon (TMF622)."""
    found: list[str] = []
    name = "productOrderItemRelationship"
    for place, entry in _entries(extra.get(name), f"{path}.{name}"):
        one = wire.parse_at(wire.NamedRelationship, entry, place)
        _require_word(one.kind, (*_BUILT_UPON, *_GROUPS), place)
        found += [one.id] if one.kind in _BUILT_UPON else []
    return tuple(dict.fromkeys(found))


def orders_before(relationships: Any) -> tuple[str, ...]:
    """Ids of the orders that an order comes after (TMF641)."""
    found: list[str] = []
    for place, entry in _entries(relationships, "orderRelationship"):
        one = wire.parse_at(wire.NamedRelationship, entry, place)
        _require_word(one.kind, (_DEPENDENCY, _CROSS), place)
        found += [one.id] if one.kind == _DEPENDENCY else []
    return tuple(dict.fromkeys(found))


def _entries(given: Any, name: str) -> list[tuple[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise errors.OrderRejected("must be a list", field=name)
    return [(f"{name}[{place}]", entry) for place, entry in enumerate(given)]


def _require_word(kind: str, known: Sequence[str], place: str) -> None:
    if kind not in known:
        raise errors.OrderRejected(
            f"is understood as {' or '.join(known)} only",
            field=f"{place}.relationshipType",
            code="notSupported",
        )
