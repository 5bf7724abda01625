"""Time, passed in: wall clock for people, monotonic for machines, boot time across restarts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BootTime:
    """A moment that survives a restart of the process but not of the machine.

    ``boot_id`` is /proc/sys/kernel/random/boot_id; ``seconds`` is CLOCK_BOOTTIME. Two values are
    comparable only when their boot ids are equal; otherwise a stored deadline counts as expired.
    """

    boot_id: str
    seconds: float


class Clock(Protocol):
    """The three clocks. Tests pass their own."""

    def now(self) -> datetime:
        """Aware UTC wall clock, for stamps that people read."""
        ...

    def monotonic(self) -> float:
        """Seconds for deadlines and intervals inside this process."""
        ...

    def boot(self) -> BootTime:
        """Seconds for deadlines that must survive a restart of the process."""
        ...


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and Z: '+00:00' in a query string decodes to a space (TMF630)."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
