"""Nested items of posted orders: read flat with their parents, shown as they were sent; huge ones refused."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bss_bridge.engine import wire
from bss_bridge.resources import order_body, tmf641
from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.ordering import intake
from oss_agent.spi import orders
from tests.unit.bss_bridge import world

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"


def item(key: str, *children: Any, **more: Any) -> dict[str, Any]:
    nested = {"serviceOrderItem": list(children)} if children else {}
    plain: dict[str, Any] = copy.deepcopy(world.ORDER["serviceOrderItem"][0])
    return plain | {"id": key} | nested | more


def read(*items: Any, **more: Any) -> orders.OrderRequest:
    body = copy.deepcopy(world.ORDER) | {"serviceOrderItem": list(items)} | more
    return order_body.order_request(body, tenant="t", sender="s", idempotency_key=None)


def after(*keys: str) -> list[dict[str, Any]]:
    return [{"relationshipType": "dependency", "orderItem": {"itemId": key}} for key in keys]


def test_items_are_read_flat_each_behind_its_parent_and_named_by_their_path() -> None:
    request = read(item("a", item("b", item("c")), item("d")), item("e"))

    assert [(one.id, one.parent) for one in request.items] == [
        ("a", None),
        ("b", "a"),
        ("c", "b"),
        ("d", "a"),
        ("e", None),
    ]
    assert request.items[2].path == ("serviceOrderItem[0].serviceOrderItem[0].serviceOrderItem[0]")


@pytest.mark.anyio
@pytest.mark.reference
async def test_what_was_sent_nested_is_shown_nested(tmp_path: Path) -> None:
    sent = item("a", item("b", item("c")), item("d"))
    async with world.world(tmp_path) as it:  # which judges the answers by the official schema
        posted = await it.http.post(ORDERS, json=world.ORDER | {"serviceOrderItem": [sent]})
        shown = await it.http.get(f"{ORDERS}/{posted.json()['id']}")

    assert posted.status_code == 201
    (a,) = shown.json()["serviceOrderItem"]
    b, d = a["serviceOrderItem"]
    assert (a["id"], b["id"], b["serviceOrderItem"][0]["id"], d["id"]) == ("a", "b", "c", "d")
    assert "serviceOrderItem" not in d


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([item("a", item("a"))], "serviceOrderItem[0].serviceOrderItem[0].id"),
        ([item("a", item("b", action="sell"))], "serviceOrderItem[0].serviceOrderItem[0].action"),
        ([item("a", {"id": "b"})], "serviceOrderItem[0].serviceOrderItem[0].action"),
        ([item("a", item("b", state="held"))], "serviceOrderItem[0].serviceOrderItem[0].state"),
        ([item("a", serviceOrderItem={"id": "b"})], "serviceOrderItem[0].serviceOrderItem"),
    ],
)
def test_what_is_wrong_in_a_nested_item_is_named(items: list[Any], field: str) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        read(*items)
    assert refused.value.field == field


def nested(depth: int) -> dict[str, Any]:
    found = item("0")
    for level in range(1, depth):
        found = item(str(level), found)
    return found


def wide(count: int) -> Iterator[dict[str, Any]]:
    return (item(str(number)) for number in range(count))


def circle(count: int) -> Iterator[dict[str, Any]]:
    names = [str(number) for number in range(count)]
    for place, name in enumerate(names):
        yield item(name, serviceOrderItemRelationship=after(names[place - 1]))


def knotted(count: int) -> Iterator[dict[str, Any]]:
    names = [str(number) for number in range(count)]
    for name in names:
        yield item(name, serviceOrderItemRelationship=after(*names))


CALLS = 50_000
"""Function calls that a refusal may cost: some 10 ms of one core, of the 100 allowed."""


def calls_of(act: Callable[[], None]) -> int:
    """How many functions ran, Python's own included: a count, the same on every machine."""
    count = 0

    def note(frame: FrameType, event: str, what: Any) -> None:
        del frame, what
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([nested(6)], "nested deeper than 5"),
        (list(wide(1_000)), "at most 100 items"),
        (list(circle(100)), "for ever"),
        (list(knotted(100)), "at most 1000 relationships"),
        ([item("a", *circle(99))], "for ever"),
    ],
    ids=["deep", "wide", "circle", "knotted", "circle inside"],
)
def test_cyclic_and_huge_orders_are_refused_with_little_work(items: list[Any], words: str) -> None:
    body = copy.deepcopy(world.ORDER) | {"serviceOrderItem": items}

    def take() -> None:
        request = order_body.order_request(body, tenant="t", sender="s", idempotency_key=None)
        intake.check(request, limits.Limits())

    def refuse() -> None:
        with pytest.raises(errors.OrderRejected, match=words):
            take()

    assert calls_of(refuse) < CALLS


class Compared(str):
    """Text that counts how often it is compared."""

    __slots__ = ()
    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


def test_a_thousand_characteristics_are_not_compared_each_with_each() -> None:
    named = [{"name": Compared(number), "value": 1} for number in range(1_000)]
    Compared.times = 0
    wire.parse(wire.Service, {"serviceCharacteristic": named})
    assert Compared.times < 10_000


def test_a_child_is_rendered_in_its_parent_only() -> None:
    order = world.finished_order()
    (first,) = order.items
    second = dataclasses.replace(first, id="2", parent="1")
    shown = tmf641.render(dataclasses.replace(order, items=(first, second)), world.LINKS)
    assert [one["id"] for one in shown["serviceOrderItem"]] == ["1"]
    assert [one["id"] for one in shown["serviceOrderItem"][0]["serviceOrderItem"]] == ["2"]
