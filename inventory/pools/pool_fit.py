"""Decides where in a block a prefix goes, so that what is left can still be given out. Pure.

The smallest free piece that is large enough is broken, the lowest of several (the buddy system with
best fit: Knuth, TAOCP 1, 2.5). As long as nothing is given back, a prefix of any size is found while as much as
it needs is free at all; first fit would scatter what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def place(taken: Iterable[tuple[int, int]], units: int, size: int) -> int | None:
    """Where ``size`` units (a power of two) begin that nobody has, of ``units``; None when nowhere.

    ``taken`` are (start, size), in any order; they may lie over each other.
    """
    fits = ((piece, start) for start, piece in _pieces(taken, units) if piece >= size)
    found = min(fits, default=None)
    return None if found is None else found[1]


def _pieces(taken: Iterable[tuple[int, int]], units: int) -> Iterator[tuple[int, int]]:
    """What is free as (start, size): aligned powers of two, each as large as it can be."""
    for start, end in _gaps(taken, units):
        at = start
        while at < end:
            size = _largest(at, end)
            yield at, size
            at += size


def _gaps(taken: Iterable[tuple[int, int]], units: int) -> Iterator[tuple[int, int]]:
    free = 0
    for start, size in sorted(taken):
        if start > free:
            yield free, min(start, units)
        free = max(free, start + size)
    if free < units:
        yield free, units


def _largest(at: int, end: int) -> int:
    fits = 1 << ((end - at).bit_length() - 1)
    return min(fits, at & -at) if at else fits
