"""Decides what happens to the entries of a list that the user orders (RFC 7950 7.7.7). Pure.

Edits of such a list are done one after another, each placed by what the ones before it left. As
few entries move as can be: those that already follow one another as wanted stay where they are.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oss_agent.spi.tree import Operation, Place, Step


@dataclass(frozen=True, slots=True)
class Shift:
    """One entry comes (CREATE), goes (DELETE) or moves; places as in ``spi.tree.Edit``."""

    operation: Operation
    step: Step
    place: Place | None = None
    left: Place | None = None


def shifts(before: Sequence[Step], after: Sequence[Step]) -> Iterator[Shift]:
    """What turns one order of entries into another, in the order it has to be done."""
    line = list(before)
    for step in before:
        if step not in after:
            yield Shift(Operation.DELETE, step, left=place_of(line, step))
            line.remove(step)
    stay = _staying(line, after)
    behind: Step | None = None
    for step in after:
        if step not in line:
            yield Shift(Operation.CREATE, step, place=Place(behind))
        elif step not in stay:
            yield Shift(Operation.MOVE, step, place=Place(behind), left=place_of(line, step))
        if step not in stay:
            line = list(put(line, step, Place(behind)))
        behind = step


def put(line: Sequence[Step], step: Step, place: Place) -> tuple[Step, ...]:
    """The order with ``step`` at its place, wherever it was. ValueError: no such neighbour."""
    others = [one for one in line if one != step]
    at = 0
    if place.after is not None:
        if place.after not in others:
            raise ValueError(f"{step} goes behind {place.after}, which does not exist")
        at = others.index(place.after) + 1
    return (*others[:at], step, *others[at:])


def place_of(line: Sequence[Step], step: Step) -> Place:
    """Where an entry stands now."""
    at = list(line).index(step)
    return Place(line[at - 1] if at else None)


def passed(before: Sequence[Step], after: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """Every order that the list has on its way from one to the other, both included."""
    line = tuple(before)
    yield line
    for shift in shifts(before, after):
        if shift.place is not None:
            line = put(line, shift.step, shift.place)
        else:
            line = tuple(step for step in line if step != shift.step)
        yield line


def joined(one: Sequence[Step], two: Sequence[Step]) -> tuple[Step, ...]:
    """One order that has both: what only ``two`` has stands behind what it follows there.

    Where the two disagree, ``one`` is right; ``agree`` tells.
    """
    line = tuple(one)
    behind: Step | None = None
    for step in two:
        if step not in line:
            line = put(line, step, Place(behind))
        behind = step
    return line


def agree(one: Sequence[Step], two: Sequence[Step]) -> bool:
    """Do the entries that both have follow one another alike?"""
    return [step for step in one if step in two] == [step for step in two if step in one]


def _staying(line: Sequence[Step], after: Sequence[Step]) -> frozenset[Step]:
    """The longest run of entries that follow one another in both (patience sorting)."""
    wanted = {step: number for number, step in enumerate(after)}
    tails: list[int] = []
    chains: list[tuple[Step, ...]] = []
    for step in line:
        number = wanted[step]
        at = bisect.bisect_left(tails, number)
        chain = (*(chains[at - 1] if at else ()), step)
        tails[at : at + 1] = [number]
        chains[at : at + 1] = [chain]
    return frozenset(chains[-1] if chains else ())
