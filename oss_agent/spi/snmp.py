"""SNMP as assurance sees it: columns of numbers in, traps out; never an object per varbind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeAlias

Oid: TypeAlias = tuple[int, ...]
Value: TypeAlias = int | bytes | Oid | None
"""INTEGER and counters as int, OCTET STRING as bytes, OBJECT IDENTIFIER as Oid, IpAddress as
4 bytes, NULL and the exceptions noSuchObject/noSuchInstance/endOfMibView as None."""


@dataclass(frozen=True, slots=True)
class Target:
    """One agent to ask. v2c only (thin): ``community`` is secret."""

    device: str
    address: str
    port: int = 161
    community: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What to fetch in one poll: scalars (with their .0) and table columns, by name -> OID.

    The reply holds ``sysUpTime`` always, so that every row can be judged for discontinuity.
    ``deadline`` is for the whole of it, in seconds; None: the engine's, which is a poll's.
    """

    columns: Mapping[str, Oid]
    scalars: Mapping[str, Oid] = field(default_factory=dict[str, Oid])
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """One poll's answer, columnar: ``index[i]`` is the row's index, ``columns[name][i]`` its value.

    A missing cell is None. ``partial`` is true when a limit cut the walk short. ``uptime`` is
    sysUpTime in 1/100 s; ``at`` the wall clock and ``monotonic`` the loop clock when the first
    reply arrived.
    """

    device: str
    at: datetime
    monotonic: float
    uptime: int
    index: Sequence[Oid]
    columns: Mapping[str, Sequence[Value]]
    scalars: Mapping[str, Value] = field(default_factory=dict[str, Value])
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Trap:
    """One notification (RFC 3416 4.2.6): ``oid`` is snmpTrapOID.0, varbinds without the first two.

    ``source`` is the sender's address, a hint and never an identity; ``community`` is bytes as
    received.
    """

    source: str
    at: datetime
    monotonic: float
    community: bytes
    uptime: int
    oid: Oid
    varbinds: tuple[tuple[Oid, Value], ...]


TICKS: Final = 2**32
"""SysUpTime (1/100 s) goes on from 0 here, after 497 days (RFC 3418): that is no restart."""


def fell(before: int, after: int, slack: int = 0) -> bool:
    """Did sysUpTime go back, by more than ``slack`` (1/100 s), between two replies of one walk? Pure."""
    return (after - before + slack) % TICKS >= TICKS // 2


def restarted(before: int, after: int, seconds: float) -> bool:
    """Did an agent restart between two sysUpTimes that were heard so many ``seconds`` apart? Pure.

    It did where its time lacks some of ours: also where it says more than before. Two boots that are
    nearer to each other than 5 s and a thousandth of the time between are taken for one. Over more than
    497 days nobody can tell, and it counts as restarted.
    """
    lacks = before + seconds * 100 - after
    allowed = 500 + abs(seconds) / 10
    return abs(lacks - TICKS) > allowed if after < before else lacks > allowed


class SnmpTimeout(Exception):
    """No answer within the deadline and retries. Raised by ``poll`` and ``get``."""


class SnmpEngine(Protocol):
    """Polls and traps over shared sockets."""

    async def get(self, target: Target, oids: Sequence[Oid]) -> tuple[Value, ...]:
        """GET, in the order asked. SnmpTimeout when nobody answers."""
        ...

    async def poll(self, target: Target, plan: PollPlan) -> Columns:
        """Fetch a plan with packed GETBULKs. SnmpTimeout when nobody answers."""
        ...

    def traps(self) -> AsyncIterator[Sequence[Trap]]:
        """Batches of traps as they were drained; bounded, drops counted by reason."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Own counters (pdus sent, timeouts, malformed, dropped ...) for /metrics."""
        ...
