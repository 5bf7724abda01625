"""Decides what a line does to the simulated router's configuration: its modes, ``no`` and ``exit``.

As on real routers a line that the mode does not know is tried in the modes above it, ``no`` needs
no more of a line than its beginning, and some lines take others with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from oss_agent.testing.simulated_cli.rules import MODES, TOP, Rule

Section: TypeAlias = "dict[str, Section]"

UNKNOWN = "% Unknown command: {line}"
MISSING = "% Can't find {line}"


@dataclass(slots=True)
class Configuration:
    """The lines, each with those of its section."""

    lines: Section = field(default_factory=dict[str, "Section"])

    def text(self) -> str:
        """As it is shown: plain lines before sections, both sorted, as routers sort theirs."""
        return "".join(f"{line}\n" for line in _shown(self.lines, 0))


@dataclass(slots=True)
class _Place:
    mode: str
    section: Section
    line: str = ""


@dataclass(slots=True)
class Interpreter:
    """Configuration mode of one session."""

    configuration: Configuration
    places: list[_Place] = field(default_factory=list["_Place"])

    @property
    def mode(self) -> str:
        """The mode's name, as the prompt shows it; "" outside."""
        return self.places[-1].mode if self.places else ""

    def enter(self) -> None:
        """``configure terminal``."""
        self.places = [_Place(TOP, self.configuration.lines)]

    def take(self, line: str) -> str:
        """Carry out one line of configuration mode; what is answered, "" for nothing."""
        line = " ".join(line.split())
        if not line or line.startswith("!"):
            return ""
        if line == "end":
            self.places = []
            return ""
        if line in {"exit", "exit-address-family"}:
            self.places.pop()
            return ""
        return self._here_or_above(line)

    def _here_or_above(self, line: str) -> str:
        wanted = line.removeprefix("no ")
        for depth in range(len(self.places), 0, -1):
            place = self.places[depth - 1]
            rule = _rule(place.mode, wanted, partly=wanted != line)
            if rule is not None:
                del self.places[depth:]
                found, match = rule
                if wanted != line:
                    return self._remove(place, wanted, found, match)
                return self._add(place, line, found, match)
        return UNKNOWN.format(line=line)

    def _add(self, place: _Place, line: str, rule: Rule, match: re.Match[str] | None) -> str:
        wrong = self._wrong(rule, match)
        if wrong:
            return wrong
        if rule.single and match is not None:
            beginning = re.compile(match.expand(rule.single))
            for old in [one for one in place.section if beginning.match(one) and one != line]:
                del place.section[old]
        below = place.section.setdefault(line, {})
        if rule.mode:
            self.places.append(_Place(rule.mode, below, line))
        return ""

    def _wrong(self, rule: Rule, match: re.Match[str] | None) -> str:
        if rule.ceiling is not None and match is not None and int(match[1]) > rule.ceiling:
            return f"% Invalid input: {match[1]} is more than {rule.ceiling}"
        if rule.needs and match is not None:
            needed = match.expand(rule.needs)
            if not any(one.startswith(needed) for place in self.places for one in place.section):
                return "% Specify remote-as or peer-group commands first"
        return ""

    def _remove(self, place: _Place, line: str, rule: Rule, match: re.Match[str] | None) -> str:
        gone = [one for one in place.section if one == line or one.startswith(line + " ")]
        if not gone:
            return MISSING.format(line=line)
        for one in gone:
            del place.section[one]
        if rule.takes and match is not None:
            _sweep(place.section, match.expand(rule.takes))
        return ""


def _rule(mode: str, line: str, *, partly: bool) -> tuple[Rule, re.Match[str] | None] | None:
    """The rule of a whole line; ``partly``: of the beginning of one, too."""
    for rule in MODES[mode]:
        match = re.fullmatch(rule.line, line)
        if match:
            return rule, match
    if partly:
        for rule in MODES[mode]:
            beginning = re.sub(r"\\[12]", r"\\S+", rule.single).rstrip()
            if beginning and re.match(beginning, line):
                return rule, None
    return None


def _sweep(section: Section, beginning: str) -> None:
    for line in list(section):
        if line.startswith(beginning):
            del section[line]
        else:
            _sweep(section[line], beginning)


def _shown(section: Section, depth: int) -> list[str]:
    below = {line: _shown(lines, depth + 1) for line, lines in section.items()}
    shown: list[str] = []
    for line in sorted(below, key=lambda line: (bool(below[line]), line)):
        if line.startswith(("address-family", "interface")) and not below[line]:
            continue  # entered once and left empty: routers do not show it
        shown += [" " * depth + line, *below[line]]
        if line.startswith("address-family"):
            shown.append(" " * depth + "exit-address-family")
        if depth == 0:
            shown.append("!")
    return shown
