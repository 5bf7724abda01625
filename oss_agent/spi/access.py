"""Who may do what: routes declare a permission, the HTTP application enforces it, deny by default.

A route without a declaration is a ConfigurationError when the application is built, so that a
forgotten check cannot become an open door.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Permission(StrEnum):
    """What a route needs."""

    PUBLIC = "public"
    """nothing at all, not even a token: liveness only"""
    READ = "read"
    """see orders, services, resources, alarms, topology, metrics"""
    PLAN = "plan"
    """ask what an order would do"""
    ORDER = "order"
    """post orders in the own tenant"""
    SUBSCRIBE = "subscribe"
    """register and remove hub listeners"""
    DISCOVER = "discover"
    """ask devices what they are"""
    OPERATE = "operate"
    """stop writes, decide about what failed, have a refused delivery tried again"""
    DEVICES = "devices"
    """import devices, pin their host keys"""
    AUDIT = "audit"
    """see who did what in the own tenant"""
    SECRETS = "secrets"
    """see the passwords, keys and communities in configurations; each time is audited"""


class Role(StrEnum):
    """What a token may carry; ``ROLES`` says what each grants."""

    READER = "reader"
    OPERATOR = "operator"
    ORDERER = "orderer"
    ADMIN = "admin"


_SEE = frozenset({Permission.PUBLIC, Permission.READ})
ROLES = {
    Role.READER: _SEE,
    Role.OPERATOR: _SEE
    | {Permission.PLAN, Permission.DISCOVER, Permission.OPERATE, Permission.AUDIT},
    Role.ORDERER: _SEE | {Permission.PLAN, Permission.ORDER, Permission.SUBSCRIBE},
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: the name in audit rows, the tenant its rows belong to, its roles."""

    name: str
    tenant: str
    roles: tuple[Role, ...]

    def may(self, permission: Permission) -> bool:
        """Does any of the roles grant it?"""
        return any(permission in ROLES[role] for role in self.roles)


DECLARATION = "x-permission"
"""The key of a route's OpenAPI extra under which its permission stands, for people and for us."""


def needs(permission: Permission) -> dict[str, Any]:
    """What a route passes as ``openapi_extra``: its permission, shown in the API's own document."""
    return {DECLARATION: permission.value}
