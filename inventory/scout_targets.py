"""Decides which addresses an operator means by an address, a range or a prefix. Pure and bounded."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from inventory import grammar
from oss_agent import errors

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST: Final = 1_024
"""Addresses of one request: a /22. Whoever means more says so in several."""
_ENDS: Final = 2
_V6: Final = 6
_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")


def addresses(targets: Sequence[str]) -> tuple[str, ...]:
    """Every address once, in the order given. OrderRejected names the target that is none."""
    found: dict[str, None] = {}
    for target in targets:
        for one in _of(target.strip()):
            _refuse_no_device(target, one)
            found[str(one)] = None
            if len(found) > MOST:
                raise _refused(target, f"makes more than {MOST} addresses: ask for fewer at once")
    if not found:
        raise errors.OrderRejected("no address is named", field="targets")
    return tuple(found)


def _of(target: str) -> Iterator[Address]:
    ends = target.split("-")
    if len(ends) == _ENDS:
        yield from _range(target, _address(target, ends[0]), _address(target, ends[1]))
    elif "/" in target:
        yield from _hosts(target)
    else:
        yield _address(target, target)


def _range(target: str, first: Address, last: Address) -> Iterator[Address]:
    if first.version != last.version or int(first) > int(last):
        raise _refused(target, "is no range: write the lower address first, both of one family")
    # One more than may be: the caller counts, and says that it is too much.
    for number in range(min(int(last) - int(first), MOST) + 1):
        yield first + number


def _hosts(target: str) -> Iterator[Address]:
    try:
        network = ipaddress.ip_network(target if "%" not in target else "")
    except ValueError as wrong:
        raise _refused(target, "is no prefix (198.51.100.0/24), or has host bits set") from wrong
    hosts: Iterable[Address] = network.hosts()
    yield from itertools.islice(hosts, MOST + 1)


def _address(target: str, text: str) -> Address:
    known = grammar.address(text.strip())
    found = ipaddress.ip_address(known) if known is not None else None
    if found is None:
        raise _refused(target, "is no address, range or prefix")
    return found


def _refuse_no_device(target: str, one: Address) -> None:
    """A group's address would have the community sent to all of it; a mapped one is another's twin."""
    if one.is_multicast or one.is_unspecified or one == _BROADCAST:
        raise _refused(target, "is no address of one device")
    if one.version == _V6 and one.ipv4_mapped is not None:
        raise _refused(target, f"is {one.ipv4_mapped}: write it so")


def _refused(target: str, why: str) -> errors.OrderRejected:
    shown = "".join(c if c.isprintable() else " " for c in target[:64])
    return errors.OrderRejected(f"{shown!r} {why}", field="targets")
