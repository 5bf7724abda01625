"""From a request to a port's Query, and from its Page to JSON: the same for every list here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

import pydantic
from fastapi import Path, Request
from fastapi import Query as QueryText
from fastapi.responses import JSONResponse

from oss_agent import errors
from oss_agent.spi import access, moments
from oss_agent.spi.query import Filter, Operator, Page, Query
from oss_agent.spi.views import as_json

LIMIT: Final = 1_000
_DIGITS: Final = 9


def written(pattern: str, words: str) -> pydantic.AfterValidator:
    """Text of this form; a refusal shows the ``words``, for people cannot read a pattern."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {words}")
        return text

    return pydantic.AfterValidator(check)


def _storable(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as bad:
        raise ValueError("must lie in the years 1 to 9999 in UTC") from bad


Moment: TypeAlias = Annotated[pydantic.AwareDatetime, pydantic.AfterValidator(_storable)]
"""RFC 3339 with a zone, and still a date in UTC."""
Number: TypeAlias = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""The number of a row: no larger one fits into a database."""


def caller(request: Request) -> access.Caller:
    """Who asks: set by whoever serves the application."""
    found: access.Caller = request.state.caller
    return found


def tenant(request: Request) -> str:
    """Whose rows the caller sees."""
    return caller(request).tenant


def query(request: Request, besides: Collection[str] = ()) -> Query:
    """``offset``, ``limit``; every other parameter is equality with the port's attribute name.

    But those ``besides``, which the route reads itself.

    All rows up to 1,000 by default: an operator's list that silently ends is a trap.
    """
    asked = request.query_params
    filters = tuple(
        Filter(name, Operator.EQ, tuple(asked.getlist(name)))
        for name in dict.fromkeys(asked.keys())
        if name not in {"offset", "limit", *besides}
    )
    limit = min(_count(asked.get("limit"), "limit", LIMIT), LIMIT)
    return Query(tenant(request), filters, (), _count(asked.get("offset"), "offset", 0), limit)


TIMES: Final = ("at", "known")
"""Parameters of every answer from a ledger: when it was so, and by what was believed when."""
Text: TypeAlias = Annotated[
    str | None,
    QueryText(
        max_length=100, description="a moment: 03:12, 2h ago, 2026-11-22T03:12:00Z; else now"
    ),
]
"""A moment as a person writes it."""


def as_of(at: str | None, known: str | None, now: datetime) -> moments.AsOf | None:
    """The moment that was asked for; None: now. OrderRejected (400) says what is wrong with it."""
    for name, text in zip(TIMES, (at, known), strict=True):
        if text is not None:
            moment(name, text, moments.past, now)
    return moments.as_of(at, known, now)


def moment(
    name: str, text: str, read: Callable[[str, datetime], datetime], now: datetime
) -> datetime:
    """Text of a parameter or an attribute as a moment. OrderRejected (400)."""
    try:
        return read(text, now)
    except ValueError as bad:
        raise errors.OrderRejected(f"{name}: {bad}", field=name, code="invalidQuery") from bad


def unfiltered(asked: Query) -> Query:
    """The same of a list that can only be paged. OrderRejected (400) where a filter is named."""
    if asked.filters:
        name = asked.filters[0].path
        raise errors.OrderRejected("cannot be asked for here", field=name, code="invalidQuery")
    return asked


def part(found: Sequence[Any], request: Request) -> Page[Any]:
    """What is computed as a whole: all of it, or the page that is asked for.

    All by default, however long: of a drawing no link may lack.
    """
    asked = request.query_params
    offset, limit = (
        _count(asked.get(name), name, default)
        for name, default in (("offset", 0), ("limit", len(found)))
    )
    return Page(tuple(found[offset : offset + limit]), len(found))


def listing(page: Page[Any]) -> JSONResponse:
    """The rows, and in X-Total-Count how many there are."""
    return JSONResponse(as_json(page.items), headers={"X-Total-Count": str(page.total)})


def _count(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise errors.OrderRejected("must be a whole number from 0", field=name, code="invalidQuery")
    return int(text)
