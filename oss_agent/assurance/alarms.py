"""Raises and clears alarms inside a unit: spi.alarms.Alarms, the only way an alarm changes.

What a report does is reduce.py's; here the row and the event about it are written together.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import uuid4

import sqlalchemy as sa

from oss_agent.assurance import alarm_rows, reduce
from oss_agent.spi import alarms, events
from oss_agent.spi.views import AlarmView, as_json

_TOLD: Final = {
    reduce.Kind.RAISED: events.EventKind.ALARM_CREATE,
    reduce.Kind.UPDATED: events.EventKind.ALARM_CHANGE,
    reduce.Kind.CLEARED: events.EventKind.ALARM_STATE,
}


_ATTRIBUTES: Final = {
    "state": "state",
    "severity": "perceivedSeverity",
    "specific_problem": "specificProblem",
    "text": "alarmDetails",
    "is_root_cause": "isRootCause",
    "service_affecting": "serviceAffecting",
    "affected_services": "affectedService",
}
"""What a report may change, by the names of TMF642; count and time of it are in every event."""


def _changed(before: AlarmView | None, after: AlarmView) -> tuple[str, ...]:
    if before is None:
        return ()
    return tuple(
        name
        for field, name in _ATTRIBUTES.items()
        if getattr(before, field) != getattr(after, field)
    )


def _random_id() -> str:
    return uuid4().hex


class AlarmDesk:
    """``spi.alarms.Alarms`` over the alarm rows; events go to ``sink`` in the same unit."""

    def __init__(self, sink: events.EventSink, new_id: Callable[[], str] = _random_id) -> None:
        self._sink = sink
        self._new_id = new_id

    def report(self, connection: sa.Connection, fault: alarms.Fault, at: datetime) -> str:
        """Raise it, or update the open alarm of the same key. Returns the alarm's id."""
        current = alarm_rows.open_of(connection, fault.key)
        change = reduce.report(current, fault, at, new_id=self._new_id())
        if change is not None:
            self._write(connection, change, current)
            return change.alarm.id
        return current.id if current is not None else ""

    def clear(self, connection: sa.Connection, key: alarms.AlarmKey, at: datetime) -> bool:
        """Clear the open alarm of this key; False when there is none."""
        current = alarm_rows.open_of(connection, key)
        change = reduce.clear(current, at)
        if change is not None:
            self._write(connection, change, current)
        return change is not None

    def _write(
        self, connection: sa.Connection, change: reduce.Change, before: AlarmView | None
    ) -> None:
        alarm = change.alarm
        revision = alarm_rows.put(connection, alarm)
        if change.kind not in _TOLD:
            return
        event = events.Event(
            id=f"alarm-{alarm.id}-{revision}",
            kind=_TOLD[change.kind],
            tenant=alarm.tenant,
            entity=f"alarm:{alarm.id}",
            at=alarm.changed_at,
            payload=as_json(alarm),
            changed=_changed(before, alarm),
        )
        self._sink(connection, event)
