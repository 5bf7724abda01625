"""Decides how two configuration trees differ, and what applying, undoing and sharing mean. Pure.

The laws, kept by property tests: apply(diff(a, b), a) = b; diff(a, a)
is empty; undo after apply is the identity; disjoint changes commute.

A container without keys and without children is the same as no container (RFC 7950 7.5.1,
non-presence): ``normal`` prunes those, and an edit never creates or deletes a bare container, so
that two services under one container stay disjoint. A name has one kind under its parent, as in
every schema; where a device answers otherwise, ``diff`` still gives edits, but not ones to undo by.
Edits below one list that the user orders depend on one another; all others may be done in any order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence

from oss_agent import errors
from oss_agent.fulfilment.trees import sequences
from oss_agent.spi.tree import EMPTY, Edit, Operation, Path, Step, Tree, path_text


def normal(tree: Tree) -> Tree:
    """The same configuration without empty containers; the root itself always stays."""
    children = (normal(child) for child in tree.children)
    return dataclasses.replace(tree, children=tuple(c for c in children if not _is_nothing(c)))


def diff(before: Tree, after: Tree) -> tuple[Edit, ...]:
    """The edits that turn ``before`` into ``after``, in an order that can be applied."""
    return tuple(_between(normal(before), normal(after), ()))


def _between(before: Tree, after: Tree, path: Path) -> Iterator[Edit]:
    lists = {step.name for step in (*before.order, *after.order)}
    for name in sorted(lists):
        yield from _reordered(before, after, path, name)
    for step in sorted({child.step for child in (*before.children, *after.children)}):
        if step.name not in lists:
            yield from _change(before.child(step), after.child(step), (*path, step))


def _reordered(before: Tree, after: Tree, path: Path, name: str) -> Iterator[Edit]:
    old, new = _entries(before, name), _entries(after, name)
    for shift in sequences.shifts(old, new):
        moves = shift.operation is Operation.MOVE
        yield Edit(
            shift.operation,
            (*path, shift.step),
            node=None if moves else after.child(shift.step),
            was=None if moves else before.child(shift.step),
            place=shift.place,
            left=shift.left,
        )
    for step in old:
        if step in new:
            yield from _change(before.child(step), after.child(step), (*path, step))


def _entries(tree: Tree, name: str) -> tuple[Step, ...]:
    """A list's entries as they follow one another; a tree that keeps no order has the sorted one."""
    ordered = tuple(step for step in tree.order if step.name == name)
    return ordered or tuple(child.step for child in tree.children if child.step.name == name)


def _change(old: Tree | None, new: Tree | None, path: Path) -> Iterator[Edit]:
    if old == new:
        return
    if old is not None and new is not None and old.value is not None and new.value is not None:
        yield Edit(Operation.REPLACE, path, node=new, was=old)
    elif _descends(old) and _descends(new) and (_both(old, new) or not path[-1].keys):
        # A bare container is never created or deleted itself: what is inside it is.
        empty = Tree(path[-1])
        yield from _between(old or empty, new or empty, path)
    else:
        if old is not None:
            yield from _remove(old, path)
        if new is not None:
            yield from _add(new, path)


def _remove(old: Tree, path: Path) -> Iterator[Edit]:
    if _is_bare(old):
        yield from _between(old, Tree(old.step), path)
    else:
        yield Edit(Operation.DELETE, path, was=old)


def _add(new: Tree, path: Path) -> Iterator[Edit]:
    if _is_bare(new):
        yield from _between(Tree(new.step), new, path)
    else:
        yield Edit(Operation.CREATE, path, node=new)


def apply(edits: Sequence[Edit], tree: Tree) -> Tree:
    """The tree after the edits. ValueError when one does not fit (it exists, or it does not)."""
    for edit in edits:
        tree = _put(tree, edit.path, edit)
    return normal(tree)


def invert(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that undo these: reversed, each turned round."""
    return tuple(_inverse(edit) for edit in reversed(edits))


def regained(edits: Sequence[Edit], had: Sequence[Tree] | None = None) -> tuple[Edit, ...]:
    """The same edits, where what they create was ours before somebody took it away.

    That is what one of ``had`` has; without them all of it.
    """

    def ours(edit: Edit) -> bool:
        known = had is None or any(one.at(edit.path) is not None for one in had)
        return known and edit.operation is Operation.CREATE

    return tuple(dataclasses.replace(one, was=one.node) if ours(one) else one for one in edits)


def _inverse(edit: Edit) -> Edit:
    operation = {
        Operation.CREATE: Operation.DELETE,
        Operation.DELETE: Operation.CREATE,
        Operation.REPLACE: Operation.REPLACE,
        Operation.MOVE: Operation.MOVE,
    }[edit.operation]
    return Edit(
        operation, edit.path, node=edit.was, was=edit.node, place=edit.left, left=edit.place
    )


def merge(trees: Iterable[Tree]) -> Tree:
    """One tree that holds all of them. Conflict when two of them want different values."""
    merged = EMPTY
    for tree in trees:
        merged = _merge(merged, tree, ())
    return normal(merged)


def _merge(one: Tree, two: Tree, path: Path) -> Tree:
    if one.value != two.value:
        raise errors.Conflict(
            f"{path_text(path)} is wanted as {one.value!r} and as {two.value!r}: two intents "
            "disagree about one node"
        )
    steps = {child.step for child in (*one.children, *two.children)}
    children: list[Tree] = []
    for step in steps:
        first, second = one.child(step), two.child(step)
        if first is not None and second is not None:
            children.append(_merge(first, second, (*path, step)))
        else:
            children.extend(found for found in (first, second) if found is not None)
    if not sequences.agree(one.order, two.order):
        raise errors.Conflict(f"{path_text(path)}: two intents disagree about the order in it")
    order = sequences.joined(one.order, two.order)
    return dataclasses.replace(one, children=tuple(children), order=order)


def roots(tree: Tree) -> tuple[Path, ...]:
    """Where a configuration begins to be somebody's: its first list entries and leaves.

    Of a list that the user orders it is what the list stands in: places are among siblings.
    """
    return tuple(_roots(normal(tree), ()))


def _roots(tree: Tree, path: Path) -> Iterator[Path]:
    if tree.order:
        yield path
        return
    for child in tree.children:
        here = (*path, child.step)
        if _is_bare(child):
            yield from _roots(child, here)
        else:
            yield here


def outermost(paths: Collection[Path]) -> tuple[Path, ...]:
    """The paths without those that lie below another of them."""
    known = set(paths)
    return tuple(
        path
        for path in sorted(known)
        if not any(path[:length] in known for length in range(len(path)))
    )


def part(tree: Tree, starts: Iterable[Path]) -> Tree:
    """Only what lies at or below these paths."""
    return normal(_part(tree, frozenset(starts), ()))


def _part(tree: Tree, starts: frozenset[Path], path: Path) -> Tree:
    if path in starts:
        return tree
    towards = {start[len(path)] for start in starts if start[: len(path)] == path}
    children = [
        _part(child, starts, (*path, child.step))
        for child in tree.children
        if child.step in towards
    ]
    order = tuple(step for step in tree.order if step in towards)
    return dataclasses.replace(tree, children=tuple(children), order=order)


def nodes(tree: Tree) -> tuple[Path, ...]:
    """The path of every list entry and leaf: what ownership is recorded for."""
    return tuple(_nodes(normal(tree), ()))


def _nodes(tree: Tree, path: Path) -> Iterator[Path]:
    for child in tree.children:
        here = (*path, child.step)
        if not _is_bare(child):
            yield here
        yield from _nodes(child, here)


def same(one: Tree, two: Tree) -> bool:
    """Do two trees mean the same configuration?"""
    return normal(one) == normal(two)


def _is_bare(tree: Tree) -> bool:
    return tree.value is None and not tree.step.keys


def _is_nothing(tree: Tree) -> bool:
    return _is_bare(tree) and not tree.children


def _descends(tree: Tree | None) -> bool:
    return tree is None or tree.value is None


def _both(old: Tree | None, new: Tree | None) -> bool:
    return old is not None and new is not None


def _put(tree: Tree, path: Path, edit: Edit) -> Tree:
    step, rest = path[0], path[1:]
    old, order = tree.child(step), tree.order
    if rest:
        new: Tree | None = _put(_parent(old, step, edit), rest, edit)
    else:
        _fits(old, edit)
        new = old if edit.operation is Operation.MOVE else edit.node
        order = _order(order, edit)
    others = tuple(child for child in tree.children if child.step != step)
    children = (*others, *(() if new is None else (new,)))
    return dataclasses.replace(tree, children=children, order=order)


def _order(order: tuple[Step, ...], edit: Edit) -> tuple[Step, ...]:
    if edit.place is not None:
        return sequences.put(order, edit.path[-1], edit.place)
    if edit.operation is Operation.DELETE:
        return tuple(step for step in order if step != edit.path[-1])
    return order


def _parent(old: Tree | None, step: Step, edit: Edit) -> Tree:
    if old is not None:
        return old
    if step.keys:
        raise ValueError(f"{path_text(edit.path)}: its parent {step} does not exist")
    return Tree(step)


def _fits(old: Tree | None, edit: Edit) -> None:
    if (old is not None) is (edit.operation is Operation.CREATE):
        state = "already exists" if old is not None else "does not exist"
        raise ValueError(f"{edit.operation} {path_text(edit.path)}: it {state}")
