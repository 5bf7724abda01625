"""Decides whether rendered documents satisfy TMF630 filters: for hub queries and short lists. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bss_bridge.engine import regex
from oss_agent import errors
from oss_agent.spi.query import Filter, Operator, Query

_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQ: operator.eq,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.LIKE: lambda value, pattern: regex.holds(pattern, str(value)),
}


def matches(
    document: Mapping[str, Any],
    filters: Sequence[Filter],
    either: Sequence[Sequence[Filter]] = (),
) -> bool:
    """All filters hold, and of each group of ``either`` one does.

    A path crosses arrays: one member that matches is enough, for NE none.
    """
    return all(_holds(document, one) for one in filters) and all(
        any(_holds(document, one) for one in group) for group in either
    )


def refuse_unknown(query: Query, documents: Sequence[Mapping[str, Any]]) -> None:
    """OrderRejected (400) naming a path of filter or sort that none of the documents has."""
    known = {path for one in documents for path in _paths(one)}
    filters = [*query.filters, *(one for group in query.either for one in group)]
    for path in (*(one.path for one in filters), *(one.path for one in query.sort)):
        if path not in known:
            raise errors.OrderRejected(
                f"{ascii(path)[1:-1][:80]} cannot be asked for; known are {', '.join(sorted(known))}",
                field=path,
                code="invalidQuery",
            )


def _paths(node: Any, above: str = "") -> Iterator[str]:
    """Every dotted path of a document; arrays are crossed."""
    if isinstance(node, list):
        for member in node:
            yield from _paths(member, above)
        return
    if above:
        yield above
    if isinstance(node, Mapping):
        for name, inner in node.items():
            yield from _paths(inner, f"{above}.{name}" if above else name)


def _holds(document: Mapping[str, Any], one: Filter) -> bool:
    found = list(_reach(document, one.path.split(".")))
    if one.operator is Operator.NE:
        return not any(_compare(operator.eq, v, w) for v in found for w in one.values)
    return any(_compare(_COMPARE[one.operator], v, w) for v in found for w in one.values)


def _reach(node: Any, steps: Sequence[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for member in node:
            yield from _reach(member, steps)
    elif not steps:
        yield node
    elif isinstance(node, Mapping) and steps[0] in node:
        yield from _reach(node[steps[0]], steps[1:])


def _compare(how: Callable[[Any, Any], bool], value: Any, wanted: str) -> bool:
    """By the document's own type: the wanted value always arrives as text."""
    if isinstance(value, bool):
        return how(value, wanted == "true") if wanted in {"true", "false"} else False
    if isinstance(value, int | float):
        number = _number(wanted)
        return number is not None and how(value, number)
    if not isinstance(value, str):
        return False
    moments = _moment(value), _moment(wanted)
    return how(*moments) if all(moments) else how(value, wanted)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
