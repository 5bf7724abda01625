"""Decides what a process had of the processor: seconds it ran, and seconds it stood ready and waited.

On a machine that others use too, a rate by wall time says more about the scheduler than about the
program: the one with more threads gets more of the cores. What it ran is its own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """Seconds, over all threads that live."""

    ran: float = 0.0
    waited: float = 0.0

    def since(self, before: Use) -> Use:
        """What came on top of ``before``."""
        return Use(self.ran - before.ran, self.waited - before.waited)


def use(pid: int) -> Use:
    """Of one process so far (Documentation/scheduler/sched-stats.rst: nanoseconds run, waited)."""
    every = [_thread(one) for one in Path(f"/proc/{pid}/task").iterdir()]
    return Use(sum(ran for ran, _ in every), sum(waited for _, waited in every))


def _thread(task: Path) -> tuple[float, float]:
    ran, waited, _ = (task / "schedstat").read_text(encoding="ascii").split()
    return int(ran) / 1e9, int(waited) / 1e9


def spent(pid: int) -> float:
    """User and system CPU seconds of a process so far, its dead threads' too (proc(5), in ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
