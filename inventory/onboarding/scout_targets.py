"""Decides which addresses an operator means by an address, a range or a prefix. Pure and bounded."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from inventory.words import grammar
from oss_agent import errors
from oss_agent.spi.scouting import Ports

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST: Final = 1_024
"""Addresses of one request: a /22. Whoever means more says so in several."""
MOST_PORTS: Final = 8
"""Ports that are tried at one address: each silent one is waited for."""
_HIGHEST: Final = 65_535
_TWO: Final = 2
_V6: Final = 6
_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")


def addresses(targets: Sequence[str]) -> tuple[str, ...]:
    """Every address once, in the order given. OrderRejected names the target that is none."""
    found: dict[str, None] = {}
    for place, target in enumerate(targets):
        try:
            _add(found, target)
        except errors.OrderRejected as bad:
            raise errors.OrderRejected(bad.reason, field=f"targets[{place}]") from bad
    if not found:
        raise errors.OrderRejected("no address is named", field="targets")
    return tuple(found)


def _add(found: dict[str, None], target: str) -> None:
    for one in _of(target.strip()):
        _refuse_no_device(target, one)
        found[str(one)] = None
        if len(found) > MOST:
            raise _refused(target, f"makes more than {MOST} addresses: ask for fewer at once")


def ranges(targets: Sequence[str]) -> Callable[[str], bool]:
    """Says of an address whether it lies in one of these, however large they are."""
    spans = [_span(place, target.strip()) for place, target in enumerate(targets)]
    if not spans:
        raise errors.OrderRejected("no address is named", field="targets")

    def inside(address: str) -> bool:
        one = ipaddress.ip_address(address)
        version, number = one.version, int(one)
        return any(of == version and low <= number <= high for of, low, high in spans)

    return inside


def _span(place: int, target: str) -> tuple[int, int, int]:
    """Version, first and last as numbers: thousands of neighbours are compared with each."""
    try:
        low, high = _ends(target)
    except errors.OrderRejected as bad:
        raise errors.OrderRejected(bad.reason, field=f"targets[{place}]") from bad
    return low.version, int(low), int(high)


def _ends(target: str) -> tuple[Address, Address]:
    first, _, last = target.partition("-")
    if last:
        return _in_order(target, _address(target, first), _address(target, last))
    if "/" in target:
        network = _network(target)
        return network[0], network[-1]
    one = _address(target, target)
    return one, one


def check_ports(ports: Ports) -> None:
    """OrderRejected where there is no port to look at, one that is none, or too many."""
    every = (*ports.ssh, *ports.netconf)
    if not every or len(every) > MOST_PORTS or not all(0 < port <= _HIGHEST for port in every):
        raise errors.OrderRejected(
            f"name 1 to {MOST_PORTS} ports of SSH and NETCONF together, each 1 to {_HIGHEST}",
            field="ports",
        )


def _of(target: str) -> Iterator[Address]:
    ends = target.split("-")
    if len(ends) == _TWO:
        yield from _range(target, _address(target, ends[0]), _address(target, ends[1]))
    elif "/" in target:
        yield from _hosts(target)
    else:
        yield _address(target, target)


def _range(target: str, first: Address, last: Address) -> Iterator[Address]:
    _in_order(target, first, last)
    # One more than may be: the caller counts, and says that it is too much.
    for number in range(min(int(last) - int(first), MOST) + 1):
        yield first + number


def _in_order(target: str, first: Address, last: Address) -> tuple[Address, Address]:
    if first.version != last.version or int(first) > int(last):
        raise _refused(target, "is no range: write the lower address first, both of one family")
    return first, last


def _hosts(target: str) -> Iterator[Address]:
    hosts: Iterable[Address] = _network(target).hosts()
    yield from itertools.islice(hosts, MOST + 1)


def _network(target: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(target if "%" not in target else "")
    except ValueError as wrong:
        raise _refused(target, "is no prefix (198.51.100.0/24), or has host bits set") from wrong


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
