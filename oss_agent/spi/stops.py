"""What keeps writes from the network: a person's pause, a freeze, a change window, a breaker.

A stop never touches what is on the way: transactions that hold unconfirmed changes are settled.
It only keeps new ones from starting, and the order says which stop it waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Scope(StrEnum):
    """What a stop covers; ``name`` beside it says which one."""

    ALL = "all"
    DEVICE = "device"
    SITE = "site"
    PLATFORM = "platform"


class Cause(StrEnum):
    """Who set a stop."""

    OPERATOR = "operator"
    BREAKER = "breaker"
    """the circuit breaker: aborted votes in a row on one platform"""


@dataclass(frozen=True, slots=True)
class StopView:
    """A stop as people see it.

    It holds from ``begins`` until ``ends`` (a freeze), or until somebody lifts it (``ends`` None).
    """

    id: int
    scope: Scope
    name: str
    reason: str
    cause: Cause
    set_by: str
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A stop to set. ``name`` is "" for scope ``all``; ``begins`` None means now."""

    scope: Scope
    name: str
    reason: str
    begins: datetime | None = None
    ends: datetime | None = None


class Stops(Protocol):
    """The desk where writes are stopped and let go again; everything survives a restart."""

    async def standing(self, tenant: str) -> tuple[StopView, ...]:
        """Stops that hold or will hold, soonest first."""
        ...

    async def stop(self, tenant: str, by: str, request: StopRequest) -> StopView:
        """Set one. OrderRejected naming the field; the same stop again is the same one."""
        ...

    async def lift(self, tenant: str, by: str, key: int) -> StopView:
        """End one now; what waited for it looks at once. NotFound."""
        ...
