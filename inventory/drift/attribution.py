"""Decides who changed a node, by what the device itself says of its changes. Pure.

A change that names the node, something above it or something in it, made since the node was read back.
The last one counts. Prefixes and the form of keys differ from device to device; names and values do not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from inventory.words import hostile_text
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.drift import Change

_STEP: Final = re.compile(r"/(?:[\w.-]+:)?([\w.-]+)((?:\[[^\[\]]{0,300}\])*)")
_KEY: Final = re.compile(r"\[(?:[\w.-]+:)?[\w.-]+ *= *(?:'([^']*)'|\"([^\"]*)\"|([^\]]*))\]")
_LONGEST: Final = 2_000


class _Step(NamedTuple):
    name: str
    values: frozenset[str]


def who(path: str, since: datetime, changes: Sequence[Change]) -> str:
    """Who changed what is at ``path`` last, as people read it; "" when no change says so."""
    node = _steps(path)
    for change in reversed(changes):
        if change.at >= since and any(_meet(node, _steps(one)) for one in change.targets):
            return _words(change)
    return ""


@functools.lru_cache(maxsize=16_384)
def _steps(path: str) -> tuple[_Step, ...]:
    """() of what is no path from the root: it meets nothing."""
    if len(path) > _LONGEST or _STEP.sub("", path):
        return ()
    return tuple(_Step(found[1], frozenset(_values(found[2]))) for found in _STEP.finditer(path))


def _values(keys: str) -> Iterator[str]:
    for found in _KEY.finditer(keys):
        yield next((one for one in found.groups() if one is not None), "")


def _meet(node: Sequence[_Step], target: Sequence[_Step]) -> bool:
    pairs = list(zip(node, target, strict=False))
    return bool(pairs) and all(
        one.name == two.name and (not two.values or one.values == two.values) for one, two in pairs
    )


def _words(change: Change) -> str:
    told: Mapping[str, str] = {"from": change.host, "session": change.session}
    more = "".join(f" {word} {value}" for word, value in told.items() if value)
    said = f"{change.user or 'somebody'}{more} at {rfc3339(change.at)}"
    return hostile_text.printable(said.encode("utf-8", "replace"), hostile_text.DESCRIPTION)
