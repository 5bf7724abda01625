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
from oss_agent.spi.onboarding import About

OIDS: Final[tuple[snmp.Oid, ...]] = (
    (1, 3, 6, 1, 2, 1, 1, 3, 0),
    (1, 3, 6, 1, 2, 1, 2, 1, 0),
    (1, 3, 6, 1, 2, 1, 31, 1, 5, 0),
    (1, 3, 6, 1, 2, 1, 31, 1, 6, 0),
    (1, 3, 6, 1, 2, 1, 47, 1, 4, 1, 0),
    (1, 0, 8802, 1, 1, 2, 1, 2, 1, 0),
    (1, 3, 6, 1, 4, 1, 9, 9, 43, 1, 1, 1, 0),
    (1, 3, 6, 1, 4, 1, 2636, 3, 18, 1, 2, 0),
)
"""SysUpTime, ifNumber, then the moments of the last changes; those of the configuration, for which no
standard has one, by makers: ccmHistoryRunningLastChanged (CISCO-CONFIG-MAN-MIB), jnxCmCfgChgLatestTime
(JUNIPER-CFGMGMT-MIB). Where an agent has none of these they cost a few octets."""
_ABOUT: Final = (
    About.WHOLE,
    About.WHOLE,
    About.CONFIGURATION,
    About.PARTS,
    About.NEIGHBOURS,
)
"""What the marks are of, in their order."""
_PORTS: Final = 2
"""Which of the marks is ifTableLastChange: without it a renamed port would not show."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the cheap question was answered: ``uptime`` in 1/100 s, ``marks`` the rest as numbers.

    ``configured`` are the moments of the last change of the configuration. ``at`` is when it was answered,
    on our monotonic clock.
    """

    uptime: int
    marks: tuple[int | None, ...]
    configured: tuple[int | None, ...] = ()
    at: float = 0.0

    @property
    def tells(self) -> bool:
        """Does the agent keep track of its ports at all?"""
        moment = self.marks[_PORTS - 1]
        return moment is not None and moment > 0


def read(values: Sequence[snmp.Value]) -> Stamp | None:
    """An answer to ``OIDS``; None when it is none."""
    uptime, *marks = (value if isinstance(value, int) else None for value in values)
    if uptime is None or not marks:
        return None
    return Stamp(uptime, tuple(marks[: len(_ABOUT)]), tuple(marks[len(_ABOUT) :]))


def moved(before: Stamp | None, now: Stamp) -> frozenset[About]:
    """What may be another than it was ``before``, when the last look began; empty: nothing.

    Ports are what all else is told by: where they moved, everything may have.
    """
    if before is None or not now.tells or restarted(before, now):
        return frozenset({About.WHOLE})
    pairs = zip(before.marks, now.marks, _ABOUT, strict=True)
    found = {about for then, is_now, about in pairs if then != is_now}
    return frozenset(found | ({About.CONFIGURATION} if reconfigured(before, now) else set()))


def reconfigured(before: Stamp, now: Stamp) -> bool:
    """Does the device say that its configuration changed? One that restarted may have lost some."""
    return restarted(before, now) or now.configured != before.configured


def restarted(before: Stamp, now: Stamp) -> bool:
    """Did it restart between these answers?"""
    return snmp.restarted(before.uptime, now.uptime, now.at - before.at)
