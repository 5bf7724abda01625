"""Decides who a request comes from, and that nobody does what no role of theirs grants."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute

from oss_agent import errors
from oss_agent.spi import access

_SHORTEST: Final = 16
EVERYBODY: Final = access.Caller("anonymous", "default", (access.Role.ADMIN,))
"""Without tokens, whoever reaches the loopback socket is the operator; ``serve.check_bind`` sees
to it that nobody else can."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Bearer tokens as SHA-256 digests, so that neither memory dumps nor timing give one away."""

    callers: Mapping[str, access.Caller] = field(default_factory=dict[str, access.Caller])

    @classmethod
    def of(cls, tokens: Iterable[tuple[str, access.Caller]]) -> Tokens:
        """From (token, caller) pairs. ConfigurationError when one is short or stands twice."""
        callers: dict[str, access.Caller] = {}
        for token, caller in tokens:
            digest = _digest(token)
            if len(token) < _SHORTEST or digest in callers:
                raise errors.ConfigurationError(
                    f"http.tokens: the token of {caller.name} is shorter than {_SHORTEST} characters "
                    "or used twice: make one with `openssl rand -hex 32`"
                )
            callers[digest] = caller
        return cls(callers)

    def __bool__(self) -> bool:
        """Is a token needed at all?"""
        return bool(self.callers)

    def caller(self, authorization: str | None) -> access.Caller | None:
        """Who sends this Authorization header (RFC 6750); None when nobody we know."""
        if not self:
            return EVERYBODY
        scheme, _, token = (authorization or "").partition(" ")
        return self.callers.get(_digest(token.strip())) if scheme.lower() == "bearer" else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def declared(route: object) -> access.Permission | None:
    """The permission a route declares, or None."""
    extra = getattr(route, "openapi_extra", None) or {}
    found = extra.get(access.DECLARATION)
    return access.Permission(found) if found in set(access.Permission) else None


async def authorise(request: Request) -> None:
    """Dependency of every route: OrderRejected (403) unless the caller may."""
    permission = declared(request.scope.get("route"))
    caller: access.Caller = request.state.caller
    if permission is None or not (permission is access.Permission.PUBLIC or caller.may(permission)):
        raise errors.OrderRejected(
            f"{caller.name} may not do this: it needs {permission or 'a declared permission'}",
            status=403,
            code="forbidden",
        )


def require_declarations(routers: Iterable[APIRouter]) -> None:
    """ConfigurationError naming the first route that declares no permission."""
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute) or declared(route) is None:
                path = getattr(route, "path", route)
                raise errors.ConfigurationError(
                    f"route {path} declares no permission: pass openapi_extra=access.needs(...)"
                )
