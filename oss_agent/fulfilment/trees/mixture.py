"""Decides whether what a device has is a change of ours half done, or somebody else's work. Pure.

A change that was interrupted leaves nodes as they were before beside nodes as they should become.
Such a mixture may be driven either way, on or back. A node that is neither is not ours to undo.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from oss_agent.fulfilment.trees import sequences, tree
from oss_agent.spi.tree import Path, Step, Tree


def strangers(current: Tree, before: Tree, target: Tree) -> tuple[Path, ...]:
    """Where ``current`` has neither what ``before`` nor what ``target`` has there; () = nowhere.

    A node counts as it is or as it is missing: what both have and ``current`` lacks is a stranger
    too. The order of a list is ours when the change, or its undo, passes through it on its way.
    """
    every = tree.normal(current), tree.normal(before), tree.normal(target)
    return tuple(_strangers(*every, ()))


def is_ours(current: Tree, before: Tree, target: Tree) -> bool:
    """Is it before, target, or a mixture of the two?"""
    return not strangers(current, before, target)


def _strangers(
    current: Tree | None, before: Tree | None, target: Tree | None, path: Path
) -> Iterator[Path]:
    if _is_container(current, before, target):
        current = current or Tree(path[-1])
    elif not any(_alike(current, one) for one in (before, target)):
        yield path
        return
    if current is None:
        return
    if not _passes(current, before, target):
        yield path
    steps = {child.step for one in (current, before, target) if one for child in one.children}
    for step in sorted(steps):
        yield from _strangers(
            current.child(step), _child(before, step), _child(target, step), (*path, step)
        )


def _is_container(*nodes: Tree | None) -> bool:
    """One without keys is neither there nor missing: what is in it is."""
    return all(one is None or (one.value is None and not one.step.keys) for one in nodes)


def _alike(one: Tree | None, two: Tree | None) -> bool:
    if one is None or two is None:
        return one is two
    return one.value == two.value


def _passes(current: Tree, before: Tree | None, target: Tree | None) -> bool:
    orders = [one.order if one is not None else () for one in (before, target)]
    names = {step.name for step in (*current.order, *orders[0], *orders[1])}
    return all(_on_the_way(*(_of(one, name) for one in (current.order, *orders))) for name in names)


def _on_the_way(
    current: tuple[Step, ...], before: tuple[Step, ...], target: tuple[Step, ...]
) -> bool:
    ways = itertools.chain(sequences.passed(before, target), sequences.passed(target, before))
    return current in ways


def _of(order: tuple[Step, ...], name: str) -> tuple[Step, ...]:
    return tuple(step for step in order if step.name == name)


def _child(one: Tree | None, step: Step) -> Tree | None:
    return None if one is None else one.child(step)
