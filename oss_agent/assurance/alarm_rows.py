"""The only functions that read and write alarm rows; each runs inside a unit or a query."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from oss_agent.assurance import reduce
from oss_agent.assurance.tables import ALARMS, HISTORY
from oss_agent.spi import alarms
from oss_agent.spi.views import AlarmView, Severity

_A = ALARMS.c
# Written out as its index has it: bound as a value, SQLite could not match it, and each poll would read
# every alarm there ever was.
_OPEN = _A.state != sa.literal_column(f"'{reduce.CLEARED}'")
_OPEN_OF = sa.select(ALARMS).where(
    _A.alarmed_object == sa.bindparam("alarmed_object"),
    _A.alarm_type == sa.bindparam("alarm_type"),
    _A.probable_cause == sa.bindparam("probable_cause"),
    _OPEN,
)
"""Made once: every device asks it at the end of each order."""


def view(row: sa.RowMapping) -> AlarmView:
    """A row as surfaces show it."""
    named = {f.name: row[f.name] for f in dataclasses.fields(AlarmView)}
    named |= {
        "severity": Severity(row["severity"]),
        "affected_services": tuple(row["affected_services"]),
        "evidence": tuple(row["evidence"]),
    }
    return AlarmView(**named)


def open_of(connection: sa.Connection, key: alarms.AlarmKey) -> AlarmView | None:
    """The open alarm of a key."""
    row = connection.execute(_OPEN_OF, dataclasses.asdict(key)).mappings().first()
    return None if row is None else view(row)


def open_like(
    connection: sa.Connection, *, alarm_type: str, probable_cause: str, prefix: str
) -> tuple[AlarmView, ...]:
    """Open alarms of one kind whose managed object begins so (``pe1:``)."""
    query = sa.select(ALARMS).where(
        _OPEN,
        _A.alarm_type == alarm_type,
        _A.probable_cause == probable_cause,
        _A.alarmed_object.startswith(prefix, autoescape=True),
    )
    return tuple(view(row) for row in connection.execute(query).mappings())


def affecting(connection: sa.Connection, service: str) -> tuple[AlarmView, ...]:
    """Open alarms that affect a service, oldest first."""
    query = sa.select(ALARMS).where(_OPEN, _A.service_affecting).order_by(_A.raised_at, _A.id)
    found = (view(row) for row in connection.execute(query).mappings())
    return tuple(alarm for alarm in found if service in alarm.affected_services)


def open_by_severity(connection: sa.Connection) -> Mapping[str, int]:
    """How many alarms are open, by severity, zeros included: for /metrics."""
    query = sa.select(_A.severity, sa.func.count()).where(_OPEN).group_by(_A.severity)
    found = {severity: int(number) for severity, number in connection.execute(query)}
    return {s.value: found.get(s.value, 0) for s in Severity if s is not Severity.CLEARED}


def put(connection: sa.Connection, alarm: AlarmView) -> int:
    """Write an alarm's next version and end the one before; returns its revision, from 1."""
    before = connection.execute(
        sa.select(_A.revision).where(_A.id == alarm.id)
    ).scalar_one_or_none()
    revision = (before or 0) + 1
    values = _values(alarm) | {"revision": revision}
    if before is None:
        connection.execute(ALARMS.insert().values(values))
    else:
        connection.execute(ALARMS.update().where(_A.id == alarm.id).values(values))
    _put_history(connection, alarm, revision)
    return revision


def _values(alarm: AlarmView) -> dict[str, Any]:
    values = {f.name: getattr(alarm, f.name) for f in dataclasses.fields(alarm)}
    lists = {name: list(values[name]) for name in ("affected_services", "evidence")}
    return values | lists | {"severity": alarm.severity.value}


def _put_history(connection: sa.Connection, alarm: AlarmView, revision: int) -> None:
    h, at = HISTORY.c, alarm.changed_at
    before = sa.and_(h.alarm == alarm.id, h.revision == revision - 1)
    connection.execute(HISTORY.update().where(before).values(valid_to=at))
    connection.execute(
        HISTORY.insert().values(
            alarm=alarm.id,
            revision=revision,
            tenant=alarm.tenant,
            state=alarm.state,
            severity=alarm.severity.value,
            text=alarm.text,
            valid_from=at,
            valid_to=at if alarm.state == reduce.CLEARED else None,
            known_from=at,
        )
    )
