"""Decides whether a callback may be called: a URL from outside must not become our hand inside.

A host or prefix on the administrator's list may always be called. Everything else is resolved
once, every address is judged, and the connection goes to the judged address (a second look-up could
answer differently). Names are judged by what they resolve to, never by their spelling:
``127.1``, ``0x7f000001`` and full-width digits all mean loopback.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from oss_agent import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS: Final = frozenset({80, 443, 8080, 8443})
_LOOK_UP: Final = 5.0
# ``is_global`` alone calls NAT64, 6to4 and Teredo fit to call, although they carry an IPv4 inside.
_TUNNELS: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")
)
_METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("168.63.129.16", "169.254.169.254", "fd00:ec2::254")
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the administrator allows beyond public addresses at web ports."""

    hosts: frozenset[str] = frozenset()
    prefixes: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: tuple[str, ...]) -> Policy:
        """From settings: each entry is a host name, an address or a prefix."""
        hosts: set[str] = set()
        prefixes: list[Network] = []
        for entry in entries:
            try:
                prefixes.append(ipaddress.ip_network(entry))
            except ValueError:
                if not entry or "/" in entry or not entry.isprintable():
                    raise errors.ConfigurationError(
                        f"http.callbacks: {entry!r} is no host, address or prefix"
                    ) from None
                hosts.add(entry.lower())
        return cls(frozenset(hosts), tuple(prefixes))

    def allows(self, host: str, address: Address) -> bool:
        """Named by the administrator, the name or the number?"""
        return host in self.hosts or any(
            address.version == prefix.version and address in prefix for prefix in self.prefixes
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A callback that may be called now: at ``address``, as ``host``."""

    scheme: str
    host: str
    port: int
    address: str


def split(callback: str) -> SplitResult:
    """The URL's parts. OrderRejected (400) for anything but plain http(s)://host[:port]/path."""
    try:
        url = urlsplit(callback)
        port = url.port
    except ValueError:
        raise _refused("is no URL") from None
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
        raise _refused("must be an http or https URL with a host")
    if url.username is not None or url.fragment or "\\" in callback or " " in callback:
        raise _refused("must hold no user, fragment, space or backslash")
    return url


async def resolve(callback: str, policy: Policy) -> Target:
    """Look the host up once and judge every address. OrderRejected when one is out of bounds.

    OSError (socket.gaierror) when the name does not resolve now.
    """
    url = split(callback)
    host = (url.hostname or "").lower()
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    found = await _addresses(host, port)
    for address in found:
        if policy.allows(host, address):
            continue
        if not public(address):
            raise _refused(
                "points to an address that is not public: the agent's operator has to allow it in "
                "[http] callbacks"
            )
        if port not in PORTS:
            raise _refused(f"port {port} is none of {sorted(PORTS)}: see http.callbacks")
    return Target(url.scheme, host, port, str(found[0]))


async def _addresses(host: str, port: int) -> list[Address]:
    """What the host means now. An address, however it is spelled, asks no name server."""
    try:
        rows = await _look_up(host, port)
    except UnicodeError:
        raise _refused("has a host name that is no host name") from None
    except TimeoutError:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer from the name server") from None
    found = [ipaddress.ip_address(row[4][0]) for row in rows]
    if not found:
        raise socket.gaierror(f"{host} has no address")
    return found


async def _look_up(host: str, port: int) -> list[tuple[Any, ...]]:
    try:
        return list(
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        )
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_LOOK_UP):
            return list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def public(address: Address) -> bool:
    """A unicast address of the public Internet, and not one that carries another inside."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id or any(address in tunnel for tunnel in _TUNNELS):
            return False
        if address.ipv4_mapped is not None:
            return public(address.ipv4_mapped)
    return address.is_global and not address.is_multicast and address not in _METADATA


def _refused(reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field="callback", code="invalidCallback")
