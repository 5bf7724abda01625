"""Decides how a ``Query`` becomes SQL: attributes by the surface's names, the same for every room.

A room says which column, or constant, stands for which attribute; an unknown one is refused by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.spi import query

Judge: TypeAlias = Callable[[str], Any]
"""Text of a query to the column's value. ValueError when it cannot be one."""

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
    """ValueError for control characters: no column holds them, and PostgreSQL takes no NUL."""
    if not text.isprintable():
        raise ValueError("holds a control character")
    return text


def moment(text: str) -> datetime:
    """RFC 3339, also in quotes; one without zone is UTC, as TMF630's samples write it.

    A blank in the place of the zone's sign is a ``+`` that was not encoded.
    """
    text = text.strip('"')
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as bad:  # in UTC it may lie before the year 1
        raise ValueError("is no date and time as 2026-01-31T10:00:00Z") from bad


def truth(text: str) -> bool:
    """JSON's true and false."""
    if text not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return text == "true"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column as the surface knows it.

    ``judge`` reads a query's text. ``words`` are all that it can be, when they are few; a pattern
    need be none of them. ``sorted_by`` is the column that says its order, when it is another.
    """

    column: sa.ColumnElement[Any]
    judge: Judge = clean
    words: Collection[str] = ()
    sorted_by: sa.ColumnElement[Any] | None = None

    def value(self, how: query.Operator, text: str) -> Any:
        """What the column is compared with. ValueError says why it cannot be."""
        if self.words and how is not query.Operator.LIKE and text not in self.words:
            raise ValueError(f"is none of {', '.join(self.words)}")
        return self.judge(text)


@dataclass(frozen=True, slots=True)
class Member:
    """An attribute of a list's members (``supportingService.id``): it cannot be sorted by.

    ``some`` makes of a condition on the attribute's column that some member meets it.
    """

    attribute: Attribute
    some: Callable[[sa.ColumnElement[bool]], sa.ColumnElement[bool]]


def texts(columns: Mapping[str, sa.ColumnElement[Any]]) -> dict[str, Attribute]:
    """Attributes that are compared as text."""
    return {path: Attribute(column) for path, column in columns.items()}


def moments(columns: Mapping[str, sa.ColumnElement[Any]]) -> dict[str, Attribute]:
    """Attributes that are dates and times."""
    return {path: Attribute(column, moment) for path, column in columns.items()}


@dataclass(frozen=True, slots=True)
class Selection:
    """What may be asked of ``rows``; ``order`` breaks ties, so that pages never overlap.

    ``row`` is a key of the rows, where one table has all that may be asked: a page is then found by
    its keys alone, and only its own rows are read whole.
    """

    rows: sa.Select[Any]
    tenant: sa.ColumnElement[str]
    attributes: Mapping[str, Attribute]
    order: sa.ColumnElement[Any]
    members: Mapping[str, Member] = field(default_factory=dict[str, Member])
    row: sa.ColumnElement[Any] | None = None

    def page(self, connection: sa.Connection, asked: query.Query) -> tuple[sa.Result[Any], int]:
        """The rows of the page, and how many match in all. OrderRejected (400)."""
        matching = self.rows.where(
            self.tenant == asked.tenant,
            *map(self._condition, asked.filters),
            *(sa.or_(*map(self._condition, group)) for group in asked.either),
        )
        order = (*map(self._ordering, asked.sort), self.order)
        window = (
            matching.order_by(*order)
            .limit(max(0, min(asked.limit, _MAX_LIMIT)))
            .offset(max(0, min(asked.offset, _MAX_OFFSET)))
        )
        if self.row is not None:
            # To sort what lies before the page with all its columns cost several times as much.
            these = window.with_only_columns(self.row)
            window = self.rows.where(self.row.in_(these)).order_by(*order)
        counted = sa.select(sa.func.count()).select_from(matching.subquery())
        total: int = connection.execute(counted).scalar_one()
        return connection.execute(window), total

    def _condition(self, asked: query.Filter) -> sa.ColumnElement[bool]:
        member = self.members.get(asked.path)
        if member is None:
            return _compared(self._known(asked.path), asked)
        if asked.operator is not query.Operator.NE:
            return member.some(_compared(member.attribute, asked))
        equal = query.Filter(asked.path, query.Operator.EQ, asked.values)
        return sa.not_(member.some(_compared(member.attribute, equal)))

    def _ordering(self, asked: query.Sort) -> sa.ColumnElement[Any]:
        attribute = self._known(asked.path)
        column = attribute.column if attribute.sorted_by is None else attribute.sorted_by
        keys = column.desc() if asked.descending else column.asc()
        if isinstance(column, sa.Column) and not column.nullable:
            return keys  # said of what is never absent, it keeps SQLite from using an index
        # Said outright, because the databases disagree about where an absent value stands.
        return keys.nulls_last()

    def _known(self, path: str) -> Attribute:
        if path not in self.attributes:
            raise _refused(
                path,
                f"{ascii(path)[:80]} cannot be asked for; known are "
                + ", ".join(sorted({*self.attributes, *self.members})),
            )
        return self.attributes[path]


def _compared(attribute: Attribute, asked: query.Filter) -> sa.ColumnElement[bool]:
    """Any of the values matches; not-equal is equal to none of them, an absent one included."""
    found = [_value(attribute, asked, text) for text in asked.values]
    column, compare = attribute.column, _COMPARE[asked.operator]
    if asked.operator is query.Operator.NE:
        return sa.or_(column.is_(None), sa.and_(*(compare(column, one) for one in found)))
    return sa.or_(*(compare(column, one) for one in found))


def _value(attribute: Attribute, asked: query.Filter, text: str) -> Any:
    try:
        return attribute.value(asked.operator, text)
    except ValueError as why:
        raise _refused(
            asked.path, f"{asked.path} cannot be compared with {ascii(text)[:80]}: it {why}"
        ) from why


def _refused(path: str, reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=path, code="invalidQuery")
