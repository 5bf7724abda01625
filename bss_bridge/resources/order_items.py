"""Items of orders, whichever API they are of: nested ones read flat and shown as sent, what each names."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from oss_agent import errors


class Item(Protocol):
    """An item as it was posted."""

    @property
    def id(self) -> str:
        """Its id in the order."""
        ...

    @property
    def items(self) -> Sequence[Self]:
        """Those that are nested in it."""
        ...


_Item = TypeVar("_Item", bound=Item)
Placed = tuple[_Item, str, str | None]
"""An item, where it stands in the body, and the id of the item that it is nested in."""


def flat(items: Sequence[_Item], name: str) -> tuple[Placed[_Item], ...]:
    """Every item, each behind its parent. OrderRejected (400) when an id stands twice."""
    seen: set[str] = set()
    found = tuple(_flat(items, name, None, ""))
    for item, path, _ in found:
        if item.id in seen:
            raise errors.OrderRejected(f"the item id {item.id!r} stands twice", field=f"{path}.id")
        seen.add(item.id)
    return found


def _flat(
    items: Sequence[_Item], name: str, parent: str | None, path: str
) -> Iterator[Placed[_Item]]:
    """As deep as the body may be."""
    for place, item in enumerate(items):
        here = f"{path}.{name}[{place}]".removeprefix(".")
        yield item, here, parent
        yield from _flat(item.items, name, item.id, here)


def nested(shown: Iterable[tuple[dict[str, Any], str | None]], name: str) -> list[dict[str, Any]]:
    """Rendered items, each with its parent's id, which stands before it: put where they were sent."""
    outermost: list[dict[str, Any]] = []
    known: dict[str, dict[str, Any]] = {}
    for one, parent in shown:
        known[one["id"]] = one
        inside = outermost if parent is None else known[parent].setdefault(name, [])
        inside.append(one)
    return outermost


def target(key: str | None, extra: Mapping[str, Any] | None, collection: str) -> str | None:
    """The existing thing that an item names: by its id, or by its href in a collection of ours."""
    href = (extra or {}).get("href")
    _, here, tail = href.partition(f"{collection}/") if isinstance(href, str) else ("", "", "")
    found = urllib.parse.unquote(tail) if here else None
    return key or (found if found and found.isprintable() and "/" not in found else None)
