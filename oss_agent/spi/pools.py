"""Pools as an operator sees them: what they give out, who has it, how long it will last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from oss_agent.spi.moments import AsOf


class ClaimState(StrEnum):
    """What a value of a pool is to others."""

    HELD = "held"
    """somebody's, without an end"""
    RESERVED = "reserved"
    """kept until ``until`` for who names it"""
    RESTING = "resting"
    """given back; nobody else's before ``until``"""


@dataclass(frozen=True, slots=True)
class ForecastView:
    """When a pool will be full, by its own history of the last ``over_days`` days.

    ``days`` is None when that cannot be said; ``why`` is what it rests on, or what is missing.
    """

    days: float | None
    per_day: float | None
    over_days: float
    why: str


@dataclass(frozen=True, slots=True)
class PoolView:
    """A pool: ``gives`` is what of, in words; counts are of values, of a block of its smallest.

    ``free`` may be given out now; ``used`` is the part (0 to 1) that may not. ``short`` says why an
    alarm stands that it runs out, as it was when that began; "" when none does.
    """

    name: str
    kind: str
    gives: str
    size: int
    held: int
    reserved: int
    resting: int
    free: int
    used: float
    quarantine: float
    unseen: float
    short: str = ""
    forecast: ForecastView | None = None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A value that is not free. ``why`` says of one that rests what it waits for, or what was seen."""

    pool: str
    value: str
    key: str
    state: ClaimState
    since: datetime
    until: datetime | None = None
    why: str = ""


class Pools(Protocol):
    """The operator's side of pools. NotFound for a pool that there is not."""

    async def list(self, tenant: str, when: AsOf | None = None) -> tuple[PoolView, ...]:
        """Every pool, now or as of a moment, without forecasts."""
        ...

    async def get(self, tenant: str, name: str, when: AsOf | None = None) -> PoolView:
        """One pool, with its forecast; as of a moment without."""
        ...

    async def claims(
        self, tenant: str, name: str, when: AsOf | None = None
    ) -> tuple[ClaimView, ...]:
        """What of a pool is not free, now or as of a moment, by value; the first 10,000."""
        ...

    async def forecasts(self, tenant: str) -> tuple[PoolView, ...]:
        """Every pool with its forecast, the one that is full first at the head."""
        ...

    async def reserve(
        self,
        tenant: str,
        name: str,
        *,
        key: str,
        wanted: str | None,
        seconds: float,
        by: str = "",
    ) -> ClaimView:
        """Keep a value for who names it in an order. The same key has the same value, for longer.

        ``wanted`` is a value, or of a block a length (``/29``). Conflict when it is somebody else's.
        """
        ...

    async def forgo(self, tenant: str, name: str, *, key: str, by: str = "") -> None:
        """Give a reservation back before its time. Safe twice."""
        ...
