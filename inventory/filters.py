"""Decides how a surface's filters and sort keys become SQL: only over attributes that are known.

Each resource names its attributes as the surface spells them; an unknown one is refused by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.spi.query import Filter, Operator, Query

Judge: TypeAlias = Callable[[str], Any]
"""Text from a query to the column's value. ValueError when it cannot be one."""

_MAX_LIMIT: Final = 1_000
_MAX_OFFSET: Final = 2**31


def moment(text: str) -> datetime:
    """RFC 3339; a moment without zone is UTC, as TMF630's samples write it."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def truth(text: str) -> bool:
    """JSON's true and false."""
    if text not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return text == "true"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column as the surface knows it."""

    column: sa.ColumnElement[Any]
    judge: Judge = str


@dataclass(frozen=True, slots=True)
class Member:
    """An attribute of a list (``supportingService.id``): ``having`` selects the rows that have it.

    It cannot be sorted by, and compares for equality only.
    """

    having: Callable[[tuple[str, ...]], sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Surface:
    """What may be asked of a resource; ``key`` breaks ties, so that pages never overlap."""

    key: sa.ColumnElement[Any]
    attributes: Mapping[str, Attribute]
    members: Mapping[str, Member] = field(default_factory=dict[str, Member])


def page(
    connection: sa.Connection, rows: sa.Select[Any], surface: Surface, query: Query
) -> tuple[list[sa.RowMapping], int]:
    """The rows of ``query``'s page, and how many match in all."""
    matching = rows.where(
        *(_condition(surface, asked) for asked in query.filters),
        *(sa.or_(*(_condition(surface, asked) for asked in group)) for group in query.either),
    )
    total = connection.execute(sa.select(sa.func.count()).select_from(matching.subquery()))
    order = [_order(surface, key.path, descending=key.descending) for key in query.sort]
    limit = max(0, min(query.limit, _MAX_LIMIT))
    offset = max(0, min(query.offset, _MAX_OFFSET))
    window = matching.order_by(*order, surface.key).limit(limit).offset(offset)
    return list(connection.execute(window).mappings()), total.scalar_one()


def _condition(surface: Surface, asked: Filter) -> sa.ColumnElement[bool]:
    if not all(value.isprintable() for value in asked.values):
        raise errors.OrderRejected(
            f"{asked.path} is compared with a control character",
            field=asked.path,
            code="invalidQuery",
        )
    member = surface.members.get(asked.path)
    if member is not None:
        return _member(member, asked)
    attribute = _known(surface, asked.path)
    try:
        values = [attribute.judge(value) for value in asked.values]
    except ValueError as error:
        raise errors.OrderRejected(
            f"{asked.path} cannot be compared with {', '.join(asked.values)[:80]!r}",
            field=asked.path,
            code="invalidQuery",
        ) from error
    return _compare(attribute.column, asked.operator, values)


def _member(member: Member, asked: Filter) -> sa.ColumnElement[bool]:
    if asked.operator is Operator.EQ:
        return member.having(asked.values)
    if asked.operator is Operator.NE:
        return sa.not_(member.having(asked.values))
    raise errors.OrderRejected(
        f"{asked.path} is inside a list and has no order; use eq or ne",
        field=asked.path,
        code="invalidQuery",
    )


_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], sa.ColumnElement[bool]]]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.LIKE: lambda column, pattern: column.like(pattern, escape="\\"),
}


def _compare(
    column: sa.ColumnElement[Any], how: Operator, values: list[Any]
) -> sa.ColumnElement[bool]:
    """Any of the values matches; not-equal is equal to none of them, an absent attribute included."""
    if how is Operator.EQ:
        return column.in_(values)
    if how is Operator.NE:
        return sa.or_(column.is_(None), column.not_in(values))
    return sa.or_(*(_COMPARE[how](column, value) for value in values))


def _order(surface: Surface, path: str, *, descending: bool) -> sa.ColumnElement[Any]:
    column: sa.ColumnElement[Any] = _known(surface, path).column
    keys: sa.ColumnElement[Any] = column.desc() if descending else column.asc()
    # Said outright, because the databases disagree about where an absent value stands.
    return keys.nulls_last()


def _known(surface: Surface, path: str) -> Attribute:
    if path not in surface.attributes:
        known = ", ".join(sorted({*surface.attributes, *surface.members}))
        raise errors.OrderRejected(
            f"{path[:80]!r} cannot be asked for; known are {known}",
            field=path,
            code="invalidQuery",
        )
    return surface.attributes[path]
