"""Decides which links exist, from what files declare and what LLDP and CDP saw, and says why. Pure.

A device's word about its neighbour is one-sided until the neighbour says the same: a device that
lies can make a one-sided link, never one on which both ends agree. What is no longer heard goes
stale before it ends; a device that does not answer takes no link away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from inventory.facts import neighbour_ids, port_words
from inventory.topology import neighbour_identity, strangers
from inventory.topology.neighbour_identity import End, Known, Seen
from oss_agent.spi.views import Confidence, LinkView, WitnessView

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
class Heard:
    """A sighting whose other end is known; ``sure`` when that is a port that the device has."""

    seen: Seen
    far: End
    how: str
    managed: bool
    sure: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Every link once, in the order of its ends, and who was heard where.

    ``doubtful`` are the ports that hear one of several devices, nobody can tell which.
    """

    links: tuple[LinkView, ...]
    heard: tuple[Heard, ...]
    known: Mapping[str, Known] = field(default_factory=dict[str, Known])
    clones: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    doubtful: Mapping[End, frozenset[str]] = field(default_factory=dict[End, frozenset[str]])


def links(
    declared: Sequence[Declared], seen: Sequence[Seen], known: Sequence[Known]
) -> tuple[LinkView, ...]:
    """Every link once, ends in canonical order, with its evidence."""
    return picture(declared, seen, known).links


def picture(declared: Sequence[Declared], seen: Sequence[Seen], known: Sequence[Known]) -> Picture:
    """Every link once, with its evidence, and what it was made of."""
    files = {pair(link.a, link.z): link for link in declared}
    directory = neighbour_identity.Directory(known)
    devices = {one.device: one for one in known}
    # In one order, so that the same sightings make the same links however they came.
    ordered = sorted(set(seen), key=_order)
    heard = _heard(_standing(ordered, devices), directory, devices)
    judge = _Judge(heard, devices)
    witnesses: defaultdict[Pair, list[Heard]] = defaultdict(list)
    for one in heard:
        witnesses[pair(one.seen.at, one.far)].append(one)
    views = (
        judge.view(ends, files.get(ends), witnesses.get(ends, ()))
        for ends in sorted(files.keys() | witnesses.keys())
    )
    doubtful = _doubtful(heard, directory)
    return Picture(tuple(filter(None, views)), heard, devices, directory.clones, doubtful)


def _doubtful(
    heard: Sequence[Heard], directory: neighbour_identity.Directory
) -> Mapping[End, frozenset[str]]:
    found: defaultdict[End, frozenset[str]] = defaultdict(frozenset[str])
    for one in heard:
        if not one.managed and (like := directory.like(one.seen)):
            found[one.seen.at] |= like
    return found


def pair(one: End, two: End) -> Pair:
    """Both ends in canonical order."""
    return (one, two) if one <= two else (two, one)


def _order(one: Seen) -> tuple[Any, ...]:
    said = (one.port_subtype, one.port_id, one.port_description, one.system_name, one.address)
    more = (one.description, one.model, one.capabilities)
    return (*one.at, one.chassis, *said, *more, one.when, one.missed)


def _standing(seen: Sequence[Seen], devices: Mapping[str, Known]) -> list[Seen]:
    """Without what was missed and is plainly over.

    Its port is gone (or called otherwise), or was heard with somebody else since; or the same far
    port was heard on another one since.
    """
    ports: dict[End, datetime] = {}
    far: dict[tuple[str, str, str], datetime] = {}
    for one in seen:
        there = (one.at[0], one.chassis, one.port_id)
        ports[one.at] = max(ports.get(one.at, one.when), one.when)
        far[there] = max(far.get(there, one.when), one.when)
    return [
        one
        for one in seen
        if not one.missed
        or (
            one.when == ports[one.at]
            and one.when == far[one.at[0], one.chassis, one.port_id]
            and _has_port(devices.get(one.at[0]), one.at[1])
        )
    ]


def _has_port(device: Known | None, port: str) -> bool:
    """Does a device have this port, as far as its ports are known at all?"""
    return (
        device is None
        or not device.ports
        or any(own.name == port and own.present for own in device.ports)
    )


def _heard(
    seen: Sequence[Seen],
    directory: neighbour_identity.Directory,
    devices: Mapping[str, Known],
) -> tuple[Heard, ...]:
    """Each sighting with its other end; what sees itself is no link."""
    whom = neighbour_identity.resolve(seen, directory)
    books = {
        name: port_words.PortBook(devices[name].ports)
        for name in {who.name for who in whom.values() if who.managed}
    }
    first = [_resolved(one, who, books.get(who.name)) for one, who in whom.items()]
    return tuple(one for one in _completed(first) if one.far != one.seen.at)


def _resolved(
    one: Seen,
    who: neighbour_identity.Who,
    book: port_words.PortBook | None,
) -> Heard:
    said = _said(one)
    if book is None:
        return Heard(one, (who.name, said), who.how, managed=False, sure=False)
    found = book.find(one.port_subtype, one.port_id, one.port_description)
    if found is None:
        return Heard(one, (who.name, said), f"{who.how}; no port of it", managed=True, sure=False)
    # A port that is away may be called otherwise by now: what it hears itself knows better.
    sure = book.is_present(found.port)
    how = f"{who.how}; port by {found.how}"
    return Heard(one, (who.name, found.port), how, managed=True, sure=sure)


def _said(one: Seen) -> str:
    """The port as its device writes it, also where an agent cut it off."""
    whole = one.port_description.removesuffix(" Interface")
    return whole if one.port_id and whole.startswith(one.port_id) else one.port_id


def _completed(first: Sequence[Heard]) -> Iterable[Heard]:
    """Where a port could not be told, the other end's word about us tells it.

    What is said twice of one unknown port, by two protocols, is said once.
    """
    back: defaultdict[tuple[End, str], set[str]] = defaultdict(set)
    here: defaultdict[tuple[End, str], set[str]] = defaultdict(set)
    for one in first:
        if one.sure and not one.seen.missed:
            back[one.far, one.seen.at[0]].add(one.seen.at[1])
        here[one.seen.at, one.far[0]].add(one.far[1])
    sure = {(one.seen.at, one.far[0]): one.far for one in first if one.sure}
    for one in first:
        if one.sure:
            yield one
            continue
        peer = one.far[0]
        ports = back.get((one.seen.at, peer), set[str]())
        known = sure.get((one.seen.at, peer))
        if known is not None:
            yield Heard(one.seen, known, one.how, one.managed, sure=True)
        elif len(ports) == 1:
            told = f"{one.how}, told by what it hears itself"
            yield Heard(one.seen, (peer, next(iter(ports))), told, one.managed, sure=True)
        else:
            port = max(here[one.seen.at, peer], key=_fullness)
            yield Heard(one.seen, (peer, port), one.how, one.managed, sure=False)


def _fullness(word: str) -> tuple[bool, int, str]:
    """A name before a MAC address, a long one before a short one."""
    return (neighbour_ids.mac_of_text(word) is None, len(word), word)


class _Judge:
    """How much a link is worth, by all that was heard anywhere."""

    def __init__(self, heard: Sequence[Heard], devices: Mapping[str, Known]) -> None:
        self._devices = devices
        self._fresh: defaultdict[End, set[End]] = defaultdict(set)
        for one in heard:
            if not one.seen.missed:
                self._fresh[one.seen.at].add(one.far)

    def view(
        self, ends: Pair, file: Declared | None, witnesses: Sequence[Heard]
    ) -> LinkView | None:
        """The link; None when it is over: what was heard of it last is contradicted since."""
        fresh = [one for one in witnesses if not one.seen.missed]
        elsewhere = self._elsewhere(ends)
        if file is None and not fresh and elsewhere:
            return None
        confidence, reason = self._worth(ends, file, witnesses, fresh, elsewhere)
        (a_device, a_port), (z_device, z_port) = ends
        since = [one.seen.since or one.seen.when for one in witnesses]
        seen = [one.seen.when for one in witnesses]
        declared = [file.since] if file is not None else []
        return LinkView(
            a_device,
            a_port,
            z_device,
            z_port,
            _evidence(file, witnesses),
            max([*seen, *declared]),
            confidence=confidence,
            reason=reason,
            since=min([*since, *declared]),
            witnesses=tuple(_witness(one) for one in witnesses),
            neighbour=_neighbour(witnesses),
            declared=file is not None,
            stranger=strangers.told([one.seen for one in witnesses if not one.managed]),
        )

    def _elsewhere(self, ends: Pair) -> str:
        """Which end hears somebody else where the link should be, and not the other end."""
        for near, far in (ends, ends[::-1]):
            others = self._fresh.get(near, set()) - {far}
            if others and far not in self._fresh[near]:
                return f"{':'.join(near)} hears {_text(min(others))} instead"
        return ""

    def _worth(
        self,
        ends: Pair,
        file: Declared | None,
        witnesses: Sequence[Heard],
        fresh: Sequence[Heard],
        elsewhere: str,
    ) -> tuple[Confidence, str]:
        """How sure it is, and why not more."""
        silent = self._silent(fresh)
        if silent:
            return Confidence.STALE, silent
        if len({one.seen.at for one in fresh}) > 1:
            return Confidence.AGREED, ""
        if elsewhere:
            return Confidence.CONTRADICTORY, elsewhere
        if fresh:
            return self._one_sided(ends, witnesses, fresh[0])
        if witnesses:
            until = max(one.seen.when for one in witnesses)
            who = ", ".join(sorted({":".join(one.seen.at) for one in witnesses}))
            return Confidence.STALE, f"not heard any more by {who}, last {_moment(until)}"
        return Confidence.DECLARED, "" if file is None else "no device says so"

    def _silent(self, fresh: Sequence[Heard]) -> str:
        """Why nobody can say today what was heard last: all who heard it do not answer."""
        devices = {one.seen.at[0]: self._devices.get(one.seen.at[0]) for one in fresh}
        since = {name: one.silent for name, one in devices.items() if one is not None}
        told = [f"{name} does not answer since {_moment(at)}" for name, at in since.items() if at]
        if not fresh or len(told) < len(devices):
            return ""
        return f"{', '.join(sorted(told))}; heard last {_moment(max(o.seen.when for o in fresh))}"

    def _one_sided(
        self, ends: Pair, witnesses: Sequence[Heard], fresh: Heard
    ) -> tuple[Confidence, str]:
        far = fresh.far
        silent = ends[0] if ends[1] == fresh.seen.at else ends[1]
        if not fresh.managed:
            return Confidence.ONE_SIDED, f"the neighbour is nobody we know: {fresh.how}"
        if not fresh.sure:
            return Confidence.ONE_SIDED, f"{far[0]} has no port {far[1]!r}"
        missed = [one.seen.when for one in witnesses if one.seen.missed]
        if missed:
            return Confidence.ONE_SIDED, f"{':'.join(silent)} heard it last {_moment(max(missed))}"
        other = self._devices.get(far[0])
        reads = other is not None and other.reads
        never = f"{far[0]} tells no neighbours"
        return Confidence.ONE_SIDED, f"{':'.join(silent)} does not hear it" if reads else never


def _evidence(file: Declared | None, witnesses: Sequence[Heard]) -> str:
    """What the link stands on, in words."""
    reasons = [f"declared by {file.source}"] if file is not None else []
    by: defaultdict[str, set[End]] = defaultdict(set)
    for one in witnesses:
        if not one.seen.missed:
            by[one.seen.protocol].add(one.seen.at)
    both = " and ".join(sorted(by, reverse=True))
    ends = sorted({end for several in by.values() for end in several})
    if len(ends) > 1:
        reasons.append(f"{both}, both ends agree")
    elif ends:
        reasons.append(f"{both}, one-sided: only {':'.join(ends[0])} sees it")
    elif witnesses:
        reasons.append("not heard any more")
    return "; ".join(reasons)


def _neighbour(witnesses: Sequence[Heard]) -> str:
    """What an end that is not managed calls itself, and its chassis id as people write it."""
    strange = [one for one in witnesses if not one.managed]
    if not strange:
        return ""
    names = filter(None, (one.seen.system_name for one in strange))
    chassis = neighbour_ids.chassis_text(strange[0].far[0])
    name = next(names, "")
    return f"{name} ({chassis})" if name not in {"", chassis} else chassis


def _witness(one: Heard) -> WitnessView:
    seen = one.seen
    return WitnessView(
        device=seen.at[0],
        port=seen.at[1],
        protocol=seen.protocol,
        chassis=neighbour_ids.chassis_text(seen.chassis),
        port_id=seen.port_id,
        system_name=seen.system_name,
        how=one.how,
        last_heard=seen.when,
        missed=seen.missed,
    )


def is_device(name: str) -> bool:
    """Is an end of a link at a device of ours? Else it is at a neighbour, known by its chassis id."""
    return ":" not in name


def _text(end: End) -> str:
    if is_device(end[0]):
        return ":".join(end)
    return f"{neighbour_ids.chassis_text(end[0])} {end[1]}".strip()


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
