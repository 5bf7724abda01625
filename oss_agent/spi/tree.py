"""Configuration as a tree of keyed nodes: the one form that plan, journal and drivers share.

A node is a container (no keys), a list entry (keys identify it among its siblings) or a leaf
(value set). Siblings are unique by (name, keys); where their order carries no meaning it is kept
canonical (sorted), so two equal configurations are equal values. Entries of a list that the user
orders (RFC 7950 7.7.7) are named in ``Tree.order``, first to last.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One step of a path: a node's name and, for a list entry, its keys as (name, value) pairs."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """XPath-like: ``eline[name=acme]``."""
        return self.name + "".join(f"[{k}={v}]" for k, v in self.keys)


Path: TypeAlias = tuple[Step, ...]
"""From the root of a participant's configuration; () is the root itself."""


def path_text(path: Path) -> str:
    """``/services/eline[name=acme]``, the form people read and ownership is keyed by."""
    return "/" + "/".join(str(step) for step in path)


@dataclass(frozen=True, slots=True)
class Tree:
    """A node with its children. Key leaves of a list entry are in ``step.keys``, not children.

    ``order`` has the entries that keep the place their user gave them, first to last: of a list
    (or leaf-list) that is ``ordered-by user`` all entries, of others none. They are list entries;
    the value of a leaf-list is its key ``.``.
    """

    step: Step
    value: str | None = None
    children: tuple[Tree, ...] = ()
    order: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        """Keep siblings canonical and refuse what would be ambiguous."""
        if self.value is not None and self.children:
            raise ValueError(f"{self.step} has both a value and children")
        ordered = tuple(sorted(self.children, key=lambda child: child.step))
        for one, two in itertools.pairwise(ordered):
            if one.step == two.step:
                raise ValueError(f"{self.step} has two children {one.step}")
        object.__setattr__(self, "children", ordered)
        if self.order:
            self._check_order()

    def _check_order(self) -> None:
        # Stable: the places of two lists under one parent have nothing to do with each other.
        order = tuple(sorted(self.order, key=lambda step: step.name))
        names = {step.name for step in order}
        entries = [child.step for child in self.children if child.step.name in names]
        if sorted(order) != entries or not all(step.keys for step in entries):
            raise ValueError(f"the order of {self.step} names other than all entries of its lists")
        object.__setattr__(self, "order", order)

    def child(self, step: Step) -> Tree | None:
        """The child at ``step``, or None."""
        return next((c for c in self.children if c.step == step), None)

    def at(self, path: Path) -> Tree | None:
        """The node at ``path`` below this one, or None."""
        node: Tree | None = self
        for step in path:
            node = node.child(step) if node is not None else None
        return node


ROOT = Step("config")
EMPTY = Tree(ROOT)


class Operation(StrEnum):
    """What an edit does to the node at its path (RFC 6241 7.2 operations of the same names)."""

    CREATE = "create"
    """The node and everything below it appear; it did not exist."""
    REPLACE = "replace"
    """A leaf changes its value; ``was`` is what it had."""
    DELETE = "delete"
    """The node and everything below it go; ``was`` is what they were."""
    MOVE = "move"
    """An entry of a list that the user orders gets another place; what is in it stays."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in its list: behind the entry ``after``, or first when that is None.

    RFC 7950 7.8.6: ``insert="after"`` with ``key``, or ``insert="first"``.
    """

    after: Step | None


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference between two trees: enough to apply it and to undo it.

    ``node`` is the new subtree (CREATE, REPLACE), ``was`` the old one (REPLACE, DELETE). A CREATE
    that has it too puts back what was ours until somebody took it away: it may replace what stands
    in its place, where another one must not (command lines, that have one line of a setting).
    ``path`` includes the node's own step. In lists that the user orders ``place`` is where the
    entry then stands (CREATE, MOVE) and ``left`` where it stood (DELETE, MOVE), each as it is when
    the edits before this one are done: these edits have to be applied one after another.
    """

    operation: Operation
    path: Path
    node: Tree | None = None
    was: Tree | None = None
    place: Place | None = None
    left: Place | None = None


def to_json(tree: Tree) -> dict[str, Any]:
    """A tree as plain JSON, for journal rows and digests; ``from_json`` is its inverse."""
    out: dict[str, Any] = {"name": tree.step.name}
    if tree.step.keys:
        out["keys"] = [list(pair) for pair in tree.step.keys]
    if tree.value is not None:
        out["value"] = tree.value
    if tree.children:
        out["children"] = [to_json(child) for child in tree.children]
    if tree.order:
        out["order"] = [[step.name, [list(pair) for pair in step.keys]] for step in tree.order]
    return out


def from_json(data: Mapping[str, Any]) -> Tree:
    """The inverse of ``to_json``. Raises KeyError or ValueError on anything else."""
    return Tree(
        step=Step(data["name"], tuple((k, v) for k, v in data.get("keys", ()))),
        value=data.get("value"),
        children=tuple(from_json(child) for child in data.get("children", ())),
        order=tuple(
            Step(name, tuple((k, v) for k, v in keys)) for name, keys in data.get("order", ())
        ),
    )
