"""Decides what of a device's text may be kept: printable, bounded, marked where it was cut.

Device output is hostile input: escape sequences would act on an operator's terminal, endless text
would fill journals.
"""

from __future__ import annotations

_KEPT = "\n\t"


def clean(text: str, limit: int = 64 * 1024) -> str:
    """``text`` without control characters other than newline and tab, at most ``limit`` long."""
    head = text[:limit]
    kept = "".join(c for c in head if c.isprintable() or c in _KEPT)
    return kept if len(text) <= limit else f"{kept}\n[cut at {limit} characters]"


def line(text: str, limit: int = 300) -> str:
    """``text`` as one printable line, for error messages."""
    return " ".join(clean(text, limit).split())


def reason(failure: BaseException) -> str:
    """What an exception says, as one line; its kind when it says nothing."""
    return line(str(failure)) or type(failure).__name__
