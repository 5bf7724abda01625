"""Decides how conditions combine: always as an AND of ORs, the one form that a Query carries.

Pure. An OR of ANDs is multiplied out, which grows, so the result is bounded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final, TypeAlias

from oss_agent import errors
from oss_agent.spi.query import Filter, Operator

Clauses: TypeAlias = tuple[tuple[Filter, ...], ...]
"""All of these, and of each any one."""
MAX_FILTERS: Final = 50


def condition(path: str, operator: Operator, values: tuple[str, ...]) -> Clauses:
    """``ne`` of several values means none of them, so each is a condition of its own."""
    if operator is Operator.NE:
        return tuple((Filter(path, operator, (value,)),) for value in values)
    return ((Filter(path, operator, values),),)


def both(parts: Iterable[Clauses]) -> Clauses:
    """All parts hold. OrderRejected (400) when that is more than anybody asks for."""
    return _bounded(tuple(itertools.chain.from_iterable(parts)))


def either(parts: Iterable[Clauses]) -> Clauses:
    """One of the parts holds: each choice of one clause from every part, ORed."""
    out: Clauses = ((),)
    for part in parts:
        out = _bounded(tuple((*left, *right) for left in out for right in part))
    return out


def _bounded(found: Clauses) -> Clauses:
    if sum(map(len, found)) > MAX_FILTERS:
        raise errors.OrderRejected("too many filters", field="query", code="invalidQuery")
    return found
