"""Decides what a query string asks, by TMF630 part 1: filters, sort, page, fields.

Pure. One grammar for collections and for hub subscriptions:
``state=a,b`` ``orderDate.gt=2026-01-01T00:00:00Z`` ``orderDate%3E2026-...`` ``sort=-orderDate``
``fields=id,state`` ``offset=0&limit=20``. What the guidelines allow and we do not (regular
expressions, JSONPath) answers 501, what nobody understands 400.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from oss_agent import errors
from oss_agent.spi.query import Filter, Operator, Query, Sort

MAX_LIMIT: Final = 1_000
MAX_FILTERS: Final = 50
_COUNT_DIGITS: Final = 9
_PATH: Final = re.compile(r"@?[A-Za-z][A-Za-z0-9_-]*(\.@?[A-Za-z][A-Za-z0-9_-]*)*")
_SIGN: Final = re.compile(
    r"(?P<path>[^<>=!*~]+)(?P<sign>>=|<=|!=|==|\*=|=~|>|<|=)(?P<value>.*)", re.DOTALL
)
_SIGNS: Final = {
    "=": Operator.EQ,
    "==": Operator.EQ,
    "!=": Operator.NE,
    ">": Operator.GT,
    ">=": Operator.GTE,
    "<": Operator.LT,
    "<=": Operator.LTE,
}
_SUFFIXES: Final = {operator.value: operator for operator in Operator}
_UNDONE: Final = frozenset({"regex", "*=", "=~"})
_SPACED_ZONE: Final = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+) (\d\d:?\d\d)")
_ALTERNATIVE: Final = re.compile(r'(?:"[^"]*"|[^,;])+')
# No escapes inside quotes: with them an unclosed quote costs quadratic time.


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and the first-level attributes to show: None is all, () is id and href alone."""

    query: Query
    fields: tuple[str, ...] | None = None


def parse(text: str, tenant: str, *, default_limit: int = 100) -> Asked:
    """The raw query string (still percent-encoded) of a collection.

    OrderRejected: 400 for what is wrong, 501 (code notSupported) for what is right but not done.
    """
    filters: dict[tuple[str, Operator], tuple[str, ...]] = {}
    reserved: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        path, operator, value = _split(unquote_plus(part, errors="replace"))
        if path in {"fields", "sort", "offset", "limit", "filter"}:
            reserved[path] = value
        else:
            filters[path, operator] = (*filters.get((path, operator), ()), *_values(path, value))
    if "filter" in reserved:
        raise _unsupported("JSONPath filters", "filter")
    query = Query(
        tenant,
        filters=_filters(filters),
        sort=_sorts(reserved.get("sort", "")),
        offset=_count(reserved, "offset", 0),
        limit=min(_count(reserved, "limit", default_limit), MAX_LIMIT),
    )
    return Asked(query, fields(reserved.get("fields")))


def fields(text: str | None) -> tuple[str, ...] | None:
    """``fields=a,b``; ``none`` is id and href alone. A nested selection is 501."""
    if text is None or not text.strip():
        return None
    names = tuple(name.strip() for name in text.split(","))
    if names == ("none",):
        return ()
    for name in names:
        if "." in name:
            raise _unsupported("selecting nested attributes", "fields")
        _require_path(name, "fields")
    return names


def _split(part: str) -> tuple[str, Operator, str]:
    """``path``, operator and value, whether the operator is a suffix, a sign or plain equality."""
    found = _SIGN.fullmatch(part)
    if found is None:
        raise errors.OrderRejected(
            f"{part[:80]!r} is no attribute=value", field="query", code="invalidQuery"
        )
    path, sign, value = found["path"], found["sign"], found["value"]
    stem, _, suffix = path.rpartition(".")
    if sign in _UNDONE or suffix in _UNDONE:
        raise _unsupported("regular expressions", path[:80])
    operator = _SIGNS[sign]
    if operator is Operator.EQ and stem and suffix in _SUFFIXES:
        path, operator = stem, _SUFFIXES[suffix]
    _require_path(path, path[:80])
    return path, operator, value


def _values(path: str, text: str) -> tuple[str, ...]:
    """Alternatives, split at comma and semicolon outside quotes.

    ``a;path=b`` repeats the name; another name behind a semicolon would be an OR over attributes.
    """
    first, *more = [piece.strip() for piece in _ALTERNATIVE.findall(text)] or [""]
    return (_plain(first), *(_plain(_unnamed(path, piece)) for piece in more))


def _unnamed(path: str, piece: str) -> str:
    name, equals, value = piece.partition("=")
    if equals and name == path:
        return value
    if equals and _PATH.fullmatch(name):
        raise _unsupported("OR over different attributes", path)
    return piece


def _plain(piece: str) -> str:
    """Without quotes; and the plus sign of a time zone, that arrives as a space, put back."""
    quoted = len(piece) > 1 and piece[0] == piece[-1] == '"'
    return _SPACED_ZONE.sub(r"\1+\2", piece[1:-1] if quoted else piece)


def _filters(found: dict[tuple[str, Operator], tuple[str, ...]]) -> tuple[Filter, ...]:
    """``ne`` of several values means none of them, so each is a condition of its own."""
    out: list[Filter] = []
    for (path, operator), values in found.items():
        if operator is Operator.NE:
            out.extend(Filter(path, operator, (value,)) for value in values)
        else:
            out.append(Filter(path, operator, values))
    if len(out) > MAX_FILTERS or sum(len(f.values) for f in out) > MAX_LIMIT:
        raise errors.OrderRejected("too many filters", field="query", code="invalidQuery")
    return tuple(out)


def _sorts(text: str) -> tuple[Sort, ...]:
    """A plus sign in a query string decodes to a space: both mean ascending."""
    sorts: list[Sort] = []
    for key in filter(str.strip, text.split(",")):
        path = key.strip().lstrip("+-")
        _require_path(path, "sort")
        sorts.append(Sort(path, descending=key.strip().startswith("-")))
    return tuple(sorts)


def _count(reserved: dict[str, str], name: str, default: int) -> int:
    text = reserved.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= _COUNT_DIGITS):
        raise errors.OrderRejected(
            f"{name} must be a whole number from 0", field=name, code="invalidQuery"
        )
    return int(text)


def is_path(text: str) -> bool:
    """Is it an attribute name, or several with dots between?"""
    return _PATH.fullmatch(text) is not None


def _require_path(path: str, field: str) -> None:
    if not is_path(path):
        raise errors.OrderRejected(
            f"{path[:80]!r} is no attribute name", field=field, code="invalidQuery"
        )


def _unsupported(what: str, field: str) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"{what} are not supported here", field=field, status=501, code="notSupported"
    )


def select(body: dict[str, object], names: Sequence[str] | None) -> dict[str, object]:
    """The body with the asked attributes alone; id and href always stay (TMF630)."""
    if names is None:
        return body
    keep = {"id", "href", *names}
    return {name: value for name, value in body.items() if name in keep}
