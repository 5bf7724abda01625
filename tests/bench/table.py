"""Decides how a measurement is told: one line each, ours beside what it is compared with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.errors import LabError, LabUnavailable
from oss_agent.testing.daemon import NotReady

NOT_MEASURED = 3
"""Exit code: the peers cannot run on this machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """``beside`` names what ``ours`` is compared with and its figure; empty when nothing is."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""


def run(bench: str, measure: Callable[[], Iterable[Row]]) -> None:
    """Print the lines of a benchmark as they come; exit code 3 when its peers cannot run here."""
    try:
        for row in measure():
            cells = f"{bench:<8} {row.what:<34} {row.ours:>10}  {row.beside:<34} {row.ratio:>8}"
            print(cells.rstrip(), flush=True)
    except LabUnavailable as missing:
        print(f"{bench:<8} not measured: {missing.reason}", flush=True)
        sys.exit(NOT_MEASURED)
    except (LabError, NotReady) as trouble:
        sys.exit(f"{bench}: {trouble}")


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with their unit."""
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def cost(what: str, ours: float, whose: str, theirs: float) -> Row:
    """Two costs in seconds; the ratio says how much smaller ours is, or how much larger."""
    ratio = f"1/{theirs / ours:.1f}" if ours < theirs else f"{ours / theirs:.1f} x"
    return Row(what, milliseconds(ours), f"{whose} {milliseconds(theirs)}", ratio)
