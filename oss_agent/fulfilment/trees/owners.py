"""Decides what a configuration store shall hold when one of its owners changes its mind. Pure.

Four trees meet at every node: what the device has (``now``), what the service had there (``was``)
and shall have (``wanted``), and what other services have (``kept``). The rules, node by node:

* wanted by us, had by others: joined when the platform lets services share it and the values are
  equal, else a Conflict that names the owner;
* given up by us, had by others: stays until its last owner leaves;
* given up by us alone: goes, with the list entry it lives in;
* nobody's: never touched; where we want it, a Conflict, unless the policy is to adopt it (whether it
  is all as wanted, as an adoption asks for, is judged of the outcome).

What somebody changed by hand in our own part is a Conflict by default; ``spi.catalogue.OutOfBand`` has the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from oss_agent import errors
from oss_agent.fulfilment.trees import sequences, tree
from oss_agent.spi import catalogue
from oss_agent.spi.tree import EMPTY, Path, Step, Tree, path_text

NAMED: Final = 5
"""Nodes that one sentence names."""
OR_CHOOSE: Final = (
    "or send the order again with what shall become of it (--by-hand revert|adopt|accept)"
)


class EditedByHandError(errors.Conflict):
    """Somebody else changed what the service has at ``paths`` of the device ``where``."""

    def __init__(self, where: str, paths: Sequence[Path]) -> None:
        named = ", ".join(path_text(path) for path in paths[:NAMED])
        more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
        self.where = where
        self.paths = tuple(paths)
        self.what = f"{where}: somebody else changed what the service has there ({named}{more})"
        super().__init__(
            f"{self.what}: its case is told by 'oss-agent drift check {where}'; revert or adopt it "
            f"there, {OR_CHOOSE}",
            holder=where,
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """One configuration store as one service's change finds it. ``others`` is by service."""

    where: str
    was: Tree
    wanted: Tree
    others: Mapping[str, Tree]
    shareable: Callable[[Path], bool]
    policy: catalogue.OutOfBand = catalogue.OutOfBand.ABORT


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the store shall hold, of what was read, and the service's own part of that.

    ``edited`` is where somebody else had changed our part.
    """

    target: Tree
    own: Tree
    edited: tuple[Path, ...] = ()


def decide(ground: Ground, now: Tree) -> Outcome:
    """The target for what the device has ``now`` at the roots of was and wanted.

    Conflict when somebody else's node, or an edit made by hand, stands in the way.
    """
    kept = tree.merge(ground.others.values())
    root = _Node(tree.normal(now), tree.normal(ground.was), tree.normal(ground.wanted), kept)
    decision = _Decision(ground)
    target, own = decision.inside(root, (), ours=False)
    if decision.edited and ground.policy is catalogue.OutOfBand.ABORT:
        raise EditedByHandError(ground.where, decision.edited)
    edited = tuple(dict.fromkeys(decision.edited))
    return Outcome(tree.normal(target), tree.normal(own), edited)


@dataclass(frozen=True, slots=True)
class _Node:
    now: Tree | None
    was: Tree | None
    wanted: Tree | None
    kept: Tree | None

    @property
    def sides(self) -> tuple[Tree, ...]:
        """The trees that have it."""
        every = (self.now, self.was, self.wanted, self.kept)
        return tuple(one for one in every if one is not None)

    @property
    def is_container(self) -> bool:
        """Nobody owns one without keys: what is in it has owners."""
        return all(one.value is None and not one.step.keys for one in self.sides)

    def steps(self) -> Iterable[Step]:
        """Of every child that is there, was ours or shall be."""
        mine = (one for one in (self.now, self.was, self.wanted) if one is not None)
        return sorted({child.step for one in mine for child in one.children})

    def child(self, step: Step) -> _Node:
        """The same one step down."""
        below = [
            None if one is None else one.child(step)
            for one in (self.now, self.was, self.wanted, self.kept)
        ]
        return _Node(*below)


class _Decision:
    """The rules over one ground; every method gives (what shall be there, what of it is ours)."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._policy = ground.policy
        self.edited: list[Path] = []
        """where somebody else changed our part"""

    def inside(self, node: _Node, path: Path, *, ours: bool) -> tuple[Tree, Tree]:
        """The children of a node that stays."""
        held: list[Tree] = []
        own: list[Tree] = []
        for step in node.steps():
            there, mine = self._node(node.child(step), (*path, step), ours=ours)
            held.extend([there] if there is not None else [])
            own.extend([mine] if mine is not None else [])
        shell = Tree(path[-1]) if path else EMPTY
        self._check_order(node, path)
        return (
            dataclasses.replace(shell, children=tuple(held), order=_order(node, held)),
            dataclasses.replace(shell, children=tuple(own), order=_order(node, own)),
        )

    def _node(self, node: _Node, path: Path, *, ours: bool) -> tuple[Tree | None, Tree | None]:
        if node.is_container:
            return self.inside(node, path, ours=ours)
        if node.wanted is not None:
            return self._held(node, node.wanted, path, ours=ours)
        if node.was is not None:
            return self._given_up(node, node.was, path)
        return self._nobodys(node, path, ours=ours)

    def _held(
        self, node: _Node, wanted: Tree, path: Path, *, ours: bool
    ) -> tuple[Tree | None, Tree | None]:
        if node.kept is not None:
            self._join(node, wanted, node.kept, path)
        elif node.was is not None:
            if not _is_one_of(node.now, (node.was, wanted)):
                self.edited.append(path)
        elif node.now is not None and not (ours and _alike(node.now, wanted)):
            self._claim(path, ours=ours)
        if self._leaves_as_found(node, wanted):
            return node.now, node.now if self._adopts else wanted
        if wanted.value is not None:
            return wanted, wanted
        alone = node.kept is None and (node.was is not None or self._adopts)
        return self.inside(node, path, ours=alone)

    def _leaves_as_found(self, node: _Node, wanted: Tree) -> bool:
        """Was it made otherwise by hand, where this change does not need it otherwise?"""
        changed = node.now is None or not _alike(node.now, wanted)
        lenient = self._policy in {catalogue.OutOfBand.ACCEPT, catalogue.OutOfBand.ADOPT}
        return lenient and node.was == wanted and node.kept is None and changed

    def _join(self, node: _Node, wanted: Tree, kept: Tree, path: Path) -> None:
        """Ours and somebody else's: only what may be shared, and only alike."""
        if not self._ground.shareable(path):
            owner = self._owner(path)
            raise errors.Conflict(
                f"{self._ground.where} {path_text(path)} belongs to service {owner}", holder=owner
            )
        if not _alike(wanted, kept):
            owner = self._owner(path)
            raise errors.Conflict(
                f"{self._ground.where} {path_text(path)} is shared with service {owner}, which "
                f"has {kept.value!r} there: {wanted.value!r} is not possible beside it",
                holder=owner,
            )
        if not _is_one_of(node.now, (kept,)):
            self.edited.append(path)

    def _claim(self, path: Path, *, ours: bool) -> None:
        if ours:
            self.edited.append(path)
        elif not self._adopts:
            raise errors.Conflict(
                f"{self._ground.where} already has {path_text(path)} and no service owns it: "
                "remove it there, or choose another name"
            )

    def _given_up(self, node: _Node, was: Tree, path: Path) -> tuple[Tree | None, Tree | None]:
        if node.kept is None:
            self.edited.extend(_strangers(node.now, was, path))
            return None, None
        if node.now is None or node.now.value is not None:
            return node.now, None
        return self.inside(node, path, ours=False)[0], None

    def _nobodys(self, node: _Node, path: Path, *, ours: bool) -> tuple[Tree | None, Tree | None]:
        """Neither ours nor wanted by us; ``ours`` says that it lies in an entry of ours alone."""
        if not ours or node.kept is not None:
            return node.now, None
        self.edited.append(path)
        if self._policy is catalogue.OutOfBand.REVERT:
            return None, None
        return node.now, node.now if self._adopts else None

    @property
    def _adopts(self) -> bool:
        return self._policy in {catalogue.OutOfBand.ADOPT, catalogue.OutOfBand.AS_IS}

    def _check_order(self, node: _Node, path: Path) -> None:
        orders = [one.order if one is not None else () for one in (node.was, node.wanted)]
        now = node.now.order if node.now is not None else ()
        if not any(sequences.agree(order, now) for order in orders):
            self.edited.append(path)

    def _owner(self, path: Path) -> str:
        others = self._ground.others
        return next(name for name in sorted(others) if others[name].at(path) is not None)


def _order(node: _Node, children: Iterable[Tree]) -> tuple[Step, ...]:
    """Our order of what we want; what is not ours stays behind what it follows now."""
    there = {child.step for child in children}
    wanted, now = (
        [step for step in one.order if step in there] if one is not None else []
        for one in (node.wanted, node.now)
    )
    return sequences.joined(wanted, now)


def _strangers(now: Tree | None, was: Tree, path: Path) -> Iterator[Path]:
    """What the device has in a part of ours that we did not put there."""
    if now is None:
        return
    if now.value != was.value:
        yield path
    for child in now.children:
        had = was.child(child.step)
        here = (*path, child.step)
        if had is not None:
            yield from _strangers(child, had, here)
        else:
            yield here


def _alike(one: Tree, two: Tree) -> bool:
    return one.value == two.value


def _is_one_of(now: Tree | None, known: Iterable[Tree]) -> bool:
    return now is not None and any(_alike(now, one) for one in known)
