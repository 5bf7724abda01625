"""Decides what a query finds among the specifications: few, in memory, the same for every tenant.

Every version is a row of its own. An id alone means the newest active version, and
``eline:(version=1.0)`` that one, as TMF630 writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bss_bridge.engine import matching
from oss_agent import errors
from oss_agent.spi.query import Page, Query
from oss_agent.spi.specifications import SpecificationView

Json = dict[str, Any]
_VERSIONED: Final = re.compile(r"(?P<id>[^:]+):\(version=(?P<version>[0-9.]+)\)")
_DIGITS: Final = re.compile(r"(\d+)")


def key(of: str, version: str) -> str:
    """How one version of a specification is called in a path."""
    return f"{of}:(version={version})"


class ShelfPort:
    """``spi.query.Port`` over specifications; asked for by what ``render`` shows of them."""

    def __init__(
        self,
        rows: Callable[[], tuple[SpecificationView, ...]],
        render: Callable[[SpecificationView], Json],
    ) -> None:
        self._rows = rows
        self._render = render

    async def find(self, query: Query, /) -> Page[SpecificationView]:
        """Specifications that match. OrderRejected (400) naming a path that none of them has."""
        shown = [(one, self._render(one)) for one in self._rows()]
        matching.refuse_unknown(query, [body for _, body in shown])
        found = [(o, b) for o, b in shown if matching.matches(b, query.filters, query.either)]
        for one in reversed(query.sort):
            found.sort(key=lambda row: _order(row[1], one.path), reverse=one.descending)
        page = found[query.offset :][: query.limit]
        return Page(tuple(view for view, _ in page), len(found))

    async def get(self, tenant: str, key: str) -> SpecificationView:
        """One specification; NotFound."""
        del tenant
        named = _VERSIONED.fullmatch(key)
        wanted = (named["id"], named["version"]) if named else (key, None)
        found = [one for one in self._rows() if one.id == wanted[0]]
        found = [one for one in found if wanted[1] in {None, one.version}]
        if not found:
            raise errors.NotFound(f"specification {ascii(key)[:60]}")
        return max(found, key=lambda one: (one.active, _natural(one.version)))


def _order(body: Mapping[str, Any], path: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Sorts as people count: 1.10 after 1.9; what has no value comes last."""
    found: Any = body
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found is None, _natural(str(found))


def _natural(text: str) -> list[tuple[bool, int, str]]:
    parts = _DIGITS.split(text)
    return [(p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts if p]
