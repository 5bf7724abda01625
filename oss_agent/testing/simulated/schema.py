"""Decides what configuration a simulated device knows: its schema, as a value.

A small part of YANG, enough for a lab: containers, keyed lists and typed leaves, ``mandatory``,
``unique`` and per-device ceilings. Give a device another ``Schema`` to make it another device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A string: a whole-match pattern and a length in characters, both inclusive."""

    pattern: str | None = None
    minimum: int = 0
    maximum: int = 2**31

    def read(self, value: str) -> str:
        """``value`` as it is stored; ValueError with the reason when it does not fit."""
        if not self.minimum <= len(value) <= self.maximum:
            raise ValueError(f"length {len(value)} is not {self.minimum}..{self.maximum}")
        if self.pattern is not None and re.fullmatch(self.pattern, value) is None:
            raise ValueError(f"does not match {self.pattern}")
        return value


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A uint32 with a range; stored in canonical form (RFC 7950 9.2.2)."""

    minimum: int = 0
    maximum: int = 2**32 - 1

    def read(self, value: str) -> str:
        """``value`` as it is stored; ValueError with the reason when it does not fit."""
        if re.fullmatch(r"\s*\+?(0|[1-9][0-9]{0,9})\s*", value) is None:
            raise ValueError("is not an unsigned integer")
        if not self.minimum <= int(value) <= self.maximum:
            raise ValueError(f"is not in {self.minimum}..{self.maximum}")
        return str(int(value))


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``."""

    def read(self, value: str) -> str:
        """``value`` as it is stored; ValueError with the reason when it does not fit."""
        word = value.strip()
        if word not in {"true", "false"}:
            raise ValueError("is neither true nor false")
        return word


Type: TypeAlias = Text | Unsigned | Boolean


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf and its type."""

    type: Type
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """A non-presence container."""

    children: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class List:
    """A list; ``children`` holds the key leaves too; ``unique`` names leaves no two entries share.

    ``ordered_by_user``: the order of the entries is configuration (RFC 7950 7.7.7).
    """

    keys: tuple[str, ...]
    children: Mapping[str, Node]
    unique: tuple[str, ...] = ()
    ordered_by_user: bool = False


Node: TypeAlias = Leaf | Container | List


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A limit of one device that its YANG does not tell, enforced at commit.

    ``path`` are node names from the root to a leaf, without keys; every instance is judged.
    """

    path: tuple[str, ...]
    maximum: int
    message: str


@dataclass(frozen=True, slots=True)
class Schema:
    """One YANG module with its top-level containers."""

    module: str
    revision: str
    namespace: str
    prefix: str
    children: Mapping[str, Node] = field(default_factory=dict[str, Node])
