"""Decides what a device is from what it says of itself: maker, system, version, model, our platform. Pure.

The data lie in ``detection/``: makers by enterprise number, systems by what only they say. The
enterprise number of sysObjectID decides the maker; the system is what sysDescr says, else the NETCONF
hello, else the SSH banner, else the rest of sysObjectID, which tells a family at best, and last what
neighbours repeat of it (``hearsay``). What does not follow from the evidence stays unknown, and where two pieces of evidence name different makers nobody
is believed: a driver for the wrong system does more harm than none. Two systems of one maker: the
weightier counts, and that the hello says otherwise is told.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pydantic
import yaml

from device_models import hearsay
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
    own, contradicted = _own(evidence, known)
    if contradicted or not evidence.announced:
        return own
    return hearsay.weighed(own, evidence, lambda one: _own(one, known)[0])


def _own(evidence: Evidence, known: Knowledge) -> tuple[Detected, bool]:
    """What follows from its own words, and whether these contradict each other."""
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
        return Detected(because=tuple(because), doubts=doubts), True
    if not fitting:
        return Detected(vendor, because=tuple(because), doubts=_nothing(text, evidence)), False
    system, why = fitting[0]
    vendor = vendor or (system.vendor[0] if len(system.vendor) == 1 else "")
    told = _named(vendor, system, text, (*because, why))
    against = _otherwise(system, [one for one, _ in fitting], hello)
    return dataclasses.replace(told, doubts=(*against, *told.doubts)), False


def against(platform: str, evidence: Evidence, known: Knowledge | None = None) -> str:
    """Why a device is not what it is run as, in words; "" where nothing speaks against it.

    Of a platform that the data do not name nothing can be said: its driver is from elsewhere.
    """
    known = known or load()
    meant = {system.os for system in known.systems if system.platform == platform}
    seen = detect(evidence, known)
    if not meant or not seen.vendor or not seen.os or seen.os in meant:
        return ""
    return f"it is run as {platform} and is {seen.vendor} {seen.os}: {'; '.join(seen.because)}"


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
    greeting = [system for system in every if _announced(system, hello)]
    only = " and ".join(system.os for system in greeting)
    for system in greeting:
        yield system, f"its NETCONF hello has what only {only} announce{'s' * (len(greeting) == 1)}"
    for system in every:
        if any(pattern.search(banner) for pattern in system.banner):
            yield system, f"its SSH identification is {system.os}'s"
    for system in every:
        if any(_under(prefix, object_id) for prefix in system.object):
            yield system, f"its sysObjectID is one of {system.os}"


def _announced(system: System, hello: Sequence[str]) -> bool:
    return any(part in one for part in system.hello for one in hello)


def _otherwise(chosen: System, fitting: Sequence[System], hello: Sequence[str]) -> tuple[str, ...]:
    """What the hello has against a maker's system that something weightier says."""
    others = [one.os for one in fitting if one.vendor and _announced(one, hello)]
    if not chosen.vendor or not others or chosen.os in others:
        return ()
    return (f"its NETCONF hello is that of {' or '.join(others)}: ask a person",)


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
    said = repr(text[:_WORDS]) if text else "what it announces"
    return (f"nothing that is known of systems fits {said}",)


def _named(vendor: str, system: System, text: str, because: tuple[str, ...]) -> Detected:
    version, model = _group(system.version, text), _group(system.model, text)
    doubts = () if system.platform else (f"no driver for {system.os}",)
    return Detected(vendor, system.os, version, model, system.platform, because, doubts)


def _group(pattern: re.Pattern[str] | None, text: str) -> str:
    """The first group that the pattern found; "" when it found nothing."""
    found = pattern.search(text) if pattern is not None else None
    if found is None:
        return ""
    return next((one.strip()[:_WORDS] for one in found.groups() if one), "")
