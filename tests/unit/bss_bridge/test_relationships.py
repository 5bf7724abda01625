"""Relationships in posted orders: what is obeyed, what is kept, what is refused by its field."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bss_bridge.resources import order_body
from oss_agent import errors
from oss_agent.spi import orders
from tests.unit.bss_bridge import world

ITEM_PATH = "serviceOrderItem[1].serviceOrderItemRelationship[0]"


def read(**more: Any) -> orders.OrderRequest:
    body = copy.deepcopy(world.ORDER) | more
    return order_body.order_request(body, tenant="t", sender="s", idempotency_key=None)


def two(*relationships: Any) -> list[dict[str, Any]]:
    first = world.ORDER["serviceOrderItem"][0]
    second = first | {"id": "2", "serviceOrderItemRelationship": list(relationships)}
    return [first, second]


def after(key: Any, kind: str = "dependency", **more: Any) -> dict[str, Any]:
    return {"relationshipType": kind, "orderItem": {"itemId": key} | more}


def test_an_item_says_what_it_comes_after_and_it_is_given_back() -> None:
    request = read(serviceOrderItem=two(after("1"), after("1")))

    assert [item.after for item in request.items] == [(), ("1",)]
    assert request.items[1].extra["serviceOrderItemRelationship"][0] == after("1")


def test_an_item_says_which_item_of_another_order_it_comes_after() -> None:
    request = read(serviceOrderItem=two(after("1"), after("4", serviceOrderId="17")))
    assert (request.items[1].after, request.items[1].after_others) == (("1",), (("17", "4"),))


def test_an_order_says_what_it_comes_after_and_what_it_only_points_at() -> None:
    related = [
        {"id": "17", "relationshipType": "dependency"},
        {"id": "18", "relationshipType": "cross-ref"},
    ]
    request = read(orderRelationship=related)

    assert request.after == ("17",)
    assert request.extra["orderRelationship"] == related


@pytest.mark.parametrize(
    ("relationship", "field"),
    [
        (after("1", "reliesOn"), "relationshipType"),
        (after(1), "orderItem.itemId"),
        (after("1", serviceOrderId=9), "orderItem.serviceOrderId"),
        (after("1", serviceOrderHref="/serviceOrder/9"), "orderItem.serviceOrderHref"),
        ({"relationshipType": "dependency"}, "orderItem"),
        ({"orderItem": {"itemId": "1"}}, "relationshipType"),
        ("1", ""),
    ],
)
def test_what_is_not_understood_is_refused_by_its_field(relationship: Any, field: str) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        read(serviceOrderItem=two(relationship))
    assert refused.value.field == f"{ITEM_PATH}.{field}".removesuffix(".")


@pytest.mark.parametrize("related", [{"id": "17"}, "17", [{"id": "17"}], [["17"]]])
def test_a_malformed_relationship_of_an_order_is_refused(related: Any) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        read(orderRelationship=related)
    assert refused.value.field.startswith("orderRelationship")
