"""Decides what a device is from what it says of itself: maker, system, version, model, our platform. Pure.

The data lie in ``detection/``: makers by enterprise number, systems by what only they say. What
does not follow from the evidence stays unknown, and where two pieces of evidence name different
makers nobody is believed: a driver for the wrong system does more harm than none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pydantic
import yaml

from oss_agent.errors import ConfigurationError
from oss_agent.spi.detection import Detected, Evidence

SHIPPED: Final = Path(__file__).parent / "detection"
_ENTERPRISES: Final = (1, 3, 6, 1, 4, 1)
_MOST: Final = 1_024
"""Characters of anything a device says that are looked at: the rest tells nothing more."""
_WORDS: Final = 64
"""Characters of a version or model that are believed."""
_CAPABILITIES: Final = 2_000
"""Capabilities of a hello that are looked at: IOS XR sends more than a thousand."""


class System(pydantic.BaseModel):
    """One entry of ``systems.yaml``; no ``vendor``: any maker's device may run it."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    os: str
    vendor: tuple[str, ...] = ()
    object: tuple[str, ...] = ()
    description: tuple[re.Pattern[str], ...] = ()
    banner: tuple[re.Pattern[str], ...] = ()
    hello: tuple[str, ...] = ()
    version: re.Pattern[str] | None = None
    model: re.Pattern[str] | None = None
    platform: str = ""
    proven: tuple[re.Pattern[str], ...] = ()


class Override(pydantic.BaseModel):
    """One entry of ``overrides.yaml``: a description that names another maker than the number."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    vendor: str
    enterprise: int
    description: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of makers and systems."""

    vendors: Mapping[int, str]
    systems: tuple[System, ...]
    overrides: tuple[Override, ...]


@functools.cache
def load(folder: Path = SHIPPED) -> Knowledge:
    """The data of an installed release, read once. ConfigurationError naming the file."""
    try:
        return Knowledge(
            _read(folder / "vendors.yaml", pydantic.TypeAdapter(dict[int, str])),
            _read(folder / "systems.yaml", pydantic.TypeAdapter(tuple[System, ...])),
            _read(folder / "overrides.yaml", pydantic.TypeAdapter(tuple[Override, ...])),
        )
    except (OSError, ValueError, yaml.YAMLError) as wrong:
        raise ConfigurationError(f"{folder} cannot be read: {wrong}") from wrong


def _read(file: Path, kind: pydantic.TypeAdapter[Any]) -> Any:
    return kind.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))


def detect(evidence: Evidence, known: Knowledge | None = None) -> Detected:
    """What the device is, and what that was concluded from; never an exception."""
    known = known or load()
    text, banner = plain(evidence.description), plain(evidence.banner)
    hello = [plain(one) for one in evidence.hello[:_CAPABILITIES]]
    vendor, because = _vendor(evidence.object_id, text, known)
    found = list(_systems(evidence.object_id, text, banner, hello, known))
    makers = {system.vendor for system, _ in found if system.vendor}
    fitting = sorted(
        (one for one in found if not vendor or vendor in one[0].vendor or not one[0].vendor),
        key=lambda one: not one[0].vendor,  # a maker's own system, before what anybody's may run
    )
    doubts = _doubts(vendor, makers)
    if doubts:
        return Detected(because=tuple(because), doubts=doubts)
    if not fitting:
        return Detected(vendor, because=tuple(because), doubts=_nothing(text, evidence))
    system, why = fitting[0]
    vendor = vendor or (system.vendor[0] if len(system.vendor) == 1 else "")
    return _named(vendor, system, text, (*because, why))


def plain(said: bytes | str) -> str:
    """One harmless line of what a device said: bounded, without control characters."""
    text = said[: 4 * _MOST].decode("utf-8", "replace") if isinstance(said, bytes) else said
    return "".join(c if c.isprintable() else " " for c in text[:_MOST]).strip()


def _vendor(object_id: tuple[int, ...], text: str, known: Knowledge) -> tuple[str, list[str]]:
    number = object_id[6] if object_id[:6] == _ENTERPRISES and len(object_id) > 6 else None  # noqa: PLR2004  (the arc behind the prefix)
    if number is None:
        return "", []
    for one in known.overrides:
        if one.enterprise == number and one.description.search(text):
            return one.vendor, [f"its description names {one.vendor}, on {number}'s number"]
    vendor = known.vendors.get(number, "")
    return vendor, [f"sysObjectID is of enterprise {number}, {vendor}"] if vendor else []


def _systems(
    object_id: tuple[int, ...], text: str, banner: str, hello: Sequence[str], known: Knowledge
) -> Iterator[tuple[System, str]]:
    """Every system that something said points to, with what it was; the most telling first."""
    every = known.systems
    for system in every:
        if any(pattern.search(text) for pattern in system.description):
            yield system, f"its description is {system.os}'s"
    for system in every:
        if any(part in one for part in system.hello for one in hello):
            yield system, f"its NETCONF hello has what only {system.os} has"
    for system in every:
        if any(pattern.search(banner) for pattern in system.banner):
            yield system, f"its SSH identification is {system.os}'s"
    for system in every:
        if any(_under(prefix, object_id) for prefix in system.object):
            yield system, f"its sysObjectID is one of {system.os}"


def _under(prefix: str, object_id: tuple[int, ...]) -> bool:
    arcs = tuple(int(arc) for arc in prefix.split("."))
    return object_id[: len(arcs)] == arcs


def _doubts(vendor: str, makers: set[tuple[str, ...]]) -> tuple[str, ...]:
    """Why nobody is believed; () when nothing contradicts."""
    others = sorted(" or ".join(one) for one in makers if vendor not in one)
    if vendor and others:
        return (
            f"sysObjectID says {vendor}, what else it said {' and '.join(others)}: ask a person",
        )
    if not vendor and len(makers) > 1:
        return (f"what it said points to {' and to '.join(others)}: ask a person",)
    return ()


def _nothing(text: str, evidence: Evidence) -> tuple[str, ...]:
    if not (text or evidence.object_id or evidence.banner or evidence.hello):
        return ("it said nothing of itself",)
    return (f"nothing that is known of systems fits {text[:_WORDS]!r}",)


def _named(vendor: str, system: System, text: str, because: tuple[str, ...]) -> Detected:
    version, model = _group(system.version, text), _group(system.model, text)
    proven = bool(version) and any(one.search(version) for one in system.proven)
    doubts: tuple[str, ...] = ()
    if not system.platform:
        doubts = (f"no driver for {system.os}",)
    elif not proven:
        what = f"version {version}" if version else "a version that it does not say"
        doubts = (f"{system.platform} is not proven on {what}: read only",)
    return Detected(vendor, system.os, version, model, system.platform, proven, because, doubts)


def _group(pattern: re.Pattern[str] | None, text: str) -> str:
    """The first group that the pattern found; "" when it found nothing."""
    found = pattern.search(text) if pattern is not None else None
    if found is None:
        return ""
    return next((one.strip()[:_WORDS] for one in found.groups() if one), "")
