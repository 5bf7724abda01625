"""Decides which links are one: members of link aggregation groups between the same two devices. Pure.

LLDP runs on the members; what traffic knows is the bundle. A link between bundles is shown once, with
its members; where only one end tells of its bundle, the other end's ports stand for it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from inventory.topology.neighbour_identity import End
from oss_agent.spi.views import Confidence, LinkView

Members: TypeAlias = Mapping[str, Mapping[str, str]]
"""By device: the bundle of each member port."""
_AND: Final = "+"
"""Between ports that stand for a bundle that their device does not tell of."""
_SURE_FIRST: Final = (
    Confidence.AGREED,
    Confidence.ONE_SIDED,
    Confidence.DECLARED,
    Confidence.CONTRADICTORY,
    Confidence.STALE,
)


def bundled(links: Sequence[LinkView], members: Members) -> tuple[LinkView, ...]:
    """The links, those between the same bundles as one; the others as they are."""
    groups: defaultdict[tuple[End, End], list[LinkView]] = defaultdict(list)
    single: list[LinkView] = []
    for link in links:
        a, z = _end(link.a_device, link.a_port, members), _end(link.z_device, link.z_port, members)
        if a is None and z is None:
            single.append(link)
        else:
            groups[a or (link.a_device, ""), z or (link.z_device, "")].append(link)
    found = [_one(ends, several) for ends, several in groups.items()]
    return tuple(sorted([*single, *found], key=_ends))


def levels(links: Sequence[LinkView]) -> Iterator[LinkView]:
    """Every link, and every member of those that have members."""
    for link in links:
        yield link
        yield from link.members


def is_real(link: LinkView) -> bool:
    """Does it end on ports of their own at both ends? Else several stand for a bundle untold."""
    return _AND not in link.a_port + link.z_port


def _end(device: str, port: str, members: Members) -> End | None:
    """The bundle that a port is in, or is; None when it is in none."""
    of = members.get(device, {})
    if port in of:
        return (device, of[port])
    return (device, port) if port in of.values() else None


def _one(ends: tuple[End, End], several: Sequence[LinkView]) -> LinkView:
    physical = _physical(ends, several)
    best = min(several, key=lambda link: _SURE_FIRST.index(link.confidence))
    worse = [link for link in physical if link.confidence is not best.confidence]
    (a_device, a_port), (z_device, z_port) = ends
    return dataclasses.replace(
        best,
        a_port=a_port or _AND.join(sorted({link.a_port for link in physical})),
        z_port=z_port or _AND.join(sorted({link.z_port for link in physical})),
        a_device=a_device,
        z_device=z_device,
        evidence=f"{len(physical)} members; {best.evidence}",
        reason="; ".join([*filter(None, [best.reason]), *map(_amiss, worse)]),
        last_seen=max(link.last_seen for link in several),
        since=min(filter(None, (link.since for link in several)), default=None),
        witnesses=(),
        members=tuple(physical),
    )


def _physical(ends: tuple[End, End], several: Sequence[LinkView]) -> Sequence[LinkView]:
    """Without links that end on the bundle itself, where its members say more."""
    bundles = {end for end in ends if end[1]}
    below = [
        link
        for link in several
        if not {(link.a_device, link.a_port), (link.z_device, link.z_port)} & bundles
    ]
    return below or several


def _amiss(link: LinkView) -> str:
    where = f"{link.a_device}:{link.a_port} to {link.z_device}:{link.z_port}"
    return f"{where} is {link.confidence}" + (f" ({link.reason})" if link.reason else "")


def _ends(link: LinkView) -> tuple[str, str, str, str]:
    return (link.a_device, link.a_port, link.z_device, link.z_port)
