"""Decides whether a posted order is small enough to be read at all: counted before anything is parsed.

A model of a thousand items takes longer to build than an order may take to be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oss_agent import errors
from oss_agent.spi import orders


def judge(found: Mapping[str, Any], name: str) -> None:
    """OrderRejected when the array ``name`` has too many items or relationships, nested ones included."""
    items, relations = 0, _length(found, "orderRelationship")
    todo: list[Any] = [found]
    while todo:
        nested = todo.pop().get(name)
        inner = nested if isinstance(nested, list) else []
        items += len(inner)
        _refuse(items, orders.ITEMS, "items", name)
        todo += [one for one in inner if isinstance(one, Mapping)]
        relations += sum(_length(one, f"{name}Relationship") for one in inner)
        _refuse(relations, orders.RELATIONS, "relationships", name)


def _length(holder: Any, name: str) -> int:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    return len(found) if isinstance(found, list) else 0


def _refuse(count: int, most: int, what: str, field: str) -> None:
    if count > most:
        raise errors.OrderRejected(
            f"an order has at most {most} {what}, this one has {count} or more: divide it",
            field=field,
            code="invalidValue",
        )
