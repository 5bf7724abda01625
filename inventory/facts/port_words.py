"""Decides which of a device's ports a neighbour means by a word. Pure.

One port is ``GigabitEthernet0/1`` to its maker, ``Gi0/1`` to its operator, 10101 to SNMP and a MAC
address to LLDP. A word that fits two ports means none of them: a link is never guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inventory.facts import neighbour_ids

_WRITTEN: Final = re.compile(r"(?P<kind>[A-Za-z][A-Za-z-]*)(?P<place>\d.*)")
_DEFAULT_DESCRIPTION: Final = " Interface"
"""What some makers write behind the name where an operator described nothing."""
_SHORTEST: Final = 2
_BY_NUMBER: Final = frozenset({neighbour_ids.PORT_LOCAL, neighbour_ids.PORT_COMPONENT})
_EMPTY: Final = frozenset({"", "-"})


@dataclass(frozen=True, slots=True)
class Port:
    """What a device's port is called: ``lldp_id`` (``<subtype>:<text>``) is its own word in LLDP.

    ``long_name`` is ifDescr, ``alias`` what an operator wrote (ifAlias). Not ``present``: the last look
    did not have it.
    """

    name: str
    index: int | None = None
    mac: str | None = None
    long_name: str = ""
    alias: str = ""
    lldp_id: str | None = None
    addresses: tuple[str, ...] = ()
    present: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The port's name and by which of its words it was found."""

    port: str
    how: str


class PortBook:
    """The ports of one device, by all that they are called."""

    def __init__(self, ports: Iterable[Port]) -> None:
        kept = tuple(ports)
        self._announced = _index(kept, lambda port: [port.lldp_id or ""])
        self._names = _index(kept, lambda port: [_flat(port.name)])
        self._long = _index(kept, lambda port: [_flat(port.long_name)])
        self._macs = _index(kept, lambda port: [port.mac or ""])
        self._numbers = _index(kept, lambda port: [str(port.index)])
        self._aliases = _index(kept, lambda port: [_flat(port.alias)])
        self._addresses = _index(kept, lambda port: port.addresses)
        self._kinds = _by_place(kept)
        self._present = frozenset(port.name for port in kept if port.present)

    def is_present(self, port: str) -> bool:
        """Did the last look have the port of this name?"""
        return port in self._present

    def find(self, subtype: int, word: str, description: str = "") -> Found | None:
        """The one port meant by a port id, else by the description beside it."""
        announced = _only(self._announced, f"{subtype}:{word}", "its own LLDP port id")
        if announced is not None:
            return announced
        by_word = self._named(word) or self._numbered(subtype, word)
        return by_word or self._described(description)

    def _named(self, word: str) -> Found | None:
        flat = _flat(word)
        return (
            _only(self._names, flat, "name")
            or _only(self._long, flat, "long name")
            or self._abbreviated(word)
        )

    def _numbered(self, subtype: int, word: str) -> Found | None:
        address = neighbour_ids.mac_of_text(word) or ""
        number = word if subtype in _BY_NUMBER and word.isdecimal() else ""
        return (
            _only(self._macs, address, "MAC address")
            or _only(self._numbers, number, "ifIndex")
            or _only(self._addresses, word, "address")
            or _only(self._aliases, _flat(word), "alias")
        )

    def _described(self, description: str) -> Found | None:
        found = self._named(description.removesuffix(_DEFAULT_DESCRIPTION)) or _only(
            self._aliases, _flat(description), "alias"
        )
        return Found(found.port, f"description ({found.how})") if found is not None else None

    def _abbreviated(self, word: str) -> Found | None:
        asked = _parts(word)
        if asked is None:
            return None
        fitting = {
            port
            for known, port in self._kinds.get(asked[1], ())
            if _abbreviates(asked[0], known) or _abbreviates(known, asked[0])
        }
        return Found(fitting.pop(), "abbreviated name") if len(fitting) == 1 else None


def _index(ports: Sequence[Port], words: Callable[[Port], Sequence[str]]) -> Mapping[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for port in ports:
        for word in words(port):
            found[word].add(port.name)
    return found


def _by_place(ports: Sequence[Port]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """(kind as written, port) by place in the chassis."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for port in ports:
        for kind, place in filter(None, map(_parts, (port.name, port.long_name))):
            found[place].append((kind, port.name))
    return found


def _parts(text: str) -> tuple[str, str] | None:
    """(kind, place) of a port's name, ``GigabitEthernet 0/1`` as ("GigabitEthernet", "0/1")."""
    found = re.fullmatch(_WRITTEN, "".join(text.split()))
    return (found["kind"], found["place"].casefold()) if found is not None else None


def _abbreviates(short: str, long: str) -> bool:
    """Gi, GE and GigabitEthernet; Te, XGE and TenGigabitEthernet; Eth and Ethernet."""
    bare = long.replace("-", "")
    initials = "".join(c for c in bare if c.isupper()).casefold()
    known = {initials, re.sub("^t", "x", initials)} if len(initials) > 1 else frozenset[str]()
    low = short.replace("-", "").casefold()
    return len(low) >= _SHORTEST and (bare.casefold().startswith(low) or low in known)


def _only(index: Mapping[str, set[str]], word: str, how: str) -> Found | None:
    ports = index.get(word, ()) if word not in _EMPTY else ()
    return Found(next(iter(ports)), how) if len(ports) == 1 else None


def _flat(text: str) -> str:
    return "".join(text.split()).casefold()
