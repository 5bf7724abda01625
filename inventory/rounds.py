"""Acts on time: every managed device is looked at in its turn, for ever, and at once when it hints.

Each device has its slot in the interval, so that a thousand of them are no wave; at most one look per
device, a bounded number together. A look begins with one cheap question (``stamps``): where that tells
that nothing changed, it ends there, but not for longer than ``whole``. A device that does not answer is
asked less often, and a trap or an answer ends that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import sqlalchemy as sa
import structlog

from inventory import history, stamps, tables
from oss_agent import errors
from oss_agent.spi import clock, onboarding, store

Due: TypeAlias = Callable[[str, float, float, int], float]
"""(device, interval, now, failures in a row) -> when it is due next, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between looks, between whole looks, between two of one device whatever it hints."""

    interval: float = 900.0
    whole: float = 3600.0
    least_gap: float = 30.0
    refresh: float = 5.0
    together: int = 16


class Looks(Protocol):
    """Who looks: ``inventory.onboarding`` with its explorer."""

    async def stamp(self, device: str) -> stamps.Stamp | None:
        """The cheap question; None where SNMP is not spoken. SnmpTimeout as DeviceUnreachable."""
        ...

    def discover(self, tenant: str, device: str) -> Awaitable[tuple[onboarding.Discovered, ...]]:
        """A whole look, written."""
        ...


@dataclass(slots=True)
class _Watch:
    """One device in its turn."""

    tenant: str
    due_at: float
    stamp: stamps.Stamp | None = None
    looked_at: float = float("-inf")
    asked_at: float = float("-inf")
    failures: int = 0
    busy: bool = False
    hinted: bool = False


class Rounds:
    """The role. ``hint`` is for whoever hears that a device may have changed."""

    def __init__(
        self, rows: store.Store, looks: Looks, time: clock.Clock, due: Due, pace: Pace
    ) -> None:
        self._store = rows
        self._looks = looks
        self._time = time
        self._due = due
        self._pace = pace
        self._watches: dict[str, _Watch] = {}
        self._counters: Counter[str] = Counter()
        self._log = structlog.get_logger("inventory.rounds")

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

    def hint(self, device: str) -> None:
        """It may have changed, and it is alive: look as soon as the least gap allows."""
        watch = self._watches.get(device)
        if watch is not None:
            watch.failures, watch.hinted = 0, True
            self._soon(watch)
            self._counters["hinted"] += 1

    def _soon(self, watch: _Watch) -> None:
        watch.due_at = min(watch.due_at, watch.asked_at + self._pace.least_gap)

    def counters(self) -> Mapping[str, int]:
        """Looks by what became of them."""
        return dict(self._counters)

    def _begin(self, group: asyncio.TaskGroup, now: float) -> None:
        """Start what is due, the longest due first, as far as there is room."""
        room = self._pace.together - sum(watch.busy for watch in self._watches.values())
        due = [
            (w.due_at, name) for name, w in self._watches.items() if not w.busy and w.due_at <= now
        ]
        for _, name in sorted(due)[: max(room, 0)]:
            watch = self._watches[name]
            watch.busy = True
            group.create_task(self._turn(name, watch))

    async def _turn(self, name: str, watch: _Watch) -> None:
        watch.asked_at, watch.hinted = self._time.monotonic(), False
        try:
            outcome = await self._look(name, watch)
        except (errors.StoreUnavailable, errors.OrderRejected) as unwritten:
            # The next look says it again; a device deleted meanwhile is NotFound.
            outcome = "unrecorded"
            self._log.warning("look not recorded", device=name, reason=str(unwritten))
        except Exception:  # noqa: BLE001  a defect that one device shows must not end the daemon
            outcome = "failed"
            self._log.exception("look failed: a defect of ours", device=name)
        self._counters[outcome] += 1
        # A slow device is asked half as often, and not at once when a poll saw more than its look.
        watch.failures = {"unanswered": watch.failures + 1, "cut_short": 1}.get(outcome, 0)
        now = self._time.monotonic()
        watch.due_at = self._due(name, self._pace.interval, now, watch.failures)
        watch.busy = False
        if (
            watch.hinted
        ):  # while it was looked at: what it hints may have come too late for this look
            self._soon(watch)

    async def _look(self, name: str, watch: _Watch) -> str:
        """One job; what became of it, as a counter's name."""
        try:
            stamp = await self._looks.stamp(name)
        except errors.DeviceUnreachable:
            # Its other ways are tried once, for the reason; after that it is asked cheaply.
            if watch.failures:
                return "unanswered"
            stamp = None
        began = self._time.monotonic()
        fresh = began - watch.looked_at < self._pace.whole
        if stamp is not None and fresh and not stamps.moved(watch.stamp, stamp):
            return "unchanged"
        (found,) = await self._looks.discover(watch.tenant, name)
        if found.reason and not found.interfaces:
            return "unanswered"
        if not found.complete:  # nothing tells that what it lacks did not change
            watch.stamp = None
            return "cut_short"
        # Of before the look: what changed while it ran is seen by the next question.
        watch.stamp, watch.looked_at = stamp, began
        return "whole"

    async def _refresh(self) -> None:
        """Who is managed now; those that are known keep their turn."""
        try:
            found = await self._store.read(_managed)
        except errors.StoreUnavailable:
            self._counters["refreshes_failed"] += 1
            return
        now = self._time.monotonic()
        for name in self._watches.keys() - found.keys():
            if not self._watches[name].busy:
                del self._watches[name]
        for name, (tenant, stirred) in found.items():
            if name not in self._watches:
                due = self._due(name, self._pace.interval, now, 0)
                self._watches[name] = _Watch(tenant, due)
            watch = self._watches[name]
            if stirred and not watch.failures:  # a poll saw a port that no look has
                watch.stamp = None
                self._soon(watch)


def _managed(connection: sa.Connection) -> dict[str, tuple[str, bool]]:
    """(tenant, does a poll ask for a look) by device."""
    d, s = tables.devices, tables.sightings
    query = (
        sa.select(d.c.name, d.c.tenant, s.c.stirred_at)
        .select_from(d.outerjoin(s, s.c.device == d.c.name))
        .where(history.current(d), d.c.managed)
    )
    return {name: (tenant, at is not None) for name, tenant, at in connection.execute(query)}
