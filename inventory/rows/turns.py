"""Acts on time: every device that somebody has to look at has its turn, for ever, and at once when it hints.

Each device has its slot in the interval, so that a thousand of them are no wave; at most one look per
device, a bounded number together. What a look is, who is looked at and when next is the owner's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import sqlalchemy as sa
import structlog

from inventory.rows import durations
from oss_agent import errors
from oss_agent.spi import clock, store

_UNRECORDED: Final = "unrecorded"
_FAILED: Final = "failed"
_NO_LOOK: Final = frozenset({_UNRECORDED, _FAILED})
M = TypeVar("M")
Due: TypeAlias = Callable[[str, float, float, int], float]
"""(device, interval, now, failures in a row) -> when it is due next, on the monotonic clock."""


class Member(NamedTuple):
    """A device that has turns: whose it is, and whether its look is wanted before its time."""

    tenant: str
    wanted: bool = False


@dataclass(slots=True)
class Turn(Generic[M]):
    """One device in its turn. ``memory`` is the owner's, of the looks before; ``wanted`` as ``Member``.

    ``good_at``: the end of the last look that was no trouble, or since when it has turns.
    """

    device: str
    tenant: str
    due_at: float
    memory: M
    asked_at: float = float("-inf")
    failures: int = 0
    busy: bool = False
    hinted: bool = False
    wanted: bool = False
    good_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between looks, between two of one device whatever it hints."""

    interval: float = 900.0
    least_gap: float = 30.0
    refresh: float = 5.0
    together: int = 16


@dataclass(frozen=True, slots=True)
class Work(Generic[M]):
    """What the turns are for. ``name`` is of the log.

    ``look`` does one and says what became of it, a counter's word; ``troubles`` are the words after
    which a device is asked less often, and how many failures in a row one of them counts as at most.
    """

    name: str
    look: Callable[[Turn[M]], Awaitable[str]]
    members: Callable[[sa.Connection], Mapping[str, Member]]
    remember: Callable[[], M]
    troubles: Mapping[str, int]


class Turns(Generic[M]):
    """The role. ``hint`` is for whoever hears that a device may have changed."""

    def __init__(
        self, rows: store.Store, work: Work[M], time: clock.Clock, due: Due, pace: Pace
    ) -> None:
        self._store = rows
        self._work = work
        self._time = time
        self._due = due
        self._pace = pace
        self._turns: dict[str, Turn[M]] = {}
        self._counters: Counter[str] = Counter()
        self._lasted = durations.Durations()
        self._log = structlog.get_logger(work.name)

    async def run(self) -> None:
        """Look at devices until cancelled; without an interval nobody is looked at unasked."""
        if not self._pace.interval:
            return
        async with asyncio.TaskGroup() as group:
            while True:
                await self._refresh()
                until = self._time.monotonic() + self._pace.refresh
                while (now := self._time.monotonic()) < until:
                    self._begin(group, now)
                    await asyncio.sleep(min(1.0, self._pace.refresh))

    def hint(self, device: str) -> bool:
        """It may have changed, and it is alive: look as soon as the least gap allows.

        False when it has no turns.
        """
        turn = self._turns.get(device)
        if turn is not None:
            turn.failures, turn.hinted = 0, True
            self._soon(turn)
            self._counters["hinted"] += 1
        return turn is not None

    def counters(self) -> Mapping[str, int]:
        """Looks by what became of them."""
        return dict(self._counters)

    def seconds(self) -> durations.Spread:
        """How long looks took, whatever became of them."""
        return self._lasted.spread()

    def oldest(self) -> float:
        """Seconds since the last good look at the device that waits longest for one; 0 without any.

        What was before the start of the daemon is not known: it counts from there.
        """
        return max(self._ages(), default=0.0)

    def overdue(self) -> int:
        """Devices without a good look for twice the interval."""
        return sum(age > 2 * self._pace.interval for age in self._ages())

    def _ages(self) -> list[float]:
        now = self._time.monotonic()
        return [now - turn.good_at for turn in self._turns.values()]

    def _soon(self, turn: Turn[M]) -> None:
        turn.due_at = min(turn.due_at, turn.asked_at + self._pace.least_gap)

    def _begin(self, group: asyncio.TaskGroup, now: float) -> None:
        """Start what is due, the longest due first, as far as there is room."""
        room = self._pace.together - sum(turn.busy for turn in self._turns.values())
        due = [
            (t.due_at, name) for name, t in self._turns.items() if not t.busy and t.due_at <= now
        ]
        for _, name in sorted(due)[: max(room, 0)]:
            turn = self._turns[name]
            turn.busy = True
            group.create_task(self._take(turn))

    async def _take(self, turn: Turn[M]) -> None:
        turn.asked_at, turn.hinted = self._time.monotonic(), False
        try:
            outcome = await self._work.look(turn)
        except (errors.StoreUnavailable, errors.OrderRejected) as unwritten:
            # The next look says it again; a device deleted meanwhile is NotFound.
            outcome = _UNRECORDED
            self._log.warning("look not recorded", device=turn.device, reason=str(unwritten))
        except Exception:  # noqa: BLE001  a defect that one device shows must not end the daemon
            outcome = _FAILED
            self._log.exception("look failed: a defect of ours", device=turn.device)
        now = self._time.monotonic()
        self._counters[outcome] += 1
        self._lasted.add(now - turn.asked_at)
        turn.failures = min(turn.failures + 1, self._work.troubles.get(outcome, 0))
        if outcome not in _NO_LOOK and not turn.failures:
            turn.good_at = now
        turn.due_at = self._due(turn.device, self._pace.interval, now, turn.failures)
        turn.busy = False
        if (
            turn.hinted
        ):  # while it was looked at: what it hints may have come too late for this look
            self._soon(turn)

    async def _refresh(self) -> None:
        """Who has turns now; those that are known keep theirs."""
        try:
            found = await self._store.read(self._work.members)
        except errors.StoreUnavailable:
            self._counters["refreshes_failed"] += 1
            return
        now = self._time.monotonic()
        for name in self._turns.keys() - found.keys():
            if not self._turns[name].busy:
                del self._turns[name]
        for name, member in found.items():
            if name not in self._turns:
                due = self._due(name, self._pace.interval, now, 0)
                memory = self._work.remember()
                self._turns[name] = Turn(name, member.tenant, due, memory, good_at=now)
            turn = self._turns[name]
            turn.tenant, turn.wanted = member
            if turn.wanted and not turn.failures:
                self._soon(turn)
