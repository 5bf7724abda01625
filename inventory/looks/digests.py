"""Decides which of what a look learned is news: the tables whose digest is not that of what is written. Pure.

To match twenty tables with their rows costs the writer as much when nothing changed as when everything
did. A digest stands for a table only while its rows say exactly what the look that left it said: what
was cut short, what is missed, and what a case is open about is compared again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from inventory.facts import facts

_OF_ITSELF: Final = "itself:"
_STATE: Final = (
    "chassis",
    "description",
    "system_name",
    "router_id",
    "serials",
    "engine_id",
    "offers",
    "called",
)
_FORMAT: Final = "1"
"""Another number where facts are written otherwise than before: what is written is then compared anew."""
_TABLES: Final = {
    facts.PORTS: "interfaces",
    facts.ADDRESSES: "addresses",
    facts.NEIGHBOURS: "neighbours",
    facts.LABELS: "labels",
    facts.PARTS: "components",
    facts.STATIONS: "stations",
}


def of(seen: facts.DeviceFacts, tenant: str) -> dict[str, str]:
    """A digest by table, of those that were learned, and by each thing that is said of the device itself."""
    learned: dict[str, Any] = {part: getattr(seen, field) for part, field in _TABLES.items()}
    learned |= seen.logical or {}
    learned |= {f"{_OF_ITSELF}{field}": getattr(seen, field) for field in _STATE}
    return {part: _digest(tenant, said) for part, said in learned.items() if said is not None}


def learned(said: Mapping[str, str], seen: facts.DeviceFacts) -> dict[str, str]:
    """Of these digests those of what is believed of a look: of the device itself not all may be."""
    left = {f"{_OF_ITSELF}{field}" for field in _STATE if getattr(seen, field) is None}
    return {part: digest for part, digest in said.items() if part not in left}


def news(now: Mapping[str, str], written: Mapping[str, str]) -> frozenset[str]:
    """The tables that are to be compared with what is written."""
    return frozenset(part for part, digest in now.items() if written.get(part) != digest)


def of_itself(news: frozenset[str]) -> frozenset[str]:
    """Those of the news that are of the device itself."""
    return frozenset(part for part in news if part.startswith(_OF_ITSELF))


def _digest(tenant: str, said: Any) -> str:
    """Of frozen values of plain types, whose text is the same in every process."""
    text = f"{_FORMAT} {tenant} {said!r}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
