"""What becomes of a service order when its product order item asks for other services: laws."""

from __future__ import annotations

from graphlib import TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from oss_agent.fulfilment.ordering import joining, product_difference
from oss_agent.fulfilment.record.product_rows import ServiceItem
from oss_agent.spi import catalogue, orders, views

ADD, MODIFY, DELETE = views.ItemAction.ADD, views.ItemAction.MODIFY, views.ItemAction.DELETE
BUILT_UPON = {"c": ("a",), "d": ("b", "c")}
"""The offering puts c after a, d after b and c."""
FIRST, OUTER = 1, 99
"""Positions of an item that the product comes after, and of one that comes after the product."""
PARTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from((ADD, MODIFY, DELETE)), min_size=1)


def wanted(actions: dict[str, views.ItemAction]) -> tuple[catalogue.ServicePart, ...]:
    """The parts as a catalogue lays them out: each after those that it is built upon."""
    return tuple(
        catalogue.ServicePart(
            part,
            orders.ItemRequest(f"1.{part}", action, "x", None, None, None, {}, "item"),
            tuple(f"1.{one}" for one in BUILT_UPON.get(part, ()) if one in actions),
        )
        for part, action in sorted(actions.items())
    )


def has(actions: dict[str, views.ItemAction]) -> list[product_difference.Part]:
    return [
        product_difference.Part(
            part, place, ServiceItem(f"1.{part}", action, views.OrderState.IN_PROGRESS, f"s{place}")
        )
        for place, (part, action) in enumerate(sorted(actions.items()), start=2)
    ]


def paths(pairs: frozenset[tuple[int, int]], late: int) -> set[int]:
    """Everything that comes before ``late``, by whatever way."""
    found: set[int] = set()
    left = {late}
    while left:
        left = {early for one, early in pairs if one in left} - found
        found |= left
    return found


@given(PARTS, PARTS)
def test_each_part_stays_goes_or_is_new(
    before: dict[str, views.ItemAction], now: dict[str, views.ItemAction]
) -> None:
    found = product_difference.difference(wanted(now), has(before))
    stays = {part.name: part.item.action for _, part in found.stays}
    goes = {part.name: part.item.action for part in found.goes}
    new = {part.part: part.item.action for part in found.new}
    assert {**stays, **new} == now
    assert {**stays, **goes} == before
    assert found.same_services is (before == now)
    assert all(one.part == part.name for one, part in found.stays)


@given(PARTS, PARTS)
def test_what_is_asked_for_comes_after_what_goes_and_others_stay_around_all_of_it(
    before: dict[str, views.ItemAction], now: dict[str, views.ItemAction]
) -> None:
    old = has(before)
    places = {part.name: part.position for part in old}
    inner = {
        (places[part], places[one])
        for part in before
        for one in BUILT_UPON.get(part, ())
        if one in before
    }
    firsts = set(places.values()) - {late for late, _ in inner}
    lasts = set(places.values()) - {early for _, early in inner}
    there = inner | {(one, FIRST) for one in firsts} | {(OUTER, one) for one in lasts}
    found = product_difference.difference(wanted(now), old)
    at = {one.part: part.position for one, part in found.stays}
    at |= {one.part: place for place, one in enumerate(found.new, start=20)}

    more = product_difference.sequence(wanted(now), at, list(places.values()), there)
    assert not more & there
    # What goes ends by itself, whatever it came after: it is undone, or never began.
    goes = {part.position for part in found.goes}
    pairs = frozenset(pair for pair in there | more if pair[0] not in goes)
    TopologicalSorter({late: [e for one, e in pairs if one == late] for late, _ in pairs}).prepare()
    assert set(at.values()) <= paths(pairs, OUTER)
    for part, place in at.items():
        ahead = paths(pairs, place)
        assert FIRST in ahead
        assert goes <= ahead
        assert {at[one] for one in BUILT_UPON.get(part, ()) if one in at} <= ahead


def test_an_item_is_never_called_as_one_that_was_taken_out() -> None:
    assert joining.free_id(["1.a"], "1.b") == "1.b"
    assert joining.free_id(["1.a", "1.b", "1.b.2"], "1.b") == "1.b.3"
