"""The API's listener, and who may come in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Literal

from oss_agent.settings.section import Clash, HttpUrl, Port, SecretRef, Section


class Token(Section):
    """One machine's access to the API."""

    name: str
    """Who it is, for people."""
    secret: SecretRef
    """Where the token is, ``file:PATH`` or ``env:NAME``; at least 16 characters."""
    tenant: str = "default"
    """Whose orders, services and devices it sees."""
    roles: tuple[Literal["reader", "operator", "orderer", "admin"], ...] = ("reader",)
    """``reader`` sees, ``operator`` also plans, discovers, decides and sees the audit, ``orderer`` also
    plans, orders and subscribes, ``admin`` may all."""


class Http(Section):
    """The API's listener."""

    bind: str = "127.0.0.1"
    """Address to listen on. Beyond loopback it is refused unless tokens are configured."""
    port: Port = 8642
    """TCP port; 0 lets the kernel choose (tests)."""
    fd: int | None = None
    """An already listening socket, inherited: the demo binds on the host, then changes namespace."""
    tokens: tuple[Token, ...] = ()
    """Bearer tokens. Empty means: whoever reaches loopback is the operator."""
    public_url: HttpUrl = ""
    """What hrefs start with; empty makes them relative, which every proxy survives."""
    callbacks: tuple[str, ...] = ()
    """Hosts or prefixes that hub callbacks may point to although they are private (SSRF guard)."""
    callback_style: Literal["listener", "direct"] = "listener"
    """POST to {callback}/listener/<event> (the specification) or to the callback itself (practice)."""

    partial: Literal[200, 206] = 200
    """Status of a page that is not the whole list; TMF630 says 206, no specification lists it."""

    def clashes(self) -> Iterator[Clash]:
        """No open door."""
        if not (self.tokens or self.fd is not None or _is_loopback(self.bind)):
            words = (
                f"http.bind {self.bind} is reachable from outside, but there are no http.tokens: "
                "anyone could change the network. Configure a token, or bind 127.0.0.1"
            )
            yield ("bind", "fd", "tokens"), words


def _is_loopback(bind: str) -> bool:
    """Is this address (or ``localhost``) reachable from this machine only?"""
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return bind == "localhost"
