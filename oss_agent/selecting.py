"""Decides how a ``Query`` becomes SQL for what is only read: attributes by the surface's names.

A room says which column, or constant, stands for which attribute; an unknown one is refused by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.spi import query

_MAX_LIMIT: Final = 1_000
_MAX_OFFSET: Final = 2**31
_COMPARE: Final[Mapping[query.Operator, Callable[[Any, Any], sa.ColumnElement[bool]]]] = {
    query.Operator.EQ: operator.eq,
    query.Operator.NE: operator.ne,
    query.Operator.GT: operator.gt,
    query.Operator.GTE: operator.ge,
    query.Operator.LT: operator.lt,
    query.Operator.LTE: operator.le,
    query.Operator.LIKE: lambda column, pattern: column.like(pattern, escape="\\"),
}


def clean(text: str) -> str:
    """ValueError for what PostgreSQL keeps in no column."""
    if "\0" in text:
        raise ValueError("holds a NUL")
    return text


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column as the surface knows it; ``judge`` reads a query's text, ValueError refuses it."""

    column: sa.ColumnElement[Any]
    judge: Callable[[str], Any] = clean


def moment(text: str) -> datetime:
    """RFC 3339; a moment without zone is UTC, as TMF630's samples write it."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """What may be asked of ``rows``; ``order`` breaks ties, so that pages never overlap."""

    rows: sa.Select[Any]
    tenant: sa.ColumnElement[str]
    attributes: Mapping[str, Attribute]
    order: sa.ColumnElement[Any]

    def page(
        self, connection: sa.Connection, asked: query.Query
    ) -> tuple[Sequence[sa.RowMapping], int]:
        """The rows of the page, and how many match in all. OrderRejected (400)."""
        matching = self.rows.where(
            self.tenant == asked.tenant,
            *map(self._condition, asked.filters),
            *(sa.or_(*map(self._condition, group)) for group in asked.either),
        )
        window = (
            matching.order_by(*map(self._ordering, asked.sort), self.order)
            .limit(max(0, min(asked.limit, _MAX_LIMIT)))
            .offset(max(0, min(asked.offset, _MAX_OFFSET)))
        )
        counted = sa.select(sa.func.count()).select_from(matching.subquery())
        total: int = connection.execute(counted).scalar_one()
        return connection.execute(window).mappings().all(), total

    def _condition(self, asked: query.Filter) -> sa.ColumnElement[bool]:
        attribute = self._known(asked.path)
        found = [_value(attribute, asked.path, text) for text in asked.values]
        column, compare = attribute.column, _COMPARE[asked.operator]
        if asked.operator is query.Operator.NE:
            # Absent is not equal either; SQL would leave such a row out.
            return sa.or_(column.is_(None), sa.and_(*(compare(column, one) for one in found)))
        return sa.or_(*(compare(column, one) for one in found))

    def _ordering(self, asked: query.Sort) -> sa.ColumnElement[Any]:
        column = self._known(asked.path).column
        keys = column.desc() if asked.descending else column.asc()
        # Said outright, because the databases disagree about where an absent value stands.
        return keys.nulls_last()

    def _known(self, path: str) -> Attribute:
        if path not in self.attributes:
            raise errors.OrderRejected(
                f"{ascii(path)[:80]} cannot be asked for; known are "
                + ", ".join(sorted(self.attributes)),
                field=path,
                code="invalidQuery",
            )
        return self.attributes[path]


def _value(attribute: Attribute, path: str, text: str) -> Any:
    try:
        return attribute.judge(text)
    except ValueError as error:
        raise errors.OrderRejected(
            f"{path} cannot be compared with {text[:80]!r}", field=path, code="invalidQuery"
        ) from error
