"""Decides which values a pool has, and how a value is written: pure arithmetic over numbers.

Claims are numbers, whatever a pool is of: of a range, the value itself; of a prefix, how many
addresses (or, with a length, prefixes) come before it. So one unique index serves all, and an IPv6
pool fits a 64-bit column.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NUMBER = re.compile(r"[0-9]{1,18}")  # fits every column: they are 64 bits wide
_ADDRESS = re.compile(r"[0-9a-f.:]{2,45}/[0-9]{1,3}")
_MOST = 2**62
"""Values of one pool at most: an IPv6 pool has more than a column can count, and than anyone needs."""
_V4 = 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """A range of whole numbers, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        """``10100 to 10199``, for people."""
        return f"{self.first} to {self.last}"

    def text(self, number: int) -> str:
        """A value as it is written."""
        return str(number)

    def number(self, text: str) -> int | None:
        """The number of a written value; None when it is not one of this pool."""
        # int() reads digits of other scripts too, the expression does not
        found = int(text) if _NUMBER.fullmatch(text) else None
        return found if found is not None and self.first <= found <= self.last else None

    def holding(self, address: Address) -> int | None:
        """None: no number is an address."""
        del address
        return None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a prefix, written with its length (``100.64.0.1/10``).

    Without those that mean something else: IPv4's network and broadcast address, IPv6's
    subnet-router anycast (RFC 4291 2.6.1).
    """

    base: Network

    @property
    def first(self) -> int:
        """Where counting begins."""
        return 1 if self.base.max_prefixlen - self.base.prefixlen > 1 else 0

    @property
    def last(self) -> int:
        """Where it ends."""
        highest = self.base.num_addresses - 1
        if self.base.version == _V4 and self.first:
            highest -= 1
        return min(highest, _MOST)

    def __str__(self) -> str:
        """``addresses of 100.64.0.0/10``, for people."""
        return f"addresses of {self.base}"

    def text(self, number: int) -> str:
        """A value as it is written."""
        return f"{self.base.network_address + number}/{self.base.prefixlen}"

    def number(self, text: str) -> int | None:
        """The number of a written value; None when it is not one of this pool."""
        found = _read(text)
        if found is None or found.network != self.base or str(found) != text:
            return None
        return self.holding(found.ip)

    def holding(self, address: Address) -> int | None:
        """The number of the value that is this address; None when none is."""
        if address not in self.base:
            return None
        number = int(address) - int(self.base.network_address)
        return number if self.first <= number <= self.last else None


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The prefixes of one length within a prefix (``203.0.113.0/30``)."""

    base: Network
    length: int

    @property
    def first(self) -> int:
        """Where counting begins."""
        return 0

    @property
    def last(self) -> int:
        """Where it ends."""
        return min((1 << (self.length - self.base.prefixlen)) - 1, _MOST)

    @property
    def _size(self) -> int:
        return 1 << (self.base.max_prefixlen - self.length)

    def __str__(self) -> str:
        """``/30 of 203.0.113.0/24``, for people."""
        return f"/{self.length} of {self.base}"

    def text(self, number: int) -> str:
        """A value as it is written."""
        return f"{self.base.network_address + number * self._size}/{self.length}"

    def number(self, text: str) -> int | None:
        """The number of a written value; None when it is not one of this pool."""
        found = _read(text)
        if found is None or found.network.prefixlen != self.length or str(found.network) != text:
            return None
        return self.holding(found.ip)

    def holding(self, address: Address) -> int | None:
        """The number of the value in which this address lies; None when none has it."""
        if address not in self.base:
            return None
        number = (int(address) - int(self.base.network_address)) // self._size
        return number if number <= self.last else None


Values: TypeAlias = Numbers | Addresses | Prefixes


def of(first: int, last: int, prefix: str | None, length: int | None) -> Values:
    """The values of a pool by its row. ValueError when it has none."""
    if prefix is None:
        if not 0 <= first <= last:
            raise ValueError(f"first {first} to last {last} is no range")
        return Numbers(first, last)
    base = ipaddress.ip_network(prefix)
    if length is None:
        return Addresses(base)
    if not base.prefixlen <= length <= base.max_prefixlen:
        raise ValueError(f"{base} has no prefixes of length {length}")
    return Prefixes(base, length)


def _read(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    if not _ADDRESS.fullmatch(text):
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None
