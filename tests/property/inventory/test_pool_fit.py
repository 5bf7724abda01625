"""Laws of giving prefixes out of a block: aligned, inside, never over each other, and dense."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from inventory.pools import pool_fit

_BITS = 8
_UNITS = 1 << _BITS
_SIZES = st.integers(0, _BITS).map(lambda bits: 1 << bits)


@given(st.lists(_SIZES, max_size=40))
def test_without_a_release_only_a_block_with_too_little_left_refuses(sizes: list[int]) -> None:
    taken: list[tuple[int, int]] = []
    for size in sizes:
        free = _UNITS - sum(one for _, one in taken)
        found = pool_fit.place(taken, _UNITS, size)
        assert (found is not None) == (size <= free)
        if found is not None:
            taken.append((found, size))


@given(st.lists(st.tuples(st.booleans(), _SIZES, st.integers(0, 30)), max_size=60))
def test_whatever_is_given_back_in_between_nothing_lies_over_another(
    steps: list[tuple[bool, int, int]],
) -> None:
    taken: list[tuple[int, int]] = []
    for gives_back, size, which in steps:
        if gives_back and taken:
            taken.pop(which % len(taken))
            continue
        found = pool_fit.place(taken, _UNITS, size)
        if found is not None:
            assert found % size == 0
            assert 0 <= found <= _UNITS - size
            taken.append((found, size))
    for (start, size), (after, _) in itertools.pairwise(sorted(taken)):
        assert start + size <= after


@given(st.lists(_SIZES, min_size=1, max_size=30))
def test_what_all_gave_back_is_one_piece_again(sizes: list[int]) -> None:
    taken: list[tuple[int, int]] = []
    for size in sizes:
        found = pool_fit.place(taken, _UNITS, size)
        if found is not None:
            taken.append((found, size))
    while taken:
        taken.pop()
    assert pool_fit.place(taken, _UNITS, _UNITS) == 0


@given(st.lists(st.tuples(st.integers(0, _UNITS), st.integers(1, 60)), max_size=20))
def test_a_refusal_is_true(taken: list[tuple[int, int]]) -> None:
    """Where nothing was found for one unit, there is no free unit; rows may lie over each other."""
    free = set(range(_UNITS)) - {at for start, size in taken for at in range(start, start + size)}
    found = pool_fit.place(taken, _UNITS, 1)
    assert (found is None) == (not free)
    assert found is None or found in free
