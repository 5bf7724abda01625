"""How things look in a terminal: tables for people on stdout, ``-o json`` for programs.

Text that came from a device, an order or billing is hostile: control characters are dropped
before anything reaches the terminal, and markup is never interpreted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

SEVERE = {"critical": "bold red", "major": "red", "minor": "yellow", "warning": "yellow"}
STATES = {
    "completed": "green",
    "active": "green",
    "running": "green",
    "proven": "green",
    "up": "green",
    "failed": "red",
    "rejected": "red",
    "down": "red",
    "partial": "yellow",
    "not proven": "yellow",
}


PIPE_WIDTH = 2_000
"""A pipe has no width: folded cells are for people, one row a line is for grep."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def is_moment(value: object) -> bool:
    """Is it an RFC 3339 moment as the API writes it?"""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def short(value: object) -> object:
    """A moment to the second, as a table has room for; anything else as it is."""
    return f"{value[:19]}Z" if isinstance(value, str) and is_moment(value) else value


def plain(value: object) -> str:
    """Any value as harmless one-line text."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        items: list[object] = list(value)
        return ", ".join(plain(item) for item in items) or "-"
    if isinstance(value, dict):
        return clean(json.dumps(value, sort_keys=True))
    return clean(str(value))


def clean(text: str) -> str:
    """Without control characters (terminal escapes among them); newlines become spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


@dataclass(frozen=True, slots=True)
class Screen:
    """Where output goes, and in which form."""

    console: Console
    as_json: bool

    def json(self, data: Any) -> None:
        """The answer as the API gave it."""
        self.console.print_json(data=data, ensure_ascii=False) if (
            self.console.is_terminal
        ) else self.console.file.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def table(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]], nothing: str
    ) -> None:
        """Rows as a table of (heading, key) columns; ``nothing`` is said when there are none."""
        if self.as_json:
            self.json(list(rows))
            return
        if not rows:
            self.console.print(nothing, markup=False)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading, key in columns:
            whole = all(is_moment(row.get(key)) or not row.get(key) for row in rows)
            table.add_column(heading, overflow="fold", no_wrap=whole)
        for row in rows:
            table.add_row(*(styled(short(row.get(key))) for _heading, key in columns))
        self.console.print(table)

    def facts(self, pairs: Iterable[tuple[str, object]]) -> None:
        """One thing's facts, a line each."""
        known = list(pairs)
        width = max((len(name) for name, _value in known), default=0) + 2
        for name, value in known:
            line = Text(name.ljust(width), style="bold").append_text(styled(value))
            self.console.print(line, soft_wrap=True)

    def text(self, words: str) -> None:
        """A line as it is (but harmless)."""
        self.console.print(clean(words), markup=False, highlight=False, soft_wrap=True)

    def block(self, words: str, indent: str = "    ") -> None:
        """Several lines, indented; each made harmless."""
        for line in words.splitlines():
            style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
            self.console.print(Text(indent + clean(line), style=style), soft_wrap=True)


def styled(value: object) -> Text:
    """A cell; colour helps and never carries meaning alone."""
    words = plain(value)
    return Text(words, style=SEVERE.get(words) or STATES.get(words) or "")
