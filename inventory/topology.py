"""Decides which links exist, from what files declare and what LLDP saw, and says why. Pure.

A device's word about its neighbour is one-sided until the neighbour says the same: a device that
lies can make a one-sided link, never one on which both ends agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from oss_agent.spi.views import LinkView

End: TypeAlias = tuple[str, str]
"""(device, port)"""
Pair: TypeAlias = tuple[End, End]
"""Both ends, in canonical order."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A link that a topology file declares, and since when."""

    a: End
    z: End
    source: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What LLDP said on one port: chassis ``<subtype>:<hex>``, port id, its description, sysName."""

    at: End
    chassis: str
    port_id: str
    port_description: str
    system_name: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device that may be somebody's neighbour. ``macs`` maps MAC to port."""

    device: str
    chassis: str | None
    ports: frozenset[str]
    macs: Mapping[str, str] = field(default_factory=dict[str, str])


def links(
    declared: Sequence[Declared], seen: Sequence[Seen], known: Sequence[Known]
) -> tuple[LinkView, ...]:
    """Every link once, ends in canonical order, with its evidence."""
    files = {pair(link.a, link.z): link for link in declared}
    witnesses: defaultdict[Pair, dict[End, datetime]] = defaultdict(dict)
    for sighting, end in _resolved(seen, known):
        witnesses[pair(sighting.at, end)][sighting.at] = sighting.when
    return tuple(
        _view(ends, files.get(ends), witnesses.get(ends, {}))
        for ends in sorted(files.keys() | witnesses.keys())
    )


def pair(one: End, two: End) -> Pair:
    """Both ends in canonical order."""
    return (one, two) if one <= two else (two, one)


def _resolved(seen: Sequence[Seen], known: Sequence[Known]) -> Iterable[tuple[Seen, End]]:
    by_chassis: defaultdict[str, list[Known]] = defaultdict(list)
    for device in known:
        if device.chassis is not None:
            by_chassis[device.chassis].append(device)
    by_name = {device.device: device for device in known}
    for sighting in seen:
        neighbour = _neighbour(sighting, by_chassis, by_name)
        port = _port(sighting, neighbour) if neighbour is not None else None
        if neighbour is not None and port is not None and (neighbour.device, port) != sighting.at:
            yield sighting, (neighbour.device, port)


def _neighbour(
    sighting: Seen, by_chassis: Mapping[str, Sequence[Known]], by_name: Mapping[str, Known]
) -> Known | None:
    same = by_chassis.get(sighting.chassis, ())
    if len(same) > 1:
        return None  # a cloned identity: nobody can say which of them it is
    if same:
        return same[0]
    named = by_name.get(sighting.system_name)
    # A name is believed only of a device whose own chassis is not known to be another one.
    return named if named is not None and named.chassis is None else None


def _port(sighting: Seen, device: Known) -> str | None:
    for word in (sighting.port_id, sighting.port_description):
        if word in device.ports:
            return word
    return device.macs.get(sighting.port_id)


def _view(ends: Pair, file: Declared | None, witnesses: Mapping[End, datetime]) -> LinkView:
    (a_device, a_port), (z_device, z_port) = ends
    reasons = [f"declared by {file.source}"] if file is not None else []
    if len(witnesses) > 1:
        reasons.append("LLDP, both ends agree")
    elif witnesses:
        (device, port) = next(iter(witnesses))
        reasons.append(f"LLDP, one-sided: only {device}:{port} sees it")
    times = [*witnesses.values(), *([file.since] if file is not None else [])]
    return LinkView(a_device, a_port, z_device, z_port, "; ".join(reasons), max(times))
