"""Decides how a device differs from what was read back of our services' configuration. Pure.

Only our own part is judged: nodes that services own, and what stands inside a list entry of theirs.
What stands beside them is foreign, and nobody's business. The trees were read back after the commit
that made them, so a default that a device adds by itself is no difference. Of a list that the user
orders, our entries must follow one another as they did; foreign ones may stand between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from inventory.words import hostile_text
from oss_agent.spi import tree
from oss_agent.spi.drift import Decision, Difference, Kind
from oss_agent.spi.tree import Path, Step, Tree

_LONGEST: Final = 200
"""Characters of a value or path that are told."""
_ONE_BY_ONE: Final = 16
"""Places that are asked for each by itself, at most."""

Decide: TypeAlias = Callable[[Path], Decision | None]
Mask: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one service has in one store, as it was read back."""

    service: str
    tree: Tree


@dataclass(frozen=True, slots=True)
class Rules:
    """What the platform's data say of one store; both are asked for as ``spi.drift.Judgement`` says."""

    decide: Decide = lambda _: None
    mask: Mask = lambda text: text


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    kind: Kind
    was: Tree | None
    now: Tree | None


def starts(parts: Sequence[Part]) -> tuple[Path, ...]:
    """What an audit reads: where our part of a store begins, no path within another.

    Where that is many places, what they stand in: a device answers one large question sooner than
    hundreds of small ones, and what is not ours in it is not judged.
    """
    every = {start for part in parts for start in _starts(part.tree, ())}
    for depth in (None, 1, 0):
        places = _outermost({start[:depth] for start in every})
        if len(places) <= _ONE_BY_ONE:
            break
    return places


def _outermost(every: Collection[Path]) -> tuple[Path, ...]:
    return tuple(
        path
        for path in sorted(every)
        if not any(path[:depth] in every for depth in range(len(path)))
    )


def _starts(node: Tree, path: Path) -> Iterator[Path]:
    if node.order:  # places are among siblings: what the list stands in is read
        yield path
        return
    for child in node.children:
        here = (*path, child.step)
        if _is_container(child):
            yield from _starts(child, here)
        else:
            yield here


def compare(store: str, parts: Sequence[Part], now: Tree, rules: Rules) -> tuple[Difference, ...]:
    """How ``now``, read at ``starts``, differs from what the services have there; by path."""
    whole = _union([part.tree for part in parts], tree.ROOT)
    found = [
        (one, decision)
        for one in _between(whole, now, (), ours=False)
        if (decision := _decision(one.path, rules.decide)) is not Decision.IGNORE
    ]
    owners = _owners(parts) if found else {}
    return tuple(
        _difference(store, one, _whose(one.path, owners), rules.mask, decision)
        for one, decision in found
    )


def _decision(path: Path, decide: Decide) -> Decision:
    """What is said of the node; else of the nearest one around it of which something is said."""
    said = (decide(path[:depth]) for depth in range(len(path), 0, -1))
    return next((one for one in said if one is not None), Decision.REPORT)


def _between(was: Tree, now: Tree, path: Path, *, ours: bool) -> Iterator[_Found]:
    """``ours``: it is an entry of ours, or stands in one: what else is there is extra."""
    before = {child.step: child for child in was.children}
    there = {child.step: child for child in now.children}
    for step in sorted(before.keys() | there.keys() if ours else before):
        yield from _node(before.get(step), there.get(step), (*path, step), ours=ours)
    if was.order and not _follow_alike(was.order, now.order):
        yield _Found(path, Kind.CHANGED, was, now)


def _node(was: Tree | None, now: Tree | None, path: Path, *, ours: bool) -> Iterator[_Found]:
    empty = Tree(path[-1])
    if was is None or now is None:
        there = was if was is not None else now
        if there is not None and _is_container(there):
            yield from _between(was or empty, now or empty, path, ours=ours)
        else:
            kind = Kind.EXTRA if was is None else Kind.MISSING
            yield _Found(path, kind, was, now)
    elif was.value != now.value:
        yield _Found(path, Kind.CHANGED, was, now)
    else:
        yield from _between(was, now, path, ours=ours or bool(path[-1].keys))


def _follow_alike(was: Sequence[Step], now: Sequence[Step]) -> bool:
    """Missing and extra entries are told by themselves: here only those that both have count."""
    both = frozenset(was) & frozenset(now)
    return [step for step in was if step in both] == [step for step in now if step in both]


def _is_container(node: Tree) -> bool:
    """RFC 7950 7.5.1: nobody owns one without keys; what is in it has owners."""
    return node.value is None and not node.step.keys


def _union(trees: Sequence[Tree], step: Step) -> Tree:
    """One tree that has all of them; a shared node is the same in each, by how it came there."""
    below: dict[Step, list[Tree]] = {}
    for child in (child for one in trees for child in one.children):
        below.setdefault(child.step, []).append(child)
    order = tuple(dict.fromkeys(step for one in trees for step in one.order))
    value = next((one.value for one in trees if one.value is not None), None)
    children = tuple(_union(several, each) for each, several in below.items())
    return Tree(step, value, children if value is None else (), order)


def _difference(
    store: str, one: _Found, services: tuple[str, ...], mask: Mask, decision: Decision
) -> Difference:
    bare, masked = _told(one, lambda text: text), _told(one, mask)
    path, was, now = (plain(text) for text in masked)
    return Difference(
        store=store,
        path=path,
        kind=one.kind,
        was=was,
        now=now,
        services=services,
        decision=decision,
        mark="" if (path, was, now) == bare else _mark(bare),
        whole=not any(step.keys for step in one.path[:-1]),
    )


def _owners(parts: Sequence[Part]) -> Mapping[Path, list[str]]:
    """Who has each node. A device that lost a thousand services would else ask each a thousand times."""
    found: dict[Path, list[str]] = {}
    for part in sorted(parts, key=lambda part: part.service):
        # A list that stands at the top has its order there.
        top: tuple[Path, ...] = ((),) if part.tree.order else ()
        for path in (*top, *_paths(part.tree, ())):
            found.setdefault(path, []).append(part.service)
    return found


def _paths(node: Tree, path: Path) -> Iterator[Path]:
    for child in node.children:
        here = (*path, child.step)
        yield here
        yield from _paths(child, here)


def _whose(path: Path, owners: Mapping[Path, list[str]]) -> tuple[str, ...]:
    """Who has the node, or the innermost one around it."""
    around = (owners.get(path[:depth]) for depth in range(len(path), -1, -1))
    return tuple(next((found for found in around if found), ()))


def _told(one: _Found, mask: Mask) -> tuple[str, str, str]:
    """Its path, what was there and what is; every line and leaf by ``mask``."""
    path = "/" + "/".join(_step(step, mask) for step in one.path)
    return path, _content(one.was, one, mask), _content(one.now, one, mask)


def _content(node: Tree | None, one: _Found, mask: Mask) -> str:
    """A node's value, the order of its entries, or what is in it."""
    if node is None:
        return ""
    if node.value is not None:
        return _leaf(node, mask).removeprefix(f"{node.step.name} ")
    if one.kind is Kind.CHANGED and node.order:
        return f"the order {', '.join(_step(step, mask) for step in node.order)}"
    return ", ".join(_lines(node, "", mask)) or "there"


def _lines(node: Tree, above: str, mask: Mask) -> Iterator[str]:
    """``name value`` of every leaf below, and every entry that is empty."""
    for child in node.children:
        if child.value is not None:
            yield above + _leaf(child, mask)
        elif child.children:
            yield from _lines(child, f"{above}{_step(child.step, mask)}/", mask)
        else:
            yield above + _step(child.step, mask)


def _leaf(node: Tree, mask: Mask) -> str:
    """What it is called tells whether it is a secret."""
    return mask(f"{node.step.name} {node.value}")


def _step(step: Step, mask: Mask) -> str:
    return mask(step.name) + "".join(f"[{name}={mask(value)}]" for name, value in step.keys)


def plain(text: str) -> str:
    """One harmless line of what a device said."""
    return hostile_text.printable(text.encode("utf-8", "replace"), _LONGEST)


def _mark(told: tuple[str, str, str]) -> str:
    """Sixteen bits: enough to tell two differences apart, too few to find a secret by."""
    return hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:4]
