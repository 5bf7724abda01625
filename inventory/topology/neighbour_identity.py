"""Decides which device a neighbour is, or that nobody knows it. Pure.

A chassis id is proof, a name is not: it is believed only where no chassis id says otherwise. Two
devices with one identity are neither of them. A neighbour that is not managed is a node of its own,
known by its chassis id, so that it becomes the device when that is onboarded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from inventory.facts import neighbour_ids, port_words

End: TypeAlias = tuple[str, str]
"""(device, port)"""


_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What was said on one port: chassis and port id as ``neighbour_ids`` writes them.

    ``when`` it was last heard; ``missed`` when the device's last reading did not have it any more.
    """

    at: End
    chassis: str
    port_id: str
    port_description: str
    system_name: str
    when: datetime
    port_subtype: int = neighbour_ids.PORT_NAME
    address: str = ""
    missed: bool = False
    since: datetime | None = None
    description: str = ""
    model: str = ""
    capabilities: str = ""

    @property
    def protocol(self) -> str:
        """Who said it: LLDP or CDP."""
        return "CDP" if self.chassis.startswith(f"{neighbour_ids.CDP}:") else "LLDP"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device that may be somebody's neighbour.

    ``called`` is what it calls itself in LLDP and CDP, ``bundles`` the aggregate of each member
    port. ``reads`` is False while nobody could read its neighbours, ``silent`` since when it does
    not answer.
    """

    device: str
    chassis: str | None
    ports: tuple[port_words.Port, ...] = ()
    called: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    bundles: Mapping[str, str] = field(default_factory=dict[str, str])
    reads: bool = True
    silent: datetime | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """A device and by what it was recognised; or an unmanaged node, by its chassis id."""

    name: str
    how: str
    managed: bool


class Directory:
    """Every device, by all that tells it apart."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._chassis: defaultdict[str, set[str]] = defaultdict(set)
        self._macs: defaultdict[str, set[str]] = defaultdict(set)
        self._addresses: defaultdict[str, set[str]] = defaultdict(set)
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._proven: set[str] = set()
        for device in known:
            self._add(device)

    def _add(self, known: Known) -> None:
        name = known.device
        if known.chassis is not None:
            self._chassis[known.chassis].add(name)
            self._proven.add(name)
        for port in known.ports:
            if port.mac is not None:
                self._macs[port.mac].add(name)
        for address in known.addresses:
            self._addresses[address].add(name)
        for called in (name, *known.called):
            self._names[called.casefold()].add(name)

    @property
    def clones(self) -> Mapping[str, frozenset[str]]:
        """Chassis ids that several devices have, with those devices."""
        return {one: frozenset(names) for one, names in self._chassis.items() if len(names) > 1}

    def device(self, seen: Seen) -> Who | None:
        """The one managed device that was seen; None when it is none, or may be several."""
        if seen.chassis in self._chassis:
            return _one(self._chassis[seen.chassis], "chassis id")
        mac = neighbour_ids.chassis_mac(seen.chassis)
        address = neighbour_ids.chassis_address(seen.chassis) or ""
        return (
            _one(self._macs.get(mac or "", ()), "a port's MAC address as chassis id")
            or _one(self._addresses.get(address, ()), "address as chassis id")
            or self._by_name(seen, proof=mac or address)
        )

    def like(self, seen: Seen) -> frozenset[str]:
        """Every managed device that it may be: several, where ``device`` says none."""
        if seen.chassis in self._chassis:
            return frozenset(self._chassis[seen.chassis])
        mac = neighbour_ids.chassis_mac(seen.chassis) or ""
        address = neighbour_ids.chassis_address(seen.chassis) or ""
        proof = mac or address
        own = neighbour_ids.chassis_text(seen.chassis) if not proof else ""
        words = filter(None, (own, neighbour_ids.chassis_name(seen.chassis), seen.system_name))
        named = {name for word in words for name in self._names.get(word.casefold(), ())}
        by_number = {*self._macs.get(mac, ()), *self._addresses.get(address, ())}
        return frozenset(by_number | (named - self._proven if proof else named))

    def _by_name(self, seen: Seen, proof: str) -> Who | None:
        own = neighbour_ids.chassis_text(seen.chassis) if not proof else ""
        itself = _one(self._names.get(own.casefold(), ()), "the id it has in CDP or LLDP")
        if itself is not None:
            return itself
        words = (neighbour_ids.chassis_name(seen.chassis), seen.system_name)
        for word in filter(None, words):
            found = _one(self._names.get(word.casefold(), ()), "name")
            # A MAC or an address that is not the device's says that it is another of this name.
            if found is not None and not (proof and found.name in self._proven):
                return found
        return None


def _one(names: Iterable[str], how: str) -> Who | None:
    several = tuple(names)
    return Who(several[0], how, managed=True) if len(several) == 1 else None


def resolve(seen: Sequence[Seen], directory: Directory) -> Mapping[Seen, Who]:
    """Who each sighting is of; what two protocols say of one box makes one node."""
    nodes = _Nodes(seen)
    devices: defaultdict[str, dict[str, Who]] = defaultdict(dict)
    for one in seen:
        found = directory.device(one)
        if found is not None:
            devices[nodes.of(one)].setdefault(found.name, found)
    return {one: _who(one, nodes.of(one), devices, directory) for one in seen}


def _who(
    one: Seen, node: str, devices: Mapping[str, Mapping[str, Who]], directory: Directory
) -> Who:
    own = directory.device(one)
    if own is not None:
        return own
    several = tuple(devices.get(node, {}).values())
    if len(several) == 1:
        return Who(several[0].name, f"the same box by both protocols ({several[0].how})", True)
    clones = directory.clones.get(one.chassis, frozenset[str]())
    how = f"{' and '.join(sorted(clones))} have its chassis id" if clones else "not managed"
    return Who(node, how, managed=False)


class _Nodes:
    """Which sightings are of one box though it has several ids; each group by its first id.

    Two ids on one port with one name are one box. A name that ends in a serial number joins what is
    seen on several ports as well; any other name may be a maker's default and joins nothing else.
    """

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._parent: dict[str, str] = {}
        self._here: dict[tuple[End, str], str] = {}
        ports: defaultdict[End, list[Seen]] = defaultdict(list)
        for one in seen:
            ports[one.at].append(one)
        for together in ports.values():
            self._join(sorted(together, key=_rank))

    def _join(self, together: Sequence[Seen]) -> None:
        named: defaultdict[str, list[Seen]] = defaultdict(list)
        for one in together:
            for name in _names(one):
                named[name].append(one)
        for several in named.values():
            first = several[0].chassis
            for one in several if _may_be_one(several) else ():
                if one.chassis != first and not _is_number(one.chassis):
                    self._same(first, one)

    def _same(self, first: str, second: Seen) -> None:
        if neighbour_ids.has_serial(second.chassis):
            self._unite(first, second.chassis)
        else:
            self._here.setdefault((second.at, second.chassis), first)

    def _unite(self, one: str, two: str) -> None:
        low, high = sorted((self._root(one), self._root(two)), key=_identity_rank)
        if low != high:
            self._parent[high] = low

    def _root(self, chassis: str) -> str:
        while (parent := self._parent.get(chassis)) is not None:
            self._parent[chassis] = self._parent.get(parent, parent)
            chassis = parent
        return chassis

    def of(self, one: Seen) -> str:
        """The chassis id that stands for the box."""
        return self._root(self._here.get((one.at, one.chassis), one.chassis))


def _may_be_one(several: Sequence[Seen]) -> bool:
    """Two numbers, serial numbers or names of their own under one system name are two boxes."""
    ids = {one.chassis for one in several}
    texts = {one for one in ids if not _is_number(one)}
    serials = {neighbour_ids.chassis_text(one) for one in texts if neighbour_ids.has_serial(one)}
    names = {neighbour_ids.chassis_name(one).casefold() for one in texts}
    return all(len(kind) < _TWO for kind in (ids - texts, serials, names))


def _is_number(chassis: str) -> bool:
    return not neighbour_ids.chassis_name(chassis)


def _rank(one: Seen) -> tuple[int, str, str]:
    return (*_identity_rank(one.chassis), one.port_id)


def _identity_rank(chassis: str) -> tuple[int, str]:
    """MAC addresses first: they are what a box is onboarded by."""
    return (0 if _is_number(chassis) else 1, chassis)


def _names(one: Seen) -> frozenset[str]:
    words = (one.system_name, neighbour_ids.chassis_name(one.chassis))
    return frozenset(neighbour_ids.without_serial(word).casefold() for word in words if word)
