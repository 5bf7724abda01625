"""Decides what a person is told of ports that are gone, renamed, or may be others. Pure.

Ports that may have moved are told card by card: by the topmost part of the box in which their old and new
places differ, where ENTITY-MIB tells them; else all of a look together. Who moved a card of 48 ports
decides once, not 48 times. Of a case less may be so later: it says what is left, and stays the case that was
decided about.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeAlias

from inventory.looks.interface_identity import Port
from inventory.rows import cases

RENAMED, MISSING, MOVED = "port-renamed", "port-missing", "port-moved"
KINDS: Final = (RENAMED, MISSING, MOVED)
MOST: Final = 512
"""Ports of one case: a box that renames all of its ports at each look writes no evidence of megabytes."""
_NAMED: Final = 8
"""Ports in the words of a case; its evidence has all."""
_GONE, _NEXT = " is gone, and ", ";\n"
_Card: TypeAlias = tuple[str, str]
_UNTOLD: Final[_Card] = ("", "")


@dataclass(frozen=True, slots=True)
class Moved:
    """A port that is gone, and the new one that has its MAC address."""

    known: Port
    seen: Port

    @property
    def card(self) -> _Card:
        """The topmost part of the box that is in another place: where it was, and where it is."""
        was, now = self.known.place, self.seen.place
        if not was or not now or was == now:
            return _UNTOLD
        before, after = was.split("."), now.split(".")
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
        down_to = len(list(alike)) + 1
        return ".".join(before[:down_to]), ".".join(after[:down_to])

    @property
    def line(self) -> str:
        """What was seen of it."""
        return f"{self.known.name}{_GONE}{card(self.seen.name, self.seen.mac)}"


def card(name: str, mac: str | None) -> str:
    """A port with its address; no name that was read has a line's end in it."""
    return f"{name} has MAC address {mac}"


def moved(device: str, pairs: Iterable[Moved]) -> Iterator[cases.Case]:
    """What one look doubts: a case for each card, of a single port as of a port."""
    for cause, of_card in _by_cause(sorted(pairs, key=lambda one: one.known.name)).items():
        for first in range(0, len(of_card), MOST):
            yield _moved(device, of_card[first : first + MOST], cause)


def still_moved(
    case: cases.Case, names: frozenset[str], there: frozenset[str]
) -> cases.Case | None:
    """The case with what is left of it in its words, None when nothing is; its evidence stays what was seen.

    ``names`` are those of the ports that are seen, ``there`` the same with their addresses (``card``).
    """
    lines = _lines(case)
    left = [line for line in lines if _stands(line, names, there)]
    if not left:
        return None
    return case if len(lines) == 1 else dataclasses.replace(case, text=_told(left, len(lines)))


def renamed(device: str, before: str, now: str, proof: str) -> cases.Case:
    """What hung on the port moved along."""
    return cases.Case(
        device=device,
        subject=f"{device}:{now}",
        kind=RENAMED,
        evidence=f"{before} is now {now}: {proof}",
        text=f"port {before} of {device} is now called {now} ({proof}); what hung on it moved along",
        cause="renamed on the device, or by an upgrade of it",
        action="accept the case, and mend the topology file and the configuration that name it",
    )


def in_the_way(device: str, before: str, now: str, proof: str) -> cases.Case:
    """Its new name is held by another service: nothing moved."""
    return cases.Case(
        device=device,
        subject=f"{device}:{now}",
        kind=RENAMED,
        evidence=f"{before} is now {now}, which was held: {proof}",
        text=f"port {before} of {device} is now called {now} ({proof}), and both names have a service: "
        "nothing moved along",
        cause="a service was ordered on the new name before any port was seen under it",
        action="end one of the two services, or move it to another port",
    )


def missing(device: str, name: str) -> cases.Case:
    """A port that a service stands on is not there."""
    return cases.Case(
        device=device,
        subject=f"{device}:{name}",
        kind=MISSING,
        evidence=name,
        text=f"{device} does not show port {name} any more, and a service stands on it",
        cause="a card or an interface was taken out, or the port was renamed beyond recognition",
        action="put it back, or move the service to another port",
    )


def _by_cause(pairs: Sequence[Moved]) -> Mapping[str, list[str]]:
    """What was seen by what probably moved.

    Parts that were numbered anew and have one port each, as the optics of a card, are one story, too.
    """
    ports = Counter(one.card for one in pairs)
    alone = Counter(_whole(one.card) for one in pairs if ports[one.card] == 1)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for one in pairs:
        whole = _whole(one.card)
        several = whole is not None and ports[one.card] == 1 and alone[whole] > 1
        found[_renumbered(whole) if several else _why(*one.card)].append(one.line)
    return found


def _whole(of: _Card) -> str | None:
    """What a moved part is, or was, a part of; None where no place is told."""
    return None if of == _UNTOLD else of[0].rpartition(".")[0]


def _why(was: str, now: str) -> str:
    what = f"the card of {was} is now in {now}" if was else "a card was moved to another slot"
    return f"{what}, or the port was renamed; nothing else proves it"


def _renumbered(whole: str | None) -> str:
    return f"parts of {whole or 'the box'} changed places, or the ports were renamed; nothing else proves it"


def _moved(device: str, lines: Sequence[str], cause: str) -> cases.Case:
    told = _one(device, lines[0]) if len(lines) == 1 else _several(device, lines)
    return dataclasses.replace(told, cause=cause)


def _one(device: str, line: str) -> cases.Case:
    before, _, there = line.partition(_GONE)
    name, _, mac = there.rpartition(" has MAC address ")
    return cases.Case(
        device=device,
        subject=f"{device}:{before}",
        kind=MOVED,
        evidence=there,
        text=f"{before} is gone, and the new port {name} has its MAC address {mac}",
        action="what hung on the old port stays there: order its move if it is the same one",
    )


def _several(device: str, lines: Sequence[str]) -> cases.Case:
    return cases.Case(
        device=device,
        subject=device,
        kind=MOVED,
        evidence=_NEXT.join(lines),
        text=_told(lines, len(lines)),
        action="what hung on the old ports stays there: order its move if they are the same ones; "
        "one decision is about all of them",
    )


def _told(left: Sequence[str], of: int) -> str:
    names = ", ".join(map(_exchange, left[:_NAMED]))
    rest = f" and {len(left) - _NAMED} more, all in its evidence" if len(left) > _NAMED else ""
    gone = (
        f"{of} ports are gone" if len(left) == of else f"{len(left)} of {of} ports are gone still"
    )
    return f"{gone}, and new ones have their MAC addresses: {names}{rest}"


def _exchange(line: str) -> str:
    before, _, there = line.partition(_GONE)
    return f"{before} (now {there.rpartition(' has MAC address ')[0]})"


def _lines(case: cases.Case) -> list[str]:
    if case.subject == case.device:
        return case.evidence.split(_NEXT)
    return [f"{case.subject.removeprefix(f'{case.device}:')}{_GONE}{case.evidence}"]


def _stands(line: str, names: frozenset[str], there: frozenset[str]) -> bool:
    before, _, now = line.partition(_GONE)
    return before not in names and now in there
