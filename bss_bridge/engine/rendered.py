"""A port over few rows that no room stores, as they are shown: what a surface must list all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bss_bridge.engine import matching
from oss_agent import errors
from oss_agent.spi.query import Page, Query

Row = dict[str, Any]


class RenderedPort:
    """Rendered rows, the same for every tenant: ``spi.query.Port[Row]``."""

    def __init__(self, rows: Callable[[], Sequence[Row]]) -> None:
        self._rows = rows

    async def find(self, query: Query) -> Page[Row]:
        """Rows that match, sorted by the text of first-level attributes. Refuses as ``matching``."""
        rows = self._rows()
        matching.refuse_unknown(query, rows)
        found = [r for r in rows if matching.matches(r, query.filters, query.either)]
        for key in reversed(query.sort):
            found.sort(key=lambda row: str(row.get(key.path, "")), reverse=key.descending)
        return Page(tuple(found[query.offset :][: query.limit]), len(found))

    async def get(self, tenant: str, key: str) -> Row:
        """One row by id; NotFound."""
        del tenant
        for row in self._rows():
            if row["id"] == key:
                return row
        raise errors.NotFound(ascii(key)[:80])
