"""Decides how a surface's question about alarms becomes SQL: spi.query.Port[AlarmView].

Attributes go by TMF642's names and by our view's; an unknown one is refused by name.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.assurance import alarm_rows
from oss_agent.assurance.tables import ALARMS
from oss_agent.moment import Moment
from oss_agent.spi import query, store
from oss_agent.spi.views import AlarmView

_A = ALARMS.c
_TMF642: Final[dict[str, sa.Column[Any]]] = {
    "alarmType": _A.alarm_type,
    "perceivedSeverity": _A.severity,
    "probableCause": _A.probable_cause,
    "specificProblem": _A.specific_problem,
    "alarmedObject.id": _A.alarmed_object,
    "alarmedObjectType": _A.alarmed_object_type,
    "alarmRaisedTime": _A.raised_at,
    "alarmReportingTime": _A.raised_at,
    "alarmChangedTime": _A.changed_at,
    "alarmClearedTime": _A.cleared_at,
    "alarmDetails": _A.text,
    "isRootCause": _A.is_root_cause,
    "serviceAffecting": _A.service_affecting,
}
_OWN: Final = frozenset(c.name for c in ALARMS.columns) - {
    "tenant",
    "revision",
    "affected_services",
    "evidence",
}
_NEWEST: Final = query.Sort("raised_at", descending=True)


class AlarmPort:
    """``spi.query.Port[AlarmView]``."""

    def __init__(self, rows: store.Store) -> None:
        self._store = rows

    async def find(self, asked: query.Query) -> query.Page[AlarmView]:
        """Alarms that match, newest first unless asked otherwise. OrderRejected (400)."""
        if not asked.sort:
            asked = dataclasses.replace(asked, sort=(_NEWEST,))
        return await self._store.read(lambda connection: _find(connection, asked))

    async def get(self, tenant: str, key: str) -> AlarmView:
        """One alarm by id; NotFound when absent or another tenant's."""
        one = sa.select(ALARMS).where(_A.tenant == tenant, _A.id == key)
        row = await self._store.read(lambda connection: connection.execute(one).mappings().first())
        if row is None:
            raise errors.NotFound(f"alarm {key}")
        return alarm_rows.view(row)


def _find(connection: sa.Connection, asked: query.Query) -> query.Page[AlarmView]:
    found, total = _selection().page(connection, asked)
    return query.Page(tuple(map(alarm_rows.view, found.mappings())), total)


def _selection() -> selecting.Selection:
    own = {column.name: column for column in ALARMS.columns if column.name in _OWN}
    attributes = {
        path: selecting.Attribute(column, _judge(column))
        for path, column in (own | _TMF642).items()
    }
    return selecting.Selection(sa.select(ALARMS), _A.tenant, attributes, _A.id)


def _judge(column: sa.Column[Any]) -> selecting.Judge:
    """What reads a query's text, by what the column holds."""
    if isinstance(column.type, Moment):
        return selecting.moment
    if isinstance(column.type, sa.Boolean):
        return selecting.truth
    return _small if isinstance(column.type, sa.Integer) else selecting.clean


def _small(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**31:
        raise ValueError("is beyond the column")
    return number
