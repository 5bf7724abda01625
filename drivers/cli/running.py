"""Decides what tree the text of a running configuration is, and what of the text can be compared.

Structure is indentation: a line belongs to the last line above it that stands further left. The
text is hostile input: bounded in depth, without control characters, and never an exception but
``Unreadable``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers import text
from drivers.cli.grammar import Grammar
from oss_agent.spi.tree import ROOT, Step, Tree

_DEEPEST = 32


class Unreadable(Exception):
    """The text is no configuration that could be worked on; the words say why."""


@dataclass(slots=True)
class _Section:
    """A section while it is read. A section or line that comes twice is one."""

    indent: int
    step: Step
    below: dict[Step, _Section] = field(default_factory=dict["Step", "_Section"])

    def tree(self) -> Tree:
        children = (section.tree() for section in self.below.values())
        kept = tuple(child for child in children if child.step.keys or child.children)
        return Tree(self.step, children=kept)


def read(configuration: str, grammar: Grammar) -> Tree:
    """The tree, without empty containers. Unreadable when it is nested beyond reason."""
    root = _Section(-1, ROOT)
    open_sections = [root]
    for indent, line in _lines(configuration):
        if grammar.means_nothing(line):
            continue
        while open_sections[-1].indent >= indent:
            open_sections.pop()
        if len(open_sections) > _DEEPEST:
            raise Unreadable(f"{text.line(line)!r} is nested more than {_DEEPEST} sections deep")
        step = grammar.step(line)
        section = open_sections[-1].below.setdefault(step, _Section(indent, step))
        section.indent = indent
        open_sections.append(section)
    return root.tree()


def top(configuration: str) -> Iterator[str]:
    """The lines that stand in no section."""
    return (line for indent, line in _lines(configuration) if indent == 0)


def snapshot(configuration: str, grammar: Grammar) -> str:
    """The text that two equal configurations have in common: without what changes by itself."""
    kept = (
        " " * indent + line for indent, line in _lines(configuration) if not grammar.volatile(line)
    )
    return "".join(f"{line}\n" for line in kept)


def _lines(configuration: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): it would cut at form feeds and Unicode separators, which devices print.
    for raw in configuration.split("\n"):
        printable = text.clean(raw.expandtabs(), limit=len(raw) * 8 + 1).rstrip()
        line = printable.lstrip()
        if line:
            yield len(printable) - len(line), line
