"""Who did what: a deed told to the audit inside the unit that it happens in, by rooms that do not know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from oss_agent.spi.query import Page, Query

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Deed:
    """``actor`` did ``action`` to ``subject`` (``device:pe1``); ``detail`` is JSON, no secrets."""

    tenant: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed as it stands in the audit; ``number`` counts over all tenants, so there are gaps."""

    number: int
    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class Trail(Protocol):
    """Reading the audit."""

    async def find(self, query: Query, /) -> Page[Entry]:
        """A tenant's entries that match, the newest first. OrderRejected (400).

        Attributes are those of ``Entry`` but its detail.
        """
        ...


Audit: TypeAlias = "Callable[[Connection, Deed], None]"
"""Adds the deed with the unit's other rows, or not at all."""


def nobody_listens(connection: Connection, deed: Deed) -> None:
    """For rooms built by themselves, without an agent around them."""
    del connection, deed
