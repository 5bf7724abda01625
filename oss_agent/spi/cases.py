"""Cases: what was seen of the network that a person should look at. Inventory owns them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oss_agent.spi.query import Page, Query


@dataclass(frozen=True, slots=True)
class CaseView:
    """One open case: what is so since when, why probably, and what a person may do.

    ``subject`` is a device or a port of it (``pe1:eth4``), ``kind`` a stable word, ``evidence``
    exactly what was seen: acceptance is of that and of nothing else.
    """

    id: str
    tenant: str
    device: str
    subject: str
    kind: str
    text: str
    cause: str
    action: str
    evidence: str
    since: datetime
    accepted_by: str | None = None
    accepted_at: datetime | None = None


class Cases(Protocol):
    """What a surface may do with cases."""

    async def find(self, query: Query, /) -> Page[CaseView]:
        """Open cases by id, device, subject, kind."""
        ...

    async def accept(self, tenant: str, key: str, who: str) -> CaseView:
        """A person says that what was seen is right. NotFound when no such case is open."""
        ...
