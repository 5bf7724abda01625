"""Decides what is left of a configuration that was read when only some paths of it were asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from oss_agent.spi.tree import Path, Step, Tree


def only(root: Tree, paths: Iterable[Path]) -> Tree:
    """``root`` with nothing but what is at ``paths``; without those that are absent."""
    below: defaultdict[Step, list[Path]] = defaultdict(list)
    for path in paths:
        if not path:
            return root
        below[path[0]].append(path[1:])
    kept = [_of(child, below[child.step]) for child in root.children if child.step in below]
    children = tuple(child for child in kept if child is not None)
    steps = {child.step for child in children}
    return Tree(root.step, None, children, tuple(step for step in root.order if step in steps))


def _of(child: Tree, paths: list[Path]) -> Tree | None:
    """None where only what is below it was asked for, and nothing of that is there."""
    found = only(child, paths)
    return found if found.children or () in paths else None
