"""Decides which lines carry out edits, in which order and in which sections.

All that goes is taken back first, in the reverse of the order in which it would be sent; then all
that comes is sent. A section is entered once where its lines stand together. What a new line
replaces by itself is not taken back first: in between the setting would be gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from drivers import steps
from drivers.cli import difference
from drivers.cli.grammar import Grammar, Rank
from oss_agent.spi.tree import Edit, Operation, Tree

Section: TypeAlias = tuple[str, ...]


class Unsendable(Exception):
    """A line must not be sent as it is; the words say which and why."""


@dataclass(frozen=True, slots=True)
class Command:
    """One line to send. ``depth`` is the section it is sent in; ``moves`` enters or leaves one."""

    text: str
    depth: int
    moves: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    """A line that comes or goes in a section."""

    section: Section
    line: str


def commands(edits: Sequence[Edit], grammar: Grammar) -> tuple[Command, ...]:
    """The lines that carry the edits out, from the top of the configuration back to the top.

    Raises Unsendable or difference.Misfit before anything is sent.
    """
    lines = tuple(difference.owned(edits))
    going = list(_changes(lines, Operation.DELETE))
    coming = list(_changes(lines, Operation.CREATE))
    going = sorted(_not_replaced(going, coming, grammar), key=_rank(grammar), reverse=True)
    sent = [*_taken_back(going, grammar), *sorted(coming, key=_rank(grammar))]
    made = tuple(_walk(sent, grammar))
    for command in made:
        if not grammar.sendable(command.text):
            raise Unsendable(f"{command.text!r} must not be sent: the platform's data forbid it")
    return made


def text(block: Iterable[Command]) -> str:
    """The block as people read it: what is sent, indented by section. "" for nothing."""
    return "".join(f"{' ' * command.depth}{command.text}\n" for command in block)


def _changes(edits: Iterable[Edit], operation: Operation) -> Iterator[_Change]:
    for edit in edits:
        if edit.operation is not operation:
            continue
        above = tuple(steps.text(step) for step in edit.path[:-1])
        if edit.node is None:
            # What is in a section goes with it.
            yield _Change(above, steps.text(edit.path[-1]))
        else:
            yield from _spread(above, edit.node)


def _spread(above: Section, node: Tree) -> Iterator[_Change]:
    line = steps.text(node.step)
    if steps.is_owned(node.step):
        yield _Change(above, line)
    for child in node.children:
        yield from _spread((*above, line), child)


def _not_replaced(
    going: Sequence[_Change], coming: Sequence[_Change], grammar: Grammar
) -> Iterator[_Change]:
    new = {(change.section, grammar.setting(change.line)) for change in coming}
    for change in going:
        setting = grammar.setting(change.line)
        if setting is None or (change.section, setting) not in new:
            yield change


def _taken_back(going: Iterable[_Change], grammar: Grammar) -> Iterator[_Change]:
    return (_Change(change.section, grammar.undo(change.line)) for change in going)


def _rank(grammar: Grammar) -> Callable[[_Change], tuple[Rank, ...]]:
    return lambda change: tuple(map(grammar.rank, (*change.section, change.line)))


def _walk(changes: Sequence[_Change], grammar: Grammar) -> Iterator[Command]:
    entered = {
        change.section[:depth] for change in changes for depth in range(len(change.section) + 1)
    }
    here: Section = ()
    for change in changes:
        kept = _common(here, change.section)
        yield from _leave(len(here), kept, grammar)
        for depth in range(kept, len(change.section)):
            yield Command(change.section[depth], depth, moves=True)
        below = (*change.section, change.line)
        opens = below in entered or grammar.opens(change.line)
        yield Command(change.line, len(change.section), moves=opens)
        here = below if opens else change.section
    yield from _leave(len(here), 0, grammar)


def _common(one: Section, two: Section) -> int:
    pairs = zip(one, two, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(two)))


def _leave(depth: int, until: int, grammar: Grammar) -> Iterator[Command]:
    for level in range(depth, until, -1):
        yield Command(grammar.data.leave, level, moves=True)
