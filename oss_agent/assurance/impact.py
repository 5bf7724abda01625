"""Decides what open alarms mean for a service: its operating status and the cause. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from oss_agent.spi.views import AlarmView, OperatingStatus, Severity

_DOWN: Final = frozenset({Severity.CRITICAL, Severity.MAJOR})
OURS: Final = frozenset({OperatingStatus.FAILED, OperatingStatus.DEGRADED})
"""What assurance sets and therefore may lift; any other status belongs to fulfilment."""


def status(alarms: Iterable[AlarmView]) -> tuple[OperatingStatus, str | None]:
    """A service's status from the open alarms that affect it, the worst and then oldest first."""
    open_ones = [alarm for alarm in alarms if alarm.service_affecting]
    down = [alarm for alarm in open_ones if alarm.severity in _DOWN]
    if not open_ones:
        return OperatingStatus.RUNNING, None
    cause = min(down or open_ones, key=lambda alarm: (alarm.raised_at, alarm.id))
    return (OperatingStatus.FAILED if down else OperatingStatus.DEGRADED), cause.text


def next_status(
    now: OperatingStatus, alarms: Iterable[AlarmView]
) -> tuple[OperatingStatus, str | None] | None:
    """The status to set, or None when it stands: already so, or not ours to lift."""
    wanted, cause = status(alarms)
    if wanted is now or (wanted is OperatingStatus.RUNNING and now not in OURS):
        return None
    return wanted, cause
