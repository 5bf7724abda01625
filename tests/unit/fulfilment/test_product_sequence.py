"""Which parts of a product order come after which, and what of it is refused by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.ordering import product_sequence
from oss_agent.spi import catalogue, orders, product_orders, products, views

ADD, DELETE = views.ItemAction.ADD, views.ItemAction.DELETE
MODIFY, CONTEXT = views.ItemAction.MODIFY, views.ItemAction.NO_CHANGE
BOUNDS = limits.Limits()


def item(
    key: str,
    *after: str,
    action: views.ItemAction = ADD,
    parent: str | None = None,
    status: products.ProductStatus | None = None,
) -> product_orders.ProductItemRequest:
    asked = catalogue.ProductItem(key, action, "x", None, None, {}, f"place.{key}", status)
    return product_orders.ProductItemRequest(asked, after=after, parent=parent)


def request(*items: product_orders.ProductItemRequest) -> product_orders.ProductOrderRequest:
    return product_orders.ProductOrderRequest("t", "acme", items, "")


def design(key: str, **after: tuple[str, ...]) -> catalogue.ProductDesign:
    """Parts by name, each with the names of those that it comes after."""
    offering = catalogue.Offering("x", "1.0", "X", active=True, parts=(), characteristics={})
    parts = tuple(
        catalogue.ServicePart(
            name,
            orders.ItemRequest(f"{key}.{name}", ADD, "", None, None, None, {}, ""),
            tuple(f"{key}.{one}" for one in behind),
        )
        for name, behind in after.items()
    )
    return catalogue.ProductDesign(offering, key, {}, parts)


def turns(*items: product_orders.ProductItemRequest, **more: Any) -> dict[str, tuple[str, ...]]:
    designs = tuple(more.get(one.asked.id) or design(one.asked.id, it=()) for one in items)
    found = product_sequence.of_parts(request(*items), designs, BOUNDS.relations)
    return {one.item.id: one.after for one in found}


def test_the_first_parts_come_after_the_last_ones_of_what_they_rely_on() -> None:
    a = design("a", vpn=(), line=("vpn",), access=("vpn",))
    b = design("b", vpn=(), line=("vpn",), other=())
    assert turns(item("a"), item("b", "a"), a=a, b=b) == {
        "a.vpn": (),
        "a.line": ("a.vpn",),
        "a.access": ("a.vpn",),
        "b.vpn": ("a.line", "a.access"),
        "b.line": ("b.vpn",),
        "b.other": ("a.line", "a.access"),
    }


def test_a_parent_comes_after_its_children_unless_one_relies_on_it() -> None:
    found = turns(item("a"), item("b", parent="a"), item("c", "a", parent="a"))
    assert found == {"a.it": ("b.it",), "b.it": (), "c.it": ("a.it",)}


@pytest.mark.parametrize(
    ("upper", "lower", "upper_first"),
    [
        ({"action": DELETE}, {"action": DELETE}, True),
        ({"action": DELETE}, {"action": ADD}, False),
        ({"action": ADD}, {"action": DELETE}, False),
        ({"action": MODIFY, "status": products.ProductStatus.SUSPENDED}, {"action": DELETE}, True),
        ({"action": MODIFY, "status": products.ProductStatus.ACTIVE}, {"action": DELETE}, False),
    ],
)
def test_of_two_that_go_the_one_built_upon_the_other_goes_first(
    upper: dict[str, Any], lower: dict[str, Any], *, upper_first: bool
) -> None:
    found = turns(item("low", **lower), item("up", "low", **upper))
    assert found == (
        {"low.it": ("up.it",), "up.it": ()} if upper_first else {"low.it": (), "up.it": ("low.it",)}
    )


def test_nothing_waits_for_what_is_only_mentioned() -> None:
    parent = item("a", action=CONTEXT)
    found = turns(parent, item("b", parent="a", action=MODIFY), item("c", "a"), item("d", "b"))
    assert found == {"a.it": (), "b.it": (), "c.it": (), "d.it": ("b.it",)}


def test_circles_depth_and_strangers_are_refused_in_words_of_622() -> None:
    deep = [item(str(n), parent=str(n - 1) if n else None) for n in range(BOUNDS.depth + 1)]
    for items, field in (
        ((item("a", "b"), item("b", "a")), ".productOrderItemRelationship"),
        ((item("a", "zz"),), "place.a.productOrderItemRelationship"),
        (tuple(deep), f"place.{BOUNDS.depth}"),
    ):
        with pytest.raises(errors.OrderRejected) as caught:
            product_sequence.check(request(*items), BOUNDS)
        assert caught.value.field.endswith(field)
    few = dataclasses.replace(BOUNDS, relations=1)
    with pytest.raises(errors.OrderRejected) as caught:
        product_sequence.check(request(item("a"), item("b", "a"), item("c", "a")), few)
    assert caught.value.field == "productOrderItem"


def test_relations_of_services_are_bounded_too() -> None:
    wide = {f"p{n}": () for n in range(40)}
    items = (item("a"), item("b", "a"))
    with pytest.raises(errors.OrderRejected, match="come after 1600 others") as caught:
        product_sequence.of_parts(request(*items), (design("a", **wide), design("b", **wide)), 1000)
    assert caught.value.field == "productOrderItem"
