"""How a surface asks an owning room: one Query, one Page, whatever the resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from oss_agent.spi.moments import AsOf

View_co = TypeVar("View_co", covariant=True)


class Operator(StrEnum):
    """TMF630 part 1 filter operators."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    LIKE = "like"
    """values are SQL LIKE patterns, upper and lower case apart, a backslash escapes % and _"""


@dataclass(frozen=True, slots=True)
class Filter:
    """``path`` is dotted in the surface's own attribute names; any of ``values`` may match."""

    path: str
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key; ``path`` as in Filter."""

    path: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Filters are ANDed. ``limit`` is at most 1,000 rows (a surface clamps before).

    Of each group of ``either`` one filter must hold too. A surface asks for it, and for
    ``Operator.LIKE``, only where the port is known to understand them.
    """

    tenant: str
    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    offset: int = 0
    limit: int = 100
    either: tuple[tuple[Filter, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[View_co]):
    """``items`` of the page and ``total`` rows that match without paging."""

    items: tuple[View_co, ...]
    total: int


class Port(Protocol[View_co]):
    """Reading one resource of an owning room."""

    async def find(self, query: Query, /) -> Page[View_co]:
        """Rows that match. OrderRejected (400) naming a filter path nobody knows."""
        ...

    async def get(self, tenant: str, key: str) -> View_co:
        """One row by id; NotFound when absent or another tenant's."""
        ...


class LedgerPort(Port[View_co], Protocol[View_co]):
    """Reading a resource whose past is kept; ``when`` None: as it is now."""

    async def find(self, query: Query, /, when: AsOf | None = None) -> Page[View_co]:
        """Rows that match, as they were ``when``. OrderRejected (400)."""
        ...

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> View_co:
        """One row as it was ``when``; NotFound when there was none."""
        ...
