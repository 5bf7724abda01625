"""Configuration trees with typed slots, and what trees need to know of a platform's schema.

Schema paths are the names of nodes joined by ``/`` (``services/eline``), without keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from pydantic.dataclasses import dataclass

from device_models.model.written import STRICT


class SlotType(StrEnum):
    """The grammars a value may have to follow before it can reach a device."""

    NAME = "name"
    """a letter or digit, then up to 62 of letters, digits, ``_``, ``.``, ``-``"""
    DESCRIPTION = "description"
    """printable text of at most 255 characters, no ``%``"""
    UINT = "uint"
    """a decimal number without sign or leading zeros, within the slot's bounds"""
    IFNAME = "ifname"
    """an interface name: a letter, then letters, digits and ``/ . : _ -``, at most 63"""
    ADDRESS = "address"
    """an IPv4 or IPv6 address without scope, rendered from ``ipaddress``"""
    INTERFACE = "interface"
    """an address with its prefix length, ``172.16.1.1/24``, in canonical form"""
    PREFIX = "prefix"
    """a prefix, ``172.16.1.0/24``, in canonical form"""
    COMMUNITY = "community"
    """a BGP community, ``65000:100`` (RFC 1997)"""
    ROUTE = "route"
    """a route distinguisher or target, ``65000:100``, ``192.0.2.1:100`` (RFC 4364 4.2, RFC 4360 4)"""


@dataclass(frozen=True, slots=True, config=STRICT)
class Slot:
    """One typed hole. ``minimum`` and ``maximum`` bound a uint; an optional slot may stay empty."""

    type: SlotType
    minimum: int = 0
    maximum: int = 2**32 - 1
    optional: bool = False


@dataclass(frozen=True, slots=True, config=STRICT)
class Word:
    """A constant (``text``) or the value of a slot (``slot``)."""

    text: str | None = None
    slot: str | None = None

    def __post_init__(self) -> None:
        """Refuse a word that is both or neither."""
        if (self.text is None) == (self.slot is None):
            raise ValueError("a word has either `text` or `slot`")


@dataclass(frozen=True, slots=True, config=STRICT)
class Node:
    """A node of a template: a leaf has ``value``, a list entry ``keys``, a container neither.

    A leaf whose optional slot is empty is left out.
    """

    name: str
    keys: Mapping[str, Word] = field(default_factory=dict[str, Word])
    value: Word | None = None
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, config=STRICT)
class Line:
    """A node of a command-line template: its words are joined by one blank.

    ``line`` is one that a service owns, with all below it; ``section`` a container that nobody owns
    (``router bgp 65000``). One whose optional slot is empty is left out, with all below it. Write a
    line as the device shows it in its running configuration: that is how it is recognised again.
    """

    line: tuple[Word, ...] = ()
    section: tuple[Word, ...] = ()
    children: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a node that is both or neither."""
        if bool(self.line) == bool(self.section):
            raise ValueError("a command-line node has either `line` or `section`")

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of either."""
        return self.line or self.section


@dataclass(frozen=True, slots=True, config=STRICT)
class Template:
    """Configuration trees with typed slots: what a resource intent becomes on this platform.

    ``tree`` is for a store of keyed nodes (NETCONF), ``stores`` for command-line stores, by name.
    A store that is not mentioned takes no part.
    """

    slots: Mapping[str, Slot]
    tree: tuple[Node, ...] = ()
    stores: Mapping[str, tuple[Line, ...]] = field(default_factory=dict[str, tuple[Line, ...]])


@dataclass(frozen=True, slots=True, config=STRICT)
class Schema:
    """The part of the platform's configuration that we write, as far as trees need to know it.

    ``namespaces`` gives each top node its XML namespace (its descendants share it), ``lists`` the
    keys of each list, ``containers`` the non-presence containers (RFC 7950 7.5.1: an empty one
    means the same as none). ``shared`` are nodes that several services may own alike (a rate
    profile), with all below them. ``volatile`` are paths that change by themselves and stay out of
    snapshots; ``*`` stands for any one name.
    """

    namespaces: Mapping[str, str] = field(default_factory=dict[str, str])
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    containers: frozenset[str] = frozenset()
    ordered_by_user: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    volatile: tuple[str, ...] = ()
