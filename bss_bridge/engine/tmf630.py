"""Decides what a query string asks, by TMF630 parts 1 and 6: filters, sort, page, fields.

Pure. One grammar for collections and for hub subscriptions:
``state=a,b`` ``state=a;priority=1`` ``orderDate.gt=2026-01-01T00:00:00Z`` ``orderDate%3E2026-...``
``name.regex=^acme`` ``filter=$[?(@.state=='a')]`` ``sort=-orderDate`` ``fields=id,note.text``
``offset=0&limit=20``. What the guidelines allow and we do not answers 501, what nobody
understands 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_plus

from bss_bridge.engine import clauses, jsonpath, regex
from oss_agent import errors
from oss_agent.spi.query import Operator, Query, Sort

MAX_LIMIT: Final = 1_000
_COUNT_DIGITS: Final = 9
_RESERVED: Final = frozenset({"fields", "sort", "offset", "limit", "filter"})
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
    "*=": Operator.LIKE,
    "=~": Operator.LIKE,
}
_SUFFIXES: Final = {
    **{one.value: one for one in Operator if one is not Operator.LIKE},
    "regex": Operator.LIKE,
}
_SPACED_ZONE: Final = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+) (\d\d:?\d\d)")
_CLAUSE: Final = re.compile(r'(?:"[^"]*"|[^;])+')
_VALUE: Final = re.compile(r'(?:"[^"]*"|[^,])+')
# No escapes inside quotes: with them an unclosed quote costs quadratic time.
_Key: TypeAlias = tuple[str, Operator]
_Wishes: TypeAlias = dict[_Key, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and the attributes to show: None is all, () is id and href alone."""

    query: Query
    fields: tuple[str, ...] | None = None


def parse(text: str, tenant: str, *, default_limit: int = 100, wide: bool = False) -> Asked:
    """The raw query string (still percent-encoded) of a collection.

    OrderRejected: 400 for what is wrong, 501 (code notSupported) for what is right but not done;
    so is what only a ``wide`` port understands: an OR over attributes, regular expressions.
    """
    parts = [unquote_plus(part, errors="replace") for part in text.split("&") if part]
    reserved = {name: value for name, _, value in (p.partition("=") for p in parts)}
    found = _clauses([part for part in parts if part.partition("=")[0] not in _RESERVED])
    if "filter" in reserved:
        found = clauses.both((found, jsonpath.parse(reserved["filter"])))
    _require_width(found, wide=wide)
    query = Query(
        tenant,
        filters=tuple(one[0] for one in found if len(one) == 1),
        either=tuple(one for one in found if len(one) > 1),
        sort=_sorts(reserved.get("sort", "")),
        offset=_count(reserved, "offset", 0),
        limit=min(_count(reserved, "limit", default_limit), MAX_LIMIT),
    )
    return Asked(query, fields(reserved.get("fields")))


def fields(text: str | None) -> tuple[str, ...] | None:
    """``fields=a,b.c``; ``none`` is id and href alone."""
    if text is None or not text.strip():
        return None
    names = tuple(name.strip() for name in text.split(","))
    if names == ("none",):
        return ()
    for name in names:
        _require_path(name, "fields")
    return names


def _clauses(parts: Iterable[str]) -> clauses.Clauses:
    """Parts are ANDed, but a name that is repeated is another value (an OR)."""
    plain: _Wishes = {}
    mixed = list[clauses.Clauses]()
    for part in parts:
        wishes = _wishes(part)
        if len(wishes) > 1:
            mixed.append(clauses.either(_conditions(wishes)))
            continue
        for key, values in wishes.items():
            plain[key] = (*plain.get(key, ()), *values)
    return clauses.both((*_conditions(plain), *mixed))


def _conditions(wishes: _Wishes) -> list[clauses.Clauses]:
    if sum(map(len, wishes.values())) > MAX_LIMIT:
        raise errors.OrderRejected("too many values", field="query", code="invalidQuery")
    return [
        clauses.condition(path, operator, values) for (path, operator), values in wishes.items()
    ]


def _wishes(part: str) -> _Wishes:
    """``a=1,2;b>3``: alternatives, behind each semicolon another value or another condition."""
    first, *more = _CLAUSE.findall(part) or [part]
    key, text = _split(first)
    found: _Wishes = {key: _values(key, text)}
    for piece in more:
        if _is_condition(piece):
            key, piece = _split(piece.strip())  # noqa: PLW2901  the rest of it is its value
        found[key] = (*found.get(key, ()), *_values(key, piece))
    return found


def _is_condition(piece: str) -> bool:
    found = _SIGN.fullmatch(piece.strip())
    return found is not None and _PATH.fullmatch(found["path"]) is not None


def _split(part: str) -> tuple[_Key, str]:
    """Path, operator and value, whether the operator is a suffix, a sign or plain equality."""
    found = _SIGN.fullmatch(part)
    if found is None:
        raise errors.OrderRejected(
            f"{part[:80]!r} is no attribute=value", field="query", code="invalidQuery"
        )
    path, operator = found["path"], _SIGNS[found["sign"]]
    stem, _, suffix = path.rpartition(".")
    if operator is Operator.EQ and stem and suffix in _SUFFIXES:
        path, operator = stem, _SUFFIXES[suffix]
    _require_path(path, path[:80])
    return (path, operator), found["value"]


def _values(key: _Key, text: str) -> tuple[str, ...]:
    """Alternatives, split at commas outside quotes; a regular expression becomes LIKE patterns."""
    path, operator = key
    values = tuple(_plain(piece.strip()) for piece in _VALUE.findall(text) or [""])
    if operator is not Operator.LIKE:
        return values
    return tuple(pattern for value in values for pattern in regex.like(value, path))


def _plain(piece: str) -> str:
    """Without quotes; and the plus sign of a time zone, that arrives as a space, put back."""
    quoted = len(piece) > 1 and piece[0] == piece[-1] == '"'
    return _SPACED_ZONE.sub(r"\1+\2", piece[1:-1] if quoted else piece)


def _require_width(found: clauses.Clauses, *, wide: bool) -> None:
    if wide:
        return
    for first, *others in found:
        if others:
            raise _unsupported("OR over different attributes", first.path)
        if first.operator is Operator.LIKE:
            raise _unsupported("regular expressions", first.path)


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


def select(body: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    """The body with the asked attributes alone; id and href always stay (TMF630).

    ``note.text`` keeps the texts of all notes; what is named twice is kept as a whole.
    """
    if names is None:
        return body
    tree = _tree({"id", "href", *names})
    return {name: _kept(value, tree[name]) for name, value in body.items() if name in tree}


def _tree(names: Iterable[str]) -> dict[str, Any]:
    """Dotted names by their first step; None below means the whole value."""
    groups: dict[str, set[str]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        groups.setdefault(head, set()).add(rest)
    return {head: None if "" in rests else _tree(rests) for head, rests in groups.items()}


def _kept(value: Any, tree: dict[str, Any] | None) -> Any:
    if tree is None:
        return value
    if isinstance(value, list):
        return [_kept(one, tree) for one in value if isinstance(one, dict)]
    if not isinstance(value, dict):
        return value
    return {name: _kept(inner, tree[name]) for name, inner in value.items() if name in tree}
