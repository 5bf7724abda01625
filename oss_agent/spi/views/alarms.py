"""What is shown of alarms."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """X.733 8.1.2.3 perceived severity."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"
    INDETERMINATE = "indeterminate"
    CLEARED = "cleared"


@dataclasses.dataclass(frozen=True, slots=True)
class AlarmView:
    """An alarm as TMF642 shows it; key = (alarmed object, alarm type, probable cause)."""

    id: str
    tenant: str
    state: str
    alarm_type: str
    probable_cause: str
    specific_problem: str
    severity: Severity
    alarmed_object: str
    alarmed_object_type: str
    raised_at: datetime
    changed_at: datetime
    cleared_at: datetime | None
    is_root_cause: bool
    service_affecting: bool
    affected_services: tuple[str, ...]
    evidence: tuple[str, ...]
    count: int
    text: str
