"""Decides what edits do to a tree of lines, and which edits lead from one such tree to another.

A line is there or it is not; it has no value and no place among its siblings. A container is never created or deleted itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import TypeAlias

from drivers import steps
from oss_agent.spi.tree import Edit, Operation, Path, Tree, path_text

Setting: TypeAlias = Callable[[str], Hashable | None]
"""What two lines of a section have in common when one replaces the other (``Grammar.setting``)."""
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
        regained = node if edit.was is not None else None
        yield from _owned(edit.operation, edit.path, node, regained)


def applied(before: Tree, edits: Sequence[Edit], setting: Setting) -> Tree:
    """``before`` after the edits. Misfit when one of them does not fit.

    Nor does one that would silently replace another line of the same ``setting``: nobody would put
    that back when ours goes. What was ours until somebody replaced it (``Edit.was``) may.
    """
    _spare(before, tuple(owned(edits)), setting)
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


def _owned(operation: Operation, path: Path, node: Tree, was: Tree | None = None) -> Iterator[Edit]:
    if not steps.is_owned(node.step):
        for child in node.children:
            yield from _owned(operation, (*path, child.step), child, was)
    elif operation is Operation.DELETE:
        yield Edit(operation, path, was=node)
    else:
        yield Edit(operation, path, node=node, was=was)


def _spare(before: Tree, edits: Sequence[Edit], setting: Setting) -> None:
    going = {edit.path for edit in edits if edit.operation is Operation.DELETE}
    for edit in edits:
        section = before.at(edit.path[:-1])
        mine = setting(steps.text(edit.path[-1])) if edit.operation is Operation.CREATE else None
        if mine is None or edit.was is not None or section is None:
            continue
        for child in section.children:
            there = steps.text(child.step)
            if setting(there) == mine and not _goes((*edit.path[:-1], child.step), going):
                what = "it would replace it, and nobody would put that back: take it off the device"
                raise Misfit("data-exists", edit.path, f"{there!r} stands there, not ours; {what}")


def _goes(path: Path, going: Collection[Path]) -> bool:
    return any(path[:depth] in going for depth in range(1, len(path) + 1))


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
