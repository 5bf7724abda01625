"""Decides what a product's characteristics are once a modify of it has ended, whole or in part. Pure.

They say what its services have, for the next order is laid over them: what only failed parts would
have had stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """A part whose order has ended: the product's characteristics that say it, and was it done?"""

    names: Collection[str]
    done: bool


def content(
    before: Mapping[str, Any], wanted: Mapping[str, Any], parts: Collection[Ended]
) -> dict[str, Any]:
    """The characteristics then. What several parts have is as asked once one of them has it.

    The others are told again by the next order that says it: each is compared with what it has.
    """
    kept: dict[str, Any] = {}
    for name in (*before, *(name for name in wanted if name not in before)):
        source = wanted if _taken(name, parts) else before
        kept |= {name: source[name]} if name in source else {}
    return kept


def _taken(name: str, parts: Collection[Ended]) -> bool:
    own = [part.done for part in parts if name in part.names]
    return any(own) if own else all(part.done for part in parts)
