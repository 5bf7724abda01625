"""Raising and clearing an alarm inside a unit; assurance owns the one reducer behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from oss_agent.spi.views import Severity

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class AlarmKey:
    """What makes two reports the same alarm (X.733): managed object, alarm type, probable cause.

    ``alarmed_object`` is ``device``, ``device:port``, ``service:<id>`` or ``transaction:<id>``.
    """

    alarmed_object: str
    alarm_type: str
    probable_cause: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A report that something is wrong. ``text`` is one sentence: what, why, what to do."""

    key: AlarmKey
    severity: Severity
    alarmed_object_type: str
    specific_problem: str
    text: str
    tenant: str = "default"
    service_affecting: bool = False
    is_root_cause: bool = True
    affected_services: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class Alarms(Protocol):
    """The one way to raise or clear an alarm."""

    def report(self, connection: Connection, fault: Fault, at: datetime) -> str:
        """Raise it, or update the open alarm of the same key. Returns the alarm's id."""
        ...

    def clear(self, connection: Connection, key: AlarmKey, at: datetime) -> bool:
        """Clear the open alarm of this key; False when there is none."""
        ...
