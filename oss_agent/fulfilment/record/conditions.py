"""A ``Filter`` over one column as SQL: the values compared as what the column holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.spi import query

_COMPARE: Mapping[query.Operator, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        query.Operator.EQ: operator.eq,
        query.Operator.NE: operator.ne,
        query.Operator.GT: operator.gt,
        query.Operator.GTE: operator.ge,
        query.Operator.LT: operator.lt,
        query.Operator.LTE: operator.le,
        query.Operator.LIKE: lambda column, pattern: column.like(pattern, escape="\\"),
    }
)


def any_of(
    column: sa.ColumnElement[Any], asked: query.Filter, words: Collection[str] = ()
) -> sa.ColumnElement[bool]:
    """Does the column match any value? OrderRejected (400) for one that is none of ``words``."""
    compare = _COMPARE[asked.operator]
    values = [_value(column, asked, text, words) for text in asked.values]
    if asked.operator is query.Operator.NE:
        # Absent is not equal either; SQL would leave such a row out.
        return sa.or_(column.is_(None), sa.and_(*(compare(column, value) for value in values)))
    return sa.or_(*(compare(column, value) for value in values))


def _value(
    column: sa.ColumnElement[Any], asked: query.Filter, text: str, words: Collection[str]
) -> Any:
    if words and asked.operator is not query.Operator.LIKE and text not in words:
        raise errors.OrderRejected(
            f"{asked.path}: there is no state {text[:80]!r}; there are: {', '.join(words)}",
            field=asked.path,
            code="invalidQuery",
        )
    if not isinstance(column.type, tables.Moment):
        return text
    try:
        moment = datetime.fromisoformat(text.strip('"').replace(" ", "+"))
    except ValueError as bad:
        raise errors.OrderRejected(
            f"{asked.path}: not a date and time as 2026-01-31T10:00:00Z",
            field=asked.path,
            code="invalidQuery",
        ) from bad
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def unknown(path: str, known: Collection[str]) -> errors.OrderRejected:
    """The refusal of a path nobody knows."""
    return errors.OrderRejected(
        f"nothing is called {ascii(path)[:60]}; known: {', '.join(sorted(known))}",
        field=path,
        code="invalidQuery",
    )
