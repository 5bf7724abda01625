"""Decides what of other people's text is stored: bounded, without control characters.

Drivers clean what they read from devices; this is the second wall, where it becomes a row.
"""

from __future__ import annotations

LINE = 500
TRANSCRIPT = 16_384


def line(text: str) -> str:
    """One printable line of at most ``LINE`` characters; anything else becomes a space."""
    clean = text[: LINE * 2]
    if not clean.isprintable():  # to look at each character costs fifty times as much
        clean = "".join(c if c.isprintable() else " " for c in clean)
    words = " ".join(clean.split())
    return words if len(words) <= LINE else words[: LINE - 3] + "..."


def transcript(text: str) -> str:
    """Printable characters, line ends and tabs, at most ``TRANSCRIPT`` of them."""
    kept = text[:TRANSCRIPT]
    if kept.isprintable():
        return kept
    return "".join(c for c in kept if c.isprintable() or c in "\n\t")
