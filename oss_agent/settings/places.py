"""Decides where a setting was said: a line of the TOML file, or a variable of the environment. Pure.

Python's TOML reader tells the line of what it cannot read, and of nothing else. Here keys are looked
for as people write them: a header or a key at the beginning of a line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Final, TypeAlias

Place: TypeAlias = tuple[str | int, ...]

ENVIRONMENT: Final = "environment:"
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\s-]+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=")
_LONG: Final = re.compile(r'"""|\'\'\'')


def where(place: Place, file: str, text: str, variables: Collection[str], prefix: str) -> str:
    """``oss-agent.toml:7``, ``environment: OSS_AGENT_HTTP__PORT``; the file alone where it is unknown.

    ``variables`` are the names of the environment's, which stand above the file. "" without a file.
    """
    known = {name.upper(): name for name in variables}
    for end in range(len(place), 0, -1):
        name = known.get(prefix + "__".join(map(str, place[:end])).upper())
        if name is not None:
            return f"{ENVIRONMENT} {name}"
    found = lines(text)
    line = next((found[place[:end]] for end in range(len(place), 0, -1) if place[:end] in found), 0)
    return f"{file}:{line}" if line else file


def lines(text: str) -> Mapping[Place, int]:
    """The first line of each table and key of a TOML file, counted from 1."""
    found: dict[Place, int] = {}
    table: Place = ()
    seen: Counter[Place] = Counter()
    for number, line in _plain(text):
        header, key = _HEADER.fullmatch(line), _KEY.match(line)
        if header is not None:
            table = _parts(header[2])
            if header[1] == "[[":
                seen[table] += 1
                table = (*table, seen[table] - 1)
            found.setdefault(table, number)
        elif key is not None:
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> Place:
    return tuple(part.strip() for part in dotted.split("."))


def _plain(text: str) -> Iterator[tuple[int, str]]:
    """Lines that do not begin inside of a long string."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not inside:
            yield number, line
        inside ^= len(_LONG.findall(line)) % 2 == 1
