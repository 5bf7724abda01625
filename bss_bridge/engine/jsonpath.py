"""Decides what ``filter=$[?(...)]`` asks (TMF630 part 6): comparisons joined by && and ||.

``$[?(@.state=='held' && (@.priority>'2' || @.note.author=="x"))]``. A path crosses arrays as in
part 1. What JSONPath has beyond that answers 501, what it has not 400.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from bss_bridge.engine import clauses, regex
from oss_agent import errors
from oss_agent.spi.query import Operator

MAX_LENGTH: Final = 2_000
_DEPTH: Final = 16
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<path>@(?:\.@?[A-Za-z][A-Za-z0-9_-]*|\['@?[A-Za-z][A-Za-z0-9_-]*'\]|\[\*\])+(?!\s*\())
    |(?P<sign>==|!=|<=|>=|=~|<|>)
    |(?P<join>&&|\|\|)|(?P<open>\()|(?P<close>\))
    |'(?P<single>[^'\\]*)'|"(?P<double>[^"\\]*)"
    |(?P<number>-?\d{1,18}(?:\.\d{1,18})?)(?![\w.])|(?P<word>true|false)\b)\s*""",
    re.VERBOSE,
)
_BEYOND: Final = re.compile(
    r"\s*(?:!|@|\$|null\b|[A-Za-z]\w*\(|/|'[^']*\\|\"[^\"]*\\|\[|in\b|-?\d+[\w.])"
)
_SIGNS: Final = {
    "==": Operator.EQ,
    "!=": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LTE,
    ">": Operator.GT,
    ">=": Operator.GTE,
    "=~": Operator.LIKE,
}


def parse(text: str) -> clauses.Clauses:
    """The conditions of one expression. OrderRejected: 400 or 501 (code notSupported)."""
    if len(text) > MAX_LENGTH:
        raise _bad(f"is longer than {MAX_LENGTH} characters")
    inner = _inner(text.strip())
    reader = _Reader(_tokens(inner))
    found = reader.alternatives(0)
    if reader.rest:
        raise _bad(f"has {reader.rest[0].text!r} too much")
    return found


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _inner(text: str) -> str:
    if not text.startswith("$"):
        raise _bad("must begin with $")
    if text.startswith("$[?(") and text.endswith(")]"):
        return text[3:-1]
    if text.startswith("$[?") and text.endswith("]"):
        return text[3:-1]
    if text.count("[") != text.count("]") or text.count("(") != text.count(")"):
        raise _bad("has brackets that do not match")
    raise _unsupported("only $[?(...)] is")


def _tokens(text: str) -> list[_Token]:
    found, place = list[_Token](), 0
    while place < len(text):
        one = _TOKEN.match(text, place)
        if one is None:
            rest = text[place : place + 20]
            raise (
                _unsupported(f"{rest!r} is not")
                if _BEYOND.match(text, place)
                else _bad(f"cannot be read at {rest!r}")
            )
        kind = one.lastgroup or ""
        found.append(_Token(kind, one[kind]))
        place = one.end()
    return found


@dataclass(slots=True)
class _Reader:
    """Recursive descent, as deep as ``_DEPTH`` brackets."""

    rest: list[_Token] = field(default_factory=list[_Token])

    def alternatives(self, depth: int) -> clauses.Clauses:
        parts = [self._conditions(depth)]
        while self._skip("||"):
            parts.append(self._conditions(depth))
        return clauses.either(parts)

    def _conditions(self, depth: int) -> clauses.Clauses:
        parts = [self._one(depth)]
        while self._skip("&&"):
            parts.append(self._one(depth))
        return clauses.both(parts)

    def _one(self, depth: int) -> clauses.Clauses:
        if depth > _DEPTH:
            raise _bad(f"has more than {_DEPTH} brackets in each other")
        if not self._skip("("):
            return self._comparison()
        found = self.alternatives(depth + 1)
        if not self._skip(")"):
            raise _bad("has a bracket that nothing closes")
        return found

    def _comparison(self) -> clauses.Clauses:
        path = _names(self._next("path").text)
        if not self.rest or self.rest[0].kind != "sign":
            raise _unsupported("an attribute without a comparison is not")
        operator = _SIGNS[self._next("sign").text]
        value = self._next("single", "double", "number", "word").text
        values = regex.like(value, "filter") if operator is Operator.LIKE else (value,)
        return clauses.condition(path, operator, values)

    def _skip(self, text: str) -> bool:
        there = bool(self.rest) and self.rest[0] in {_Token(k, text) for k in _MARKS}
        if there:
            del self.rest[0]
        return there

    def _next(self, *kinds: str) -> _Token:
        if not self.rest:
            raise _bad("ends too early")
        if self.rest[0].kind not in kinds:
            raise _bad(f"has {self.rest[0].text!r} where a {kinds[0]} belongs")
        return self.rest.pop(0)


_MARKS: Final = ("join", "open", "close")


def _names(path: str) -> str:
    """``@.note[*]['author']`` is note.author."""
    plain = path.replace("[*]", "").replace("['", ".").replace("']", "")
    return plain.removeprefix("@").removeprefix(".")


def _bad(reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field="filter", code="invalidQuery")


def _unsupported(reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"{reason} supported here", field="filter", status=501, code="notSupported"
    )
