"""Decides how a surface's question about alarms becomes SQL: spi.query.Port[AlarmView].

Attributes go by TMF642's names and by our view's; an unknown one is refused by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import errors
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
_COMPARE: Final[dict[query.Operator, Callable[[Any, Any], Any]]] = {
    query.Operator.EQ: operator.eq,
    query.Operator.NE: operator.ne,
    query.Operator.GT: operator.gt,
    query.Operator.GTE: operator.ge,
    query.Operator.LT: operator.lt,
    query.Operator.LTE: operator.le,
    query.Operator.LIKE: lambda column, pattern: column.like(pattern, escape="\\"),
}
_MAX_LIMIT: Final = 1_000
_MAX_OFFSET: Final = 2**31


class AlarmPort:
    """``spi.query.Port[AlarmView]``."""

    def __init__(self, rows: store.Store) -> None:
        self._store = rows

    async def find(self, asked: query.Query) -> query.Page[AlarmView]:
        """Alarms that match, newest first unless asked otherwise. OrderRejected (400)."""
        statement = _statement(asked)  # refuse before the database is asked
        return await self._store.read(lambda connection: _page(connection, statement, asked))

    async def get(self, tenant: str, key: str) -> AlarmView:
        """One alarm by id; NotFound when absent or another tenant's."""
        one = sa.select(ALARMS).where(_A.tenant == tenant, _A.id == key)
        row = await self._store.read(lambda connection: connection.execute(one).mappings().first())
        if row is None:
            raise errors.NotFound(f"alarm {key}")
        return alarm_rows.view(row)


def _statement(asked: query.Query) -> sa.Select[Any]:
    matching = sa.select(ALARMS).where(
        _A.tenant == asked.tenant,
        *map(_condition, asked.filters),
        *(sa.or_(*map(_condition, group)) for group in asked.either),
    )
    order = [
        _column(key.path).desc() if key.descending else _column(key.path).asc()
        for key in asked.sort
    ]
    return matching.order_by(*(order or [_A.raised_at.desc()]), _A.id)


def _page(
    connection: sa.Connection, matching: sa.Select[Any], asked: query.Query
) -> query.Page[AlarmView]:
    counted = sa.select(sa.func.count()).select_from(matching.order_by(None).subquery())
    window = matching.limit(max(0, min(asked.limit, _MAX_LIMIT)))
    rows = connection.execute(window.offset(max(0, min(asked.offset, _MAX_OFFSET)))).mappings()
    return query.Page(tuple(map(alarm_rows.view, rows)), connection.execute(counted).scalar_one())


def _condition(wanted: query.Filter) -> sa.ColumnElement[bool]:
    column, compare = _column(wanted.path), _COMPARE[wanted.operator]
    values = [_value(column, wanted.path, text) for text in wanted.values]
    if wanted.operator is query.Operator.NE:
        # Absent is not equal either; SQL would leave such a row out.
        return sa.or_(column.is_(None), sa.and_(*(compare(column, value) for value in values)))
    return sa.or_(*(compare(column, value) for value in values))


def _column(path: str) -> sa.Column[Any]:
    if path in _OWN:
        return _A[path]
    if path in _TMF642:
        return _TMF642[path]
    known = ", ".join(sorted({*_OWN, *_TMF642}))
    raise errors.OrderRejected(
        f"alarms have no attribute {path[:80]!r}; there are {known}", field=path[:80]
    )


def _value(column: sa.Column[Any], path: str, text: str) -> Any:
    try:
        if isinstance(column.type, Moment):
            found = datetime.fromisoformat(text)
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        if isinstance(column.type, sa.Boolean):
            return {"true": True, "false": False}[text]
        return _small(text) if isinstance(column.type, sa.Integer) else _clean(text)
    except (KeyError, ValueError) as wrong:
        raise errors.OrderRejected(
            f"{text[:80]!r} is not a value of {path}", field=path, code="invalidQuery"
        ) from wrong


def _small(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**31:
        raise ValueError("beyond the column")
    return number


def _clean(text: str) -> str:
    if "\0" in text:
        raise ValueError("PostgreSQL keeps no NUL")
    return text
