"""Decides how two configurations differ, as people read it (unified diff). Pure, and bounded in time."""

from __future__ import annotations

import difflib
import itertools
from typing import Final

_COMPARED: Final = 20_000
"""Lines, of both and without what they begin and end with alike, up to which their order is compared;
beyond it that would hold a processor for minutes, and all of one is told to be instead of the other."""


def unified(older: str, newer: str, names: tuple[str, str]) -> str:
    """The difference with three lines around each change; "" when there is none."""
    then, now = older.splitlines(), newer.splitlines()
    if then == now:
        return ""
    if _is_long(then, now):
        return _swapped(then, now, names)
    found = difflib.unified_diff(then, now, *names, lineterm="")
    return "".join(f"{line}\n" for line in found)


def counted(older: str, newer: str) -> tuple[int, int]:
    """How many lines the newer one has that the older had not, and the other way round."""
    body = unified(older, newer, ("a", "b")).splitlines()[2:]
    return sum(one.startswith("+") for one in body), sum(one.startswith("-") for one in body)


def _is_long(then: list[str], now: list[str]) -> bool:
    head = _alike(then, now)
    tail = _alike(then[head:][::-1], now[head:][::-1])
    return len(then) + len(now) - 2 * (head + tail) > _COMPARED


def _alike(then: list[str], now: list[str]) -> int:
    pairs = zip(then, now, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _swapped(then: list[str], now: list[str], names: tuple[str, str]) -> str:
    head = [f"--- {names[0]}", f"+++ {names[1]}", f"@@ -1,{len(then)} +1,{len(now)} @@"]
    body = [*(f"-{line}" for line in then), *(f"+{line}" for line in now)]
    return "".join(f"{line}\n" for line in (*head, *body))
