"""Decides whether what an order's lines stand on is there, by the platform's data; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drivers import steps, text
from drivers.cli import difference, running
from drivers.cli.grammar import Grammar
from oss_agent.spi.tree import Edit, Operation

_SHOWN = 3
"""Lines of the same kind that are told."""


def lacking(configuration: str, edits: Sequence[Edit], grammar: Grammar) -> str:
    """Why nothing may be sent: what is not there and would be made by the way; "" when all is."""
    there = dict.fromkeys(running.top(configuration))
    for line in dict.fromkeys(_entered(edits)):
        for need, wanted in grammar.needed(line):
            if wanted not in there:
                like = [text.line(one) for one in there if need.search(one)][:_SHOWN]
                found = f" ({', '.join(map(repr, like))} is)" if like else ""
                return f"{wanted!r} is not there{found}: {grammar.reason(need)}"
    return ""


def _entered(edits: Sequence[Edit]) -> Iterator[str]:
    """The top lines that something new comes into, or that come themselves."""
    for edit in difference.owned(edits):
        if edit.operation is Operation.CREATE:
            yield steps.text(edit.path[0])
