"""How neighbours look that are heard by LLDP and CDP: what they say they are, and that nobody knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

_UNKNOWN: Final = "unknown system"
COLUMNS: Final = [
    ("PORT", "port"),
    ("HEARS", "name"),
    ("THERE", "port_id"),
    ("BY", "protocol"),
    ("SAYS IT IS", "kind"),
    ("MANAGED AT", "address"),
    ("SINCE", "since"),
]


def kind(one: Mapping[str, Any]) -> str:
    """Maker, system, version and model in a line."""
    words = [str(one.get(word) or "") for word in ("vendor", "os", "version", "model")]
    told = " ".join(filter(None, words))
    if one.get("os"):
        return told
    return f"{_UNKNOWN} ({told})" if told else _UNKNOWN


def heard(neighbours: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a neighbour; one that its device misses since is told so."""
    return [
        {
            **one,
            "name": one["it"].get("name") or one["it"].get("chassis"),
            "kind": kind(one["it"]) + (" (missed since)" if one.get("missed") else ""),
            "address": one["it"].get("address"),
        }
        for one in neighbours
    ]
