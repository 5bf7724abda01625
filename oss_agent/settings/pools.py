"""What values are claimed from, and the pools there are without a word in the file."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Literal

import pydantic

from oss_agent.settings.section import Clash, Section


class Pool(Section):
    """What values are claimed from: numbers, addresses of a prefix, or prefixes out of one."""

    name: str
    """What catalogue and orders call it: the E-Line takes its VNIs from ``core-vni``."""
    first: int | None = pydantic.Field(default=None, ge=0)
    """The lowest number of a range."""
    last: int | None = None
    """The highest number of a range, itself included."""
    prefix: pydantic.IPvAnyNetwork | None = None
    """Instead of a range: the prefix whose addresses are given out, IPv4 or IPv6; no other pool's
    may overlap it. It cannot be changed while somebody has a value of it: name another pool then."""
    length: int | None = pydantic.Field(default=None, ge=1, le=128)
    """With a prefix: prefixes of this length are given out, not addresses."""
    longest: int | None = pydantic.Field(default=None, ge=1, le=128)
    """With a length: prefixes of any length up to this one may be asked for, ``length`` is given
    when none is."""
    kind: Literal["number", "vlan", "vni", "as", "rd", "rt"] = "number"
    """What the numbers of a range are: it bounds them, and two pools of one kind may not overlap
    where the same number means the same in the whole network (VNI, AS, RD, RT)."""
    administrator: str | None = None
    """Of route distinguishers and targets (``rd``, ``rt``): the AS number or IPv4 address that
    stands before them. ``65000`` gives ``65000:100``, ``192.0.2.1`` gives ``192.0.2.1:100``."""
    quarantine: float = pydantic.Field(default=300.0, ge=0)
    """Seconds before a released value is given out again: somebody may still be using it."""
    unseen: float = pydantic.Field(default=86_400.0, ge=0)
    """The same for a value that the devices were not yet seen to be without, by what was read back
    from them: after this time alone it is given out all the same."""
    alarm_used: float = pydantic.Field(default=0.9, gt=0, le=1)
    """The part (0 to 1) that cannot be had any more from which on an alarm says that it runs out."""
    alarm_days: float = pydantic.Field(default=14.0, ge=0)
    """The same when its own history says that it will be full in fewer days; 0: never by that."""

    def clashes(self) -> Iterator[Clash]:
        """A pool is of one sort, and has what that sort needs."""
        if (self.first is None) != (self.last is None) or (self.first is None) == (
            self.prefix is None
        ):
            yield ("first", "last", "prefix"), "a pool has either first and last, or a prefix"
        if self.first is not None and self.last is not None and self.first > self.last:
            yield ("first", "last"), f"first {self.first} is above last {self.last}"
        if (self.kind in {"rd", "rt"}) != (self.administrator is not None):
            words = "an administrator is what pools of kind rd and rt have, and must have"
            yield ("kind", "administrator"), words
        if self.prefix is not None and self.kind != "number":
            words = f"a prefix has addresses: kind {self.kind} is for first and last"
            yield ("prefix", "kind"), words
        yield from self._clashes_of_length()

    def _clashes_of_length(self) -> Iterator[Clash]:
        if self.length is None:
            if self.longest is not None:
                yield ("length", "longest"), "longest needs a length beside it"
        elif self.prefix is None:
            yield ("length", "prefix"), "only a pool with a prefix has a length"
        elif not self.prefix.prefixlen <= self.length <= self.prefix.max_prefixlen:
            words = f"{self.prefix} has no prefixes of length {self.length}"
            yield ("length", "prefix"), words


POOLS = (
    Pool(name="core-vni", first=10_100, last=10_199, kind="vni"),
    Pool(name="vpn-vni", first=10_200, last=10_999, kind="vni"),
    Pool(name="vpn-transit", prefix=ipaddress.ip_network("100.64.0.0/10")),
    Pool(name="vpn-rd", first=1, last=9_999_999, kind="rd", administrator="65000"),
    Pool(name="vpn-rt", first=20_000_000, last=29_999_999, kind="rt", administrator="65000"),
    Pool(
        name="internet-v4",
        prefix=ipaddress.ip_network("203.0.113.0/24"),
        length=30,
        longest=30,
    ),
)
"""Route targets are above the largest VNI: routers derive ``AS:VNI`` for segments that have none of
their own. RFC 6598 keeps 100.64.0.0/10 for providers' inside; 203.0.113.0/24 is documentation's (RFC 5737):
who sells Internet access names the prefix that is his."""
