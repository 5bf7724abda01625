"""Decides which of the addresses that a neighbour announces may be one device's own. Pure.

A neighbour writes what it likes: a group's address, everybody's loopback or one that is only true on a
wire would have us ask somebody else, or ourselves. Such are none, whoever announces them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final, TypeAlias

from inventory.words import grammar
from oss_agent.spi import snmp

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_FAMILIES: Final = {1: 4, 2: 16}
"""Octets of an address by its family (IANA address family numbers)."""
_OCTET: Final = range(256)
_THIS_NETWORK: Final = ipaddress.IPv4Network("0.0.0.0/8")


def of_index(index: snmp.Oid) -> str:
    """Of the end of lldpRemManAddrTable's index (family, length, octets); "" when it is none.

    Without its length one octet less would be another address: nothing is guessed.
    """
    length = _FAMILIES.get(index[0], 0) if index else 0
    octets = index[2:]
    if index[1:2] != (length,) or not all(octet in _OCTET for octet in octets):
        return ""
    return of_octets(bytes(octets), length)


def of_octets(raw: bytes, length: int) -> str:
    """Of an address of so many octets; "" when it is another, or nobody's own."""
    if len(raw) != length or length not in _FAMILIES.values():
        return ""
    return _own(ipaddress.ip_address(raw))


def of_text(text: str) -> str:
    """Of a literal, in canonical form; "" as of ``of_octets``."""
    known = grammar.address(text)
    return "" if known is None else _own(ipaddress.ip_address(known))


def best(addresses: Iterable[str]) -> str:
    """The one that is kept of several: IPv4 before IPv6, the lowest, so that it stays the same."""
    told = sorted(map(ipaddress.ip_address, filter(None, addresses)), key=_rank)
    return str(told[0]) if told else ""


def _rank(one: Address) -> tuple[int, int]:
    return (one.version, int(one))


def _own(one: Address) -> str:
    nobodys = (
        one.is_loopback
        or one.is_link_local
        or one.is_unspecified
        or one.is_multicast
        or (isinstance(one, ipaddress.IPv4Address) and (one.is_reserved or one in _THIS_NETWORK))
        or (isinstance(one, ipaddress.IPv6Address) and one.ipv4_mapped is not None)
    )
    return "" if nobodys else str(one)
