"""Decides whether a device may have changed, by one cheap question before a whole look. Pure.

sysUpTime (a restart), ifTableLastChange and ifStackLastChange (RFC 2863), entLastChangeTime
(RFC 6933), lldpStatsRemTablesLastChangeTime (IEEE 802.1AB). An agent may have none of them, or leave
them at 0 for ever: then nothing tells, and every look is a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oss_agent.spi import snmp

OIDS: Final[tuple[snmp.Oid, ...]] = (
    (1, 3, 6, 1, 2, 1, 1, 3, 0),
    (1, 3, 6, 1, 2, 1, 2, 1, 0),
    (1, 3, 6, 1, 2, 1, 31, 1, 5, 0),
    (1, 3, 6, 1, 2, 1, 31, 1, 6, 0),
    (1, 3, 6, 1, 2, 1, 47, 1, 4, 1, 0),
    (1, 0, 8802, 1, 1, 2, 1, 2, 1, 0),
)
"""SysUpTime, ifNumber, then the moments of the last changes."""
_PORTS: Final = 2
"""Which of the marks is ifTableLastChange: without it a renamed port would not show."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the cheap question was answered: ``uptime`` in 1/100 s, ``marks`` the rest as numbers."""

    uptime: int
    marks: tuple[int | None, ...]

    @property
    def tells(self) -> bool:
        """Does the agent keep track of its ports at all?"""
        moment = self.marks[_PORTS - 1]
        return moment is not None and moment > 0


def read(values: Sequence[snmp.Value]) -> Stamp | None:
    """An answer to ``OIDS``; None when it is none."""
    uptime, *marks = (value if isinstance(value, int) else None for value in values)
    return Stamp(uptime, tuple(marks)) if uptime is not None and marks else None


def moved(before: Stamp | None, now: Stamp) -> bool:
    """May anything be another than it was ``before``, when the last whole look began?"""
    if before is None or not now.tells:
        return True
    return now.uptime < before.uptime or now.marks != before.marks
