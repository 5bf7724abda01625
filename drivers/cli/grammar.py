"""Decides what one line of a command-line configuration is, by the platform's data; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from device_models import model
from drivers import steps
from oss_agent.spi.tree import Path, Step

Rank: TypeAlias = tuple[int, int, str]
_FIRST, _BETWEEN, _LAST = range(3)


@dataclass(frozen=True)
class Grammar:
    """A platform's grammar, compiled once."""

    data: model.Grammar

    def step(self, line: str) -> Step:
        """The line as a step of a tree."""
        return Step(line) if _any(self._containers, line) else steps.owned(line)

    def opens(self, line: str) -> bool:
        """Does the line lead into a section, even when nothing is in it?"""
        return _any(self._containers, line) or _any(self._sections, line)

    def means_nothing(self, line: str) -> bool:
        """Is it punctuation, or does it change by itself?"""
        return _any(self._ends, line) or _any(self._volatile, line)

    def volatile(self, line: str) -> bool:
        """Does it change by itself?"""
        return _any(self._volatile, line)

    def shared(self, path: Path) -> bool:
        """Is the line at ``path``, or one above it, wanted alike by several services?"""
        return any(_any(self._shared, steps.text(step)) for step in path if steps.is_owned(step))

    def undo(self, line: str) -> str:
        """The line that takes ``line`` back."""
        for expression, undo in self._negations:
            found = expression.search(line)
            if found:
                return found.expand(undo)
        return line.removeprefix("no ") if line.startswith("no ") else f"no {line}"

    def setting(self, line: str) -> tuple[str | None, ...] | None:
        """What two lines have in common when the second one replaces the first; None for others."""
        for expression in self._replaces:
            found = expression.search(line)
            if found:
                return (expression.pattern, *found.groups())
        return None

    def needed(self, line: str) -> Iterator[tuple[re.Pattern[str], str]]:
        """What must stand at the top before anything is put into ``line``, each with its expression."""
        for expression, there in self._needs:
            found = expression.search(line)
            if found:
                yield expression, found.expand(there)

    def reason(self, need: re.Pattern[str]) -> str:
        """Why it must, and what to do."""
        return next(one.why for one in self.data.needs if one.line == need.pattern)

    def rank(self, line: str) -> Rank:
        """Where the line comes among those of its section when they are sent."""
        for band, expressions in ((_FIRST, self._first), (_LAST, self._last)):
            for number, expression in enumerate(expressions):
                if expression.search(line):
                    return band, number, line
        return _BETWEEN, int(self.opens(line)), line

    def sendable(self, line: str) -> bool:
        """May the line be sent as it is? The wall against everything a terminal acts upon."""
        return self._sendable.fullmatch(line) is not None

    @cached_property
    def _containers(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.containers)

    @cached_property
    def _sections(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.sections)

    @cached_property
    def _ends(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.ends)

    @cached_property
    def _volatile(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.volatile)

    @cached_property
    def _shared(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.shared)

    @cached_property
    def _replaces(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.replaces)

    @cached_property
    def _first(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.first)

    @cached_property
    def _last(self) -> tuple[re.Pattern[str], ...]:
        return _compiled(self.data.last)

    @cached_property
    def _negations(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(rule.line), rule.undo) for rule in self.data.negations)

    @cached_property
    def _needs(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(rule.line), rule.there) for rule in self.data.needs)

    @cached_property
    def _sendable(self) -> re.Pattern[str]:
        return re.compile(self.data.sendable)


def _compiled(expressions: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(expression) for expression in expressions)


def _any(expressions: tuple[re.Pattern[str], ...], line: str) -> bool:
    return any(expression.search(line) for expression in expressions)
