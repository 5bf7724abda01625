"""What a product's characteristics are once a modify has ended, whole or in part."""

from __future__ import annotations

import pytest

from oss_agent.fulfilment.ordering import product_content

BEFORE = {"a": 1, "b": 1, "gone": 1}
WANTED = {"a": 2, "b": 2, "new": 2}


def part(*names: str, done: bool) -> product_content.Ended:
    return product_content.Ended(names, done)


@pytest.mark.parametrize(
    ("parts", "then"),
    [
        ((part("a", "b", "gone", "new", done=True),), WANTED),
        ((part("a", "b", "gone", "new", done=False),), BEFORE),
        ((part("a", "new", done=True), part("b", "gone", done=False)),
         {"a": 2, "b": 1, "gone": 1, "new": 2}),
        ((part("b", "gone", done=True), part("a", "new", done=False)), {"a": 1, "b": 2}),
        ((part("a", done=True), part("a", "b", done=False)), {"a": 2, "b": 1, "gone": 1}),
        ((part(done=True), part(done=True)), WANTED),
        ((part(done=True), part(done=False)), BEFORE),
    ],
)  # fmt: skip
def test_what_failed_parts_would_have_had_stays_as_it_was(
    parts: tuple[product_content.Ended, ...], then: dict[str, int]
) -> None:
    assert product_content.content(BEFORE, WANTED, parts) == then


def test_the_order_of_what_stays_is_kept() -> None:
    found = product_content.content(BEFORE, WANTED, [part("a", "b", "new", "gone", done=True)])
    assert list(found) == ["a", "b", "new"]
