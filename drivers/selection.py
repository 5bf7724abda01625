"""Decides what is left of a configuration that was read when only one path of it was asked for."""

from __future__ import annotations

from oss_agent.spi.tree import Path, Step, Tree


def only(root: Tree, path: Path) -> Tree:
    """``root`` with nothing but what is at ``path``; without it when it is absent."""
    if not path:
        return root
    found = root.child(path[0])
    kept = None if found is None else only(found, path[1:])
    if kept is None or (len(path) > 1 and not kept.children):
        return Tree(root.step)
    return Tree(root.step, children=(kept,), order=_order_of(root, kept.step))


def _order_of(root: Tree, step: Step) -> tuple[Step, ...]:
    return (step,) if step in root.order else ()
