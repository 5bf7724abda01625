"""Decides which port of a device is which: what we had against what is seen. Pure.

A port is its name in its chassis. ifIndex, address and MAC are handles: alone they prove nothing.
Where the name changed, the port is the same one when it sits in the same place (slot and port, by
ENTITY-MIB), or when its MAC address, unique on both sides, and one more handle stayed: its ifIndex is one
where the device did not number its ports anew, as the ports that kept their names show. A name that
another port had counts less than place and MAC address together: ports may exchange names. A name that
carries its ifIndex (``naming``: the device gives two ports one name) is itself such a handle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Port:
    """A port as it was known or is seen; ``name`` is unique in its device.

    ``place`` is where it sits in its chassis (``0/1/3``), None where nothing tells.
    """

    name: str
    index: int | None = None
    mac: str | None = None
    descr: str = ""
    alias: str = ""
    place: str | None = None

    @property
    def numbered(self) -> bool:
        """Does the name carry the ifIndex, because the device's own is not unique?"""
        return self.index is not None and self.name.endswith(f"#{self.index}")

    @property
    def own_name(self) -> str:
        """The name that the device gives, unique or not."""
        return self.name.removesuffix(f"#{self.index}") if self.numbered else self.name


class Change(StrEnum):
    """What became of a port."""

    KEPT = "kept"
    REINDEXED = "reindexed"
    RENAMED = "renamed"
    NEW = "new"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Decision:
    """One port's: ``proof`` says by what. A missing port has no ``seen``, a new one no ``known``.

    ``doubt`` names the port that it may be, without proof: a person's to say. ``shared``: the MAC address
    that says so is that of other ports as well.
    """

    change: Change
    known: Port | None
    seen: Port | None
    proof: str = ""
    doubt: str = ""
    shared: bool = False


_Pair: TypeAlias = tuple[Port, Port, str]
_Key: TypeAlias = Callable[[Port], Hashable | None]


def match(
    known: Sequence[Port], seen: Sequence[Port], *, restarted: bool = True
) -> tuple[Decision, ...]:
    """Every known and every seen port in exactly one decision; no two ports become one.

    ``restarted`` is False when the device certainly did not restart in between. After a restart an
    unchanged ifIndex says something only where every port that kept its name kept its number too: on
    Linux a restarted agent finds the kernel's numbers again, and a port is renamed by such a restart.
    """
    numbered = not restarted or _as_before(known, seen)
    left = _Left(list(known), list(seen))
    pairs = [
        # A name proves little when place and address, each unique, say that another port has it now. The
        # address alone does not: two cards may have been exchanged, and their ports are their slots'.
        *left.pair(_seat(known, seen), "same place and MAC address", _named_otherwise),
        *left.pair(lambda p: None if p.numbered else p.name, "same name"),
        *left.pair(lambda p: p.place, "same place {0}"),
        *left.pair(_card(known, seen), "same MAC address {0}", _stayed(numbered=numbered)),
        *left.pair(
            lambda p: (p.own_name, p.descr, p.alias) if p.alias else None, "same description", _fit
        ),
        *left.pair(lambda p: p.name, "same name and number", _fit),
    ]
    decided = [_of_pair(*pair) for pair in pairs]
    gone = [Decision(Change.MISSING, port, None) for port in left.known]
    alone = _once(port.mac for port in known) & _once(port.mac for port in seen)
    doubts = left.doubts()
    come = [_new(port, doubts.get(port.name, ""), alone) for port in left.seen]
    return (*decided, *gone, *come)


def _new(port: Port, doubt: str, alone: Collection[Hashable]) -> Decision:
    return Decision(Change.NEW, None, port, doubt=doubt, shared=port.mac not in alone)


def _of_pair(known: Port, seen: Port, proof: str) -> Decision:
    if known.name != seen.name:
        return Decision(Change.RENAMED, known, seen, proof)
    moved = known.index is not None and known.index != seen.index
    return Decision(Change.REINDEXED if moved else Change.KEPT, known, seen, proof)


def _fit(known: Port, seen: Port) -> bool:
    """Nothing says that they are two."""
    return (known.mac is None or seen.mac is None or known.mac == seen.mac) and (
        known.place is None or seen.place is None or known.place == seen.place
    )


def _as_before(known: Iterable[Port], seen: Iterable[Port]) -> bool:
    """Has every port of the same name its number of before, and is there one?"""
    there = {port.name: port.index for port in seen if not port.numbered}
    kept = [there[p.name] == p.index for p in known if p.name in there and p.index is not None]
    return bool(kept) and all(kept)


def _stayed(*, numbered: bool) -> Callable[[Port, Port], bool]:
    """Did one more handle than the MAC address stay? ``numbered``: numbers are those of before."""

    def holds(known: Port, seen: Port) -> bool:
        # A card that was moved takes its addresses along; the port in the other slot is another.
        if not _fit(known, seen):
            return False
        return (
            (numbered and known.index is not None and known.index == seen.index)
            or bool(known.descr and known.descr == seen.descr)
            or bool(known.alias and known.alias == seen.alias)
            or known.own_name == seen.own_name
        )

    return holds


def _named_otherwise(known: Port, seen: Port) -> bool:
    return known.name != seen.name


def _seat(known: Iterable[Port], seen: Iterable[Port]) -> _Key:
    """Place and MAC address, where both are told and no other port on either side has that address."""
    alone = _once(port.mac for port in known) & _once(port.mac for port in seen)
    return lambda port: (port.place, port.mac) if port.place and port.mac in alone else None


def _card(known: Iterable[Port], seen: Iterable[Port]) -> _Key:
    """MAC addresses that one port has on either side: subinterfaces share their port's."""
    alone = _once(port.mac for port in known) & _once(port.mac for port in seen)
    return lambda port: port.mac if port.mac in alone else None


def _once(values: Iterable[Hashable | None]) -> frozenset[Hashable]:
    count = Counter(value for value in values if value is not None)
    return frozenset(value for value, times in count.items() if times == 1)


class _Left:
    """Ports that no proof has matched yet."""

    def __init__(self, known: list[Port], seen: list[Port]) -> None:
        self.known = known
        self.seen = seen

    def pair(
        self, key: _Key, proof: str, holds: Callable[[Port, Port], bool] = lambda _k, _s: True
    ) -> list[_Pair]:
        """Take out the pairs that alone share a key; several with one key are no proof."""
        alone = _once(map(key, self.known)) & _once(map(key, self.seen))
        there = {key(port): port for port in self.known if key(port) in alone}
        pairs = [
            (there[value], port, proof.format(value))
            for port in self.seen
            if (value := key(port)) in alone and holds(there[value], port)
        ]
        gone, come = {k.name for k, _, _ in pairs}, {s.name for _, s, _ in pairs}
        self.known = [port for port in self.known if port.name not in gone]
        self.seen = [port for port in self.seen if port.name not in come]
        return pairs

    def doubts(self) -> dict[str, str]:
        """By seen name, the missing port whose MAC address it has: the same one, or its card moved."""
        alone = _once(p.mac for p in self.known) & _once(p.mac for p in self.seen)
        had = {port.mac: port.name for port in self.known}
        return {port.name: had[port.mac] for port in self.seen if port.mac in alone}
