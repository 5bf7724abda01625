"""Decides what a person is told of ports that are gone, renamed, or may be others. Pure.

Ports that may have moved are told card by card (by their places, where ENTITY-MIB tells them; else all of
a look together): who moved a card of 48 ports decides once, not 48 times.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from inventory.looks.interface_identity import Port
from inventory.rows import cases

RENAMED, MISSING, MOVED = "port-renamed", "port-missing", "port-moved"
KINDS: Final = (RENAMED, MISSING, MOVED)
MOST: Final = 512
"""Ports of one case: a box that renames all of its ports at each look writes no evidence of megabytes."""
_NAMED: Final = 8
"""Ports in the words of a case; its evidence has all."""
_GONE, _NEXT = " is gone, and ", ";\n"


@dataclass(frozen=True, slots=True)
class Moved:
    """A port that is gone, and the new one that has its MAC address."""

    known: Port
    seen: Port

    @property
    def cards(self) -> tuple[str, str]:
        """Where their cards are by now and were before; two empty words where nothing tells."""
        was, now = _card_of(self.known), _card_of(self.seen)
        return (was, now) if was and now else ("", "")

    @property
    def line(self) -> str:
        """What was seen of it."""
        return f"{self.known.name}{_GONE}{card(self.seen.name, self.seen.mac)}"


def card(name: str, mac: str | None) -> str:
    """A port with its address; no name that was read has a line's end in it."""
    return f"{name} has MAC address {mac}"


def moved(device: str, pairs: Sequence[Moved]) -> Iterator[cases.Case]:
    """What one look doubts: a case for each card, of a single port as of a port."""
    ordered = sorted(pairs, key=lambda one: (one.cards, one.known.name))
    for (was, now), group in groupby(ordered, key=lambda one: one.cards):
        of_card = [one.line for one in group]
        for first in range(0, len(of_card), MOST):
            yield _moved(device, of_card[first : first + MOST], _why(was, now))


def still_moved(
    case: cases.Case, names: frozenset[str], there: frozenset[str]
) -> cases.Case | None:
    """What is left of a case, None when nothing is.

    ``names`` are those of the ports that are seen, ``there`` the same with their addresses (``card``).
    """
    lines = _lines(case)
    left = [line for line in lines if _stands(line, names, there)]
    if len(left) == len(lines):
        return case
    return _moved(case.device, left, case.cause) if left else None


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


def _card_of(port: Port) -> str:
    return (port.place or "").rpartition(".")[0]


def _why(was: str, now: str) -> str:
    what = f"the card of {was} is now in {now}" if was else "a card was moved to another slot"
    return f"{what}, or the port was renamed; nothing else proves it"


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
    names = ", ".join(map(_exchange, lines[:_NAMED]))
    rest = f" and {len(lines) - _NAMED} more, all in its evidence" if len(lines) > _NAMED else ""
    return cases.Case(
        device=device,
        subject=device,
        kind=MOVED,
        evidence=_NEXT.join(lines),
        text=f"{len(lines)} ports are gone, and new ones have their MAC addresses: {names}{rest}",
        action="what hung on the old ports stays there: order its move if they are the same ones; "
        "one decision is about all of them",
    )


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
