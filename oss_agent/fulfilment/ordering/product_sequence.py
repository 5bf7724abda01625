"""Decides which items of a product order come after which, and so which of their services. Pure.

A product that others are nested in, or that relies on another, is built upon these: it comes after
them. Of two that both go, or are both suspended, the one that is built upon the other comes first.
What is only mentioned is there already: nothing waits for it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.ordering import nesting
from oss_agent.fulfilment.turn import sequence
from oss_agent.spi import catalogue, orders, product_orders, products, views

_NESTED = "serviceOrderItem"


def check(request: product_orders.ProductOrderRequest, bounds: limits.Limits) -> None:
    """Refuse items nested too deep, and such as come after themselves or what is not there."""
    plain = _plain(request)
    try:
        nesting.check(plain.items, bounds.depth)
        sequence.check(nesting.in_turn(plain), bounds.relations)
    except errors.OrderRejected as bad:
        field = bad.field.replace(_NESTED, "productOrderItem")
        raise errors.OrderRejected(bad.reason, field=field, code=bad.code) from bad


def of_parts(
    request: product_orders.ProductOrderRequest,
    designs: Sequence[catalogue.ProductDesign],
    most: int,
) -> tuple[catalogue.ServicePart, ...]:
    """All parts of all items; the first of each come after the last of what the item comes after.

    OrderRejected when that makes more than ``most`` relationships.
    """
    before = _before(request)
    made = {item.asked.id: one for item, one in zip(request.items, designs, strict=True)}
    found = tuple(
        _behind(part, [last for other in before[key] for last in _last(made[other].parts)])
        for key, design in made.items()
        for part in design.parts
    )
    total = sum(len(part.after) for part in found)
    if total > most:
        raise errors.OrderRejected(
            f"its services come after {total} others, and {most} are the most: divide it",
            field="productOrderItem",
            code="invalidValue",
        )
    return found


def _plain(request: product_orders.ProductOrderRequest) -> orders.OrderRequest:
    """Its items as far as their order goes: the same rules hold for both kinds of orders."""
    items = tuple(
        orders.ItemRequest(
            id=item.asked.id,
            action=item.asked.action,
            specification="",
            specification_version=None,
            service_id=None,
            service_name=None,
            characteristics={},
            path=item.asked.path,
            after=item.after,
            parent=item.parent,
        )
        for item in request.items
    )
    return orders.OrderRequest(request.tenant, request.requester, items, request.body_digest)


def _before(request: product_orders.ProductOrderRequest) -> Mapping[str, list[str]]:
    """What each item waits for, by their ids."""
    item_of = {item.asked.id: item.asked for item in request.items}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for upper in nesting.in_turn(_plain(request)).items:
        for key in upper.after:
            pair = (item_of[upper.id], item_of[key])
            if any(one.action is views.ItemAction.NO_CHANGE for one in pair):
                continue
            late, early = reversed(pair) if all(map(_goes, pair)) else pair
            found[late.id].append(early.id)
    return found


def _goes(item: catalogue.ProductItem) -> bool:
    down = item.status is products.ProductStatus.SUSPENDED
    return item.action is views.ItemAction.DELETE or down


def _last(parts: Sequence[catalogue.ServicePart]) -> Iterable[str]:
    """Those that nothing of the same product comes after."""
    inner = {key for part in parts for key in part.after}
    return [part.item.id for part in parts if part.item.id not in inner]


def _behind(part: catalogue.ServicePart, others: Sequence[str]) -> catalogue.ServicePart:
    if part.after or not others:
        return part
    return dataclasses.replace(part, after=tuple(dict.fromkeys(others)))
