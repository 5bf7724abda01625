"""Decides which values a pool has, and how a value is written: pure arithmetic over numbers.

Claims are numbers, whatever a pool is of: of a range, the value itself; of a prefix, how many
addresses (or, with a length, prefixes) come before it. So one unique index serves all, and an IPv6
pool fits a 64-bit column. Only of a block, out of which prefixes of several lengths are given, a
value is more than one number: it begins at one and has a size.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")  # one way to write each; fits columns of 64 bits
_ADDRESS = re.compile(r"[0-9a-f.:]{2,45}/[0-9]{1,3}")
_MOST = 2**62
"""Values of one pool at most: an IPv6 pool has more than a column can count, and than anyone needs."""
_V4 = 4
_TWO_BYTES = 2**16 - 1
_FOUR_BYTES = 2**32 - 1
_DEEPEST = 62
"""Bits between a block and its smallest prefix at most: the count must fit a 64-bit column."""


class Kind(StrEnum):
    """What the numbers of a range are; it bounds them, and how they are written."""

    NUMBER = "number"
    VLAN = "vlan"
    VNI = "vni"
    AS = "as"
    RD = "rd"
    RT = "rt"


ROUTES: Final = frozenset({Kind.RD, Kind.RT})
"""Kinds that are written behind an administrator (``65000:100``)."""
EVERYWHERE: Final = frozenset({Kind.VNI, Kind.AS, Kind.RD, Kind.RT})
"""Kinds of which the same number means the same thing in the whole network; a VLAN is a port's own."""
_BOUNDS: Final = {
    Kind.NUMBER: (0, _MOST),
    Kind.VLAN: (1, 4094),
    Kind.VNI: (1, 2**24 - 1),
    Kind.AS: (1, _FOUR_BYTES - 1),
}
"""IEEE 802.1Q 9.6: 0 and 4095 are no VLAN; RFC 7348 5: 24 bits; RFC 7607, 7300: the ends are kept."""
_KEPT_AS: Final = (23_456, _TWO_BYTES)
"""AS numbers inside of the range that nobody may have: AS_TRANS (RFC 6793), the last of two bytes."""


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


@dataclass(frozen=True, slots=True)
class Routes:
    """Route distinguishers or targets of one administrator: an AS number, or an IPv4 address.

    RFC 4364 4.2, RFC 4360 4, RFC 5668: behind a two-byte AS stand four bytes, behind the others two.
    """

    administrator: str
    first: int
    last: int

    def __str__(self) -> str:
        """``65000:100 to 65000:199``, for people."""
        return f"{self.text(self.first)} to {self.text(self.last)}"

    def text(self, number: int) -> str:
        """A value as it is written."""
        return f"{self.administrator}:{number}"

    def number(self, text: str) -> int | None:
        """The number of a written value; None when it is not one of this pool."""
        administrator, _, assigned = text.rpartition(":")
        number = Numbers(self.first, self.last).number(assigned)
        same = number is not None and administrator == self.administrator
        return number if same and self.text(number or 0) == text else None

    def holding(self, address: Address) -> int | None:
        """None: no route is an address."""
        del address
        return None


@dataclass(frozen=True, slots=True)
class Blocks:
    """Prefixes of several lengths out of one block, counted in the smallest there are.

    ``length`` is given to who asks for none, ``longest`` is the smallest prefix's.
    """

    base: Network
    length: int
    longest: int

    @property
    def first(self) -> int:
        """Where counting begins."""
        return 0

    @property
    def last(self) -> int:
        """Where it ends."""
        return (1 << (self.longest - self.base.prefixlen)) - 1

    def __str__(self) -> str:
        """``/24 to /30 of 203.0.113.0/24``, for people."""
        return f"/{self.base.prefixlen} to /{self.longest} of {self.base}"

    def text(self, number: int) -> str:
        """The smallest prefix there."""
        return self.written(number, 1)

    def written(self, number: int, size: int) -> str:
        """The prefix that begins there and has that size."""
        unit = 1 << (self.base.max_prefixlen - self.longest)
        length = self.longest - (size.bit_length() - 1)
        return f"{self.base.network_address + number * unit}/{length}"

    def size(self, length: int) -> int | None:
        """How many of the smallest prefixes one of this length has; None when it has none."""
        fits = self.base.prefixlen <= length <= self.longest
        return 1 << (self.longest - length) if fits else None

    def number(self, text: str) -> int | None:
        """Where a written prefix begins; None when it is not one of this pool."""
        found = _read(text)
        if (
            found is None
            or str(found.network) != text
            or self.size(found.network.prefixlen) is None
        ):
            return None
        return self.holding(found.ip)

    def holding(self, address: Address) -> int | None:
        """The number of the smallest prefix in which this address lies; None when none has it."""
        if address not in self.base:
            return None
        unit = 1 << (self.base.max_prefixlen - self.longest)
        return (int(address) - int(self.base.network_address)) // unit


Values: TypeAlias = Numbers | Addresses | Prefixes | Routes | Blocks


@dataclass(frozen=True, slots=True)
class Form:
    """What a pool gives out, as settings and rows say it; ``of`` says whether that can be.

    A range has ``first`` and ``last`` and is of a ``kind``, behind an ``administrator`` when it is
    of routes. A ``prefix`` has addresses; with a ``length`` prefixes of it; with a ``longest`` of
    all lengths up to that.
    """

    first: int = 0
    last: int = 0
    prefix: str | None = None
    length: int | None = None
    longest: int | None = None
    kind: Kind = Kind.NUMBER
    administrator: str | None = None


def of(form: Form) -> Values:
    """The values of a pool. ValueError when it has none."""
    if form.prefix is None:
        return _range(form)
    base = ipaddress.ip_network(form.prefix)
    if form.length is None:
        return Addresses(base)
    if form.longest is not None:
        return _block(base, form.length, form.longest)
    if not base.prefixlen <= form.length <= base.max_prefixlen:
        raise ValueError(f"{base} has no prefixes of length {form.length}")
    return Prefixes(base, form.length)


def count(values: Values) -> int:
    """How many values there are, of a block how many of the smallest."""
    return values.last - values.first + 1


def _range(form: Form) -> Numbers | Routes:
    if not 0 <= form.first <= form.last:
        raise ValueError(f"first {form.first} to last {form.last} is no range")
    if form.kind in ROUTES:
        return _routes(form)
    lowest, highest = _BOUNDS[form.kind]
    if not lowest <= form.first <= form.last <= highest:
        raise ValueError(
            f"{form.first} to {form.last} is not all {form.kind}: it is {lowest} to {highest}"
        )
    kept = [one for one in _KEPT_AS if form.first <= one <= form.last]
    if form.kind is Kind.AS and kept:
        raise ValueError(
            f"AS {kept[0]} lies in it, which nobody may have: make two pools around it"
        )
    return Numbers(form.first, form.last)


def _routes(form: Form) -> Routes:
    administrator = form.administrator or ""
    most = _assigned(administrator)
    if form.last > most:
        raise ValueError(f"behind {administrator} is room for 0 to {most}, not for {form.last}")
    return Routes(administrator, form.first, form.last)


def _assigned(administrator: str) -> int:
    """The highest number behind an administrator, which RFC 4364 4.2 has three types of."""
    if _NUMBER.fullmatch(administrator):
        number = int(administrator)
        if not 1 <= number <= _FOUR_BYTES or str(number) != administrator:
            raise ValueError(f"administrator {administrator} is no AS number")
        return _FOUR_BYTES if number <= _TWO_BYTES else _TWO_BYTES
    try:
        ipaddress.IPv4Address(administrator)
    except ValueError as wrong:
        raise ValueError(
            f"administrator {administrator!r} is neither an AS number (65000) nor an IPv4 address"
        ) from wrong
    return _TWO_BYTES


def _block(base: Network, length: int, longest: int) -> Blocks:
    if not base.prefixlen <= length <= longest <= base.max_prefixlen:
        raise ValueError(f"{base} has no prefixes of length {length} to {longest}")
    if longest - base.prefixlen > _DEEPEST:
        raise ValueError(f"/{longest} of {base} are more than can be counted: make longest smaller")
    return Blocks(base, length, longest)


def _read(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    if not _ADDRESS.fullmatch(text):
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None
