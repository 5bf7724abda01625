"""What a command writes on: there even where nobody wants it, and its errors are told from all others."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast


class Unwritten(Exception):
    """What was answered cannot be written; the message says why."""


class _Paper:
    """Standard output, but that a failure to write is ``Unwritten``: an OSError could be anybody's.

    A reader that has enough is none: it stays the BrokenPipeError that click and rich look for.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def spread() -> Iterator[None]:
    """Everything that is printed meanwhile goes through it, and is written at the end."""
    _provide()
    try:
        with contextlib.redirect_stdout(cast("TextIO", _Paper(sys.stdout))) as paper:
            yield
            paper.flush()
    finally:
        _let_go()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as bad:
        raise Unwritten(str(bad)) from bad


def _provide() -> None:
    """Who closed an output (``>&-``) wants nothing on it: Python has None there, and gives its number away."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (as long as the program)


def _let_go() -> None:
    """Leave nothing unwritten: at its end Python would try once again, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
