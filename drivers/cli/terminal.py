"""Decides what text a terminal's bytes leave on a line: no escape sequences, nothing overwritten."""

from __future__ import annotations

import re

from drivers import text

# CSI, OSC, character sets, and the two-byte rest (ECMA-48 5.3 and 5.4).
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()*+][0-9A-Za-z]|\x1b[0-~]"
)
_ERASE_TO_END = re.compile(r"\x1b\[0?K")
_ERASED = "\x7f"  # no device prints it, and it would not be kept
_LONGEST = 4096


def plain(received: str) -> str:
    """The text as a person would see it, lines ended by newlines."""
    marked = _ESCAPES.sub("", _ERASE_TO_END.sub(_ERASED, received))
    return "\n".join(_settled(line.rstrip("\r")) for line in marked.split("\n"))


def _settled(line: str) -> str:
    """One line after its carriage returns and backspaces took effect."""
    if not {"\r", "\b", _ERASED} & set(line):
        return text.clean(line, limit=len(line))
    shown: list[str] = []
    at = 0
    for character in line[:_LONGEST]:
        if character == "\r":
            at = 0
        elif character == "\b":
            at = max(0, at - 1)
        elif character == _ERASED:
            del shown[at:]
        elif character.isprintable():
            shown[at : at + 1] = [character]
            at += 1
    return "".join(shown).rstrip()
