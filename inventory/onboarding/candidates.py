"""Decides which neighbours an operator may take in: nobody of ours, heard now, with an address of their own.

Whoever is on the wire announces what it likes, another's address too. So nothing here asks anybody; who
announces an address that is held or announced by others is told with the reason and left out of what is asked.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from inventory.facts import announced_addresses
from inventory.onboarding import scout_targets
from inventory.rows import history, tables
from inventory.topology import link_rows, strangers
from inventory.topology.topology import Heard
from oss_agent import errors
from oss_agent.spi.detection import Detector
from oss_agent.spi.scouting import Candidate, Scouted
from oss_agent.spi.views import StrangerView

_CHUNK: Final = 500
_NOBODY: Final = StrangerView("", "")
_NO_ADDRESS: Final = "it announces no address that can be asked"


def find(connection: sa.Connection, tenant: str) -> tuple[Candidate, ...]:
    """Every neighbour that is nobody of ours and is heard now; those that can be asked first.

    By their own words only (``recognised``): thousands that are not shown need not be detected.
    """
    drawn = link_rows.picture(connection, tenant)
    boxes = _boxes([one for one in drawn.heard if not one.managed and not one.seen.missed])
    announcing = _announcing(boxes)
    held = _held(connection, tenant, announcing)
    found: list[Candidate] = []
    for box in boxes:
        may_be = {name for one in box for name in drawn.doubtful.get(one.seen.at, ())}
        it = strangers.told([one.seen for one in box]) or _NOBODY
        found.append(_candidate(box, it, held, announcing, may_be))
    return tuple(sorted(found, key=lambda one: (bool(one.reason), one.addresses, one.it.chassis)))


def recognised(some: Sequence[Candidate], detect: Detector) -> tuple[Candidate, ...]:
    """The same with what each seems to be."""
    known: strangers.Recognised = {}
    return tuple(
        dataclasses.replace(one, it=strangers.named(one.it, detect, known)) for one in some
    )


def descriptions(
    connection: sa.Connection, tenant: str, addresses: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    """How who announces one of these addresses describes itself now, by address."""
    c = tables.neighbours.c
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    query = sa.select(c.address, c.description).where(
        history.current(tables.neighbours),
        c.tenant == tenant,
        c.heard_until.is_(None),
        c.description != "",
    )
    for some in _chunks(addresses):
        rows = connection.execute(query.where(c.address.in_(some)).order_by(c.description))
        for address, description in rows:
            found[address][description] = None
    return {address: tuple(texts) for address, texts in found.items()}


def within(
    candidates: Sequence[Candidate], targets: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, Scouted]]:
    """Addresses to ask of those that lie in ``targets``, one a neighbour, and who is left out.

    OrderRejected where there is none, or too many.
    """
    ranges = scout_targets.ranges(targets)
    asked: list[str] = []
    left: dict[str, Scouted] = {}
    for one in candidates:
        address = next(filter(ranges, one.addresses), None)
        if address is None:
            continue
        if one.reason:
            outcome = "known" if one.device else "left out"
            left[address] = Scouted(address, outcome, one.device, reason=one.reason)
        else:
            asked.append(address)
    if len(asked) > scout_targets.MOST:
        raise errors.OrderRejected(
            f"{len(asked)} neighbours announce an address there: ask for fewer at once, at most "
            f"{scout_targets.MOST}",
            field="targets",
        )
    if not asked and not left:
        raise errors.OrderRejected(
            "no neighbour that is nobody of ours announces an address there", field="targets"
        )
    return tuple(asked), left


def _boxes(heard: Iterable[Heard]) -> list[list[Heard]]:
    """The sightings by box: of one node, or of one name and one announced address."""
    boxes: dict[str, list[Heard]] = {}
    alike: dict[tuple[str, str], str] = {}
    for one in heard:
        key = (one.seen.system_name, one.seen.address)
        node = alike.setdefault(key, one.far[0]) if all(key) else one.far[0]
        boxes.setdefault(node, []).append(one)
    return list(boxes.values())


def _addresses(box: Sequence[Heard]) -> tuple[str, ...]:
    """The best first. Looked at again: a row may be older than what is refused today."""
    told = {announced_addresses.of_text(one.seen.address) for one in box} - {""}
    best = announced_addresses.best(told)
    return (best, *sorted(told - {best})) if told else ()


def _announcing(boxes: Sequence[Sequence[Heard]]) -> Mapping[str, frozenset[str]]:
    """By address, who announces it: names or chassis ids."""
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset[str])
    for box in boxes:
        it = strangers.told([one.seen for one in box]) or _NOBODY
        for address in _addresses(box):
            found[address] |= {f"{it.name} ({it.chassis})" if it.name else it.chassis}
    return found


def _held(
    connection: sa.Connection, tenant: str, addresses: Iterable[str]
) -> Mapping[str, tuple[str, str]]:
    """By address the device that has it, and where; of another tenant's no name is told."""
    d, a = tables.devices, tables.addresses
    found: dict[str, tuple[str, str]] = {}
    for some in _chunks(sorted(addresses)):
        ports = sa.select(a.c.address, a.c.device, a.c.interface).where(
            history.current(a), a.c.tenant == tenant, a.c.address.in_(some)
        )
        for address, device, port in connection.execute(ports.order_by(a.c.device)):
            found.setdefault(address, (device, f"it is the address of {device}:{port}"))
        places = sa.select(d.c.address, d.c.name, d.c.tenant).where(
            history.current(d), d.c.address.in_(some)
        )
        for address, device, whose in connection.execute(places):
            ours = whose == tenant
            word = (
                f"{device} is at its address" if ours else "another tenant's device has its address"
            )
            found[address] = (device if ours else "", word)
    return found


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(values), _CHUNK):
        yield values[begin : begin + _CHUNK]


def _candidate(
    box: Sequence[Heard],
    it: StrangerView,
    held: Mapping[str, tuple[str, str]],
    announcing: Mapping[str, frozenset[str]],
    may_be: set[str],
) -> Candidate:
    addresses = _addresses(box)
    holder = next((held[one] for one in addresses if one in held), ("", ""))
    others = sorted(set(itertools.chain.from_iterable(announcing[one] for one in addresses)))
    reasons = [
        "" if addresses else _NO_ADDRESS,
        holder[1],
        f"it may be {' or '.join(sorted(may_be))}, which are ours" if may_be else "",
        f"{' and '.join(others)} announce its address" if len(others) > 1 else "",
    ]
    return Candidate(
        it,
        addresses,
        tuple(sorted({":".join(one.seen.at) for one in box})),
        max(one.seen.when for one in box),
        holder[0],
        "; ".join(filter(None, reasons)),
    )
