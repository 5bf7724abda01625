"""Decides what edits do to a tree of lines, and which edits lead from one such tree to another.

A line is there or it is not; it has no value and no place among its siblings. A container is never created or deleted itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from drivers.cli import steps
from oss_agent.spi.tree import Edit, Operation, Path, Tree, path_text

_LINEWISE = frozenset({Operation.CREATE, Operation.DELETE})


class Misfit(Exception):
    """An edit does not fit what is there; ``tag`` is RFC 6241's word for it."""

    def __init__(self, tag: str, path: Path, reason: str) -> None:
        super().__init__(f"{path_text(path)}: {reason}")
        self.tag = tag
        self.path = path


def owned(edits: Sequence[Edit]) -> Iterator[Edit]:
    """The same edits, each of a line: an edit of a container is one of every line in it.

    Misfit when one has a value: lines have none.
    """
    for edit in edits:
        node = edit.was if edit.operation is Operation.DELETE else edit.node
        if node is None or edit.operation not in _LINEWISE or _valued(node):
            raise Misfit(
                "invalid-value", edit.path, "a line comes or goes, it has no value or place"
            )
        yield from _owned(edit.operation, edit.path, node)


def applied(before: Tree, edits: Sequence[Edit]) -> Tree:
    """``before`` after the edits. Misfit when one of them does not fit."""
    after = before
    for edit in owned(edits):
        _fits(after, edit)
        after = _set(after, edit.path, edit.node)
    return _pruned(after)


def between(before: Tree, after: Tree) -> tuple[Edit, ...]:
    """The edits that turn one tree into the other."""
    return tuple(_between(before, after, ()))


def restricted(tree: Tree, to: Tree, edits: Sequence[Edit]) -> Tree:
    """``tree`` with what ``to`` has at the paths of the edits: only our own is ever put back."""
    for edit in owned(edits):
        tree = _set(tree, edit.path, to.at(edit.path))
    return _pruned(tree)


def _between(before: Tree, after: Tree, path: Path) -> Iterator[Edit]:
    for step in sorted({child.step for child in (*before.children, *after.children)}):
        old, new, here = before.child(step), after.child(step), (*path, step)
        if (old is not None and new is not None) or not steps.is_owned(step):
            yield from _between(old or Tree(step), new or Tree(step), here)
        elif old is not None:
            yield Edit(Operation.DELETE, here, was=old)
        else:
            yield Edit(Operation.CREATE, here, node=new)


def _owned(operation: Operation, path: Path, node: Tree) -> Iterator[Edit]:
    if not steps.is_owned(node.step):
        for child in node.children:
            yield from _owned(operation, (*path, child.step), child)
    elif operation is Operation.DELETE:
        yield Edit(operation, path, was=node)
    else:
        yield Edit(operation, path, node=node)


def _fits(tree: Tree, edit: Edit) -> None:
    found = tree.at(edit.path)
    if edit.operation is Operation.CREATE and found is not None:
        raise Misfit("data-exists", edit.path, "the line is there already")
    if edit.operation is Operation.DELETE and found is None:
        raise Misfit("data-missing", edit.path, "there is no such line")
    for depth in range(1, len(edit.path)):
        above = edit.path[:depth]
        if steps.is_owned(above[-1]) and tree.at(above) is None:
            raise Misfit("data-missing", edit.path, f"there is no section {above[-1]}")


def _valued(node: Tree) -> bool:
    return node.value is not None or any(_valued(child) for child in node.children)


def _set(tree: Tree, path: Path, node: Tree | None) -> Tree:
    step, rest = path[0], path[1:]
    old = tree.child(step)
    new = node if not rest else _set(old or Tree(step), rest, node)
    others = tuple(child for child in tree.children if child.step != step)
    return dataclasses.replace(tree, children=(*others, *(() if new is None else (new,))))


def _pruned(tree: Tree) -> Tree:
    children = (_pruned(child) for child in tree.children)
    kept = tuple(c for c in children if steps.is_owned(c.step) or c.children)
    return dataclasses.replace(tree, children=kept)
