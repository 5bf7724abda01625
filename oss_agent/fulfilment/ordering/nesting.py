"""Decides what nested items mean: a child belongs to its parent's order, and comes before it. Pure.

The parent's own service is built after those of its children, unless a child says by a relationship
that it comes after its parent. A parent is therefore completed when all that is nested in it is.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from oss_agent import errors
from oss_agent.spi import orders


def check(items: tuple[orders.ItemRequest, ...], depth: int) -> None:
    """Refuse items nested deeper than ``depth`` (1 is none in another) or in no item before them."""
    level: dict[str, int] = {}
    for item in items:
        above = 0 if item.parent is None else level.get(item.parent)
        if above is None:
            raise _invalid(item, f"there is no item {ascii(item.parent)[:60]} that it is nested in")
        if above == depth:
            raise _invalid(item, f"items are nested deeper than {depth}: order them side by side")
        level[item.id] = above + 1


def in_turn(request: orders.OrderRequest) -> orders.OrderRequest:
    """The order with every parent after its children, where they do not say otherwise."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    for item in request.items:
        if item.parent is not None and item.parent not in item.after:
            children[item.parent].append(item.id)
    items = tuple(
        dataclasses.replace(item, after=tuple(dict.fromkeys((*item.after, *children[item.id]))))
        if item.id in children
        else item
        for item in request.items
    )
    return dataclasses.replace(request, items=items)


def _invalid(item: orders.ItemRequest, reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=item.path, code="invalidValue")
