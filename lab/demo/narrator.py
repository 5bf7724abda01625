"""How the story looks: a word in front, the facts after it, elapsed time at the end. No number is made up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

_BOLD, _GREEN, _RED, _DIM, _OFF = "\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m"


def colourful(out: TextIO) -> bool:
    """Colour only for a person at a terminal who did not say NO_COLOR."""
    return out.isatty() and "NO_COLOR" not in os.environ


@dataclass(frozen=True, slots=True)
class Narrator:
    """Writes the story to a stream."""

    out: TextIO
    colour: bool

    def line(self, word: str, text: str, seconds: float | None = None) -> None:
        """One line of the story; ``seconds`` is what it took."""
        tail = "" if seconds is None else self._paint(_DIM, f"  {seconds:.1f} s")
        self._write(f"{self._paint(_BOLD, f'{word:<8}')} {text}{tail}")

    def more(self, text: str) -> None:
        """A line that belongs to the one before; diff lines get their colour."""
        paint = _GREEN if text.startswith("+") else _RED if text.startswith("-") else ""
        self._write(" " * 9 + (self._paint(paint, text) if paint else text))

    def gap(self) -> None:
        """An empty line between chapters."""
        self._write("")

    @contextmanager
    def timed(self, word: str) -> Iterator[list[str]]:
        """Collect the text of a line while it happens, then write it with the time it took."""
        began = time.monotonic()
        text: list[str] = []
        yield text
        self.line(word, " · ".join(text), time.monotonic() - began)

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{_OFF}" if self.colour else text

    def _write(self, text: str) -> None:
        self.out.write(text.rstrip() + "\n")
        self.out.flush()


def to_stdout() -> Narrator:
    """Make the narrator that talks to the person in front of it."""
    return Narrator(sys.stdout, colourful(sys.stdout))
