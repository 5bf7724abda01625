"""Acts on the schedule: one task per device polls it in its slot, and at once when a trap hints.

At most one job per device by construction. A device that fails is asked less often (schedule.py),
and a trap from it or an answer ends that. What a poll saw goes to the observer and the meter, if
the order of events lets it be believed (reduce.Order).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from oss_agent import errors
from oss_agent.assurance import observe, port_table, reduce, schedule, traps
from oss_agent.spi import clock, device, ledger, snmp
from oss_agent.spi.clock import rfc3339

_SNMP_PORT = 161


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between polls, between looks at who is to be polled, and around traps."""

    interval: float = 30.0
    refresh: float = 5.0
    verify_after: float = 120.0
    """after a trap a device is polled at once and again this much later: late truth is common"""
    settle: float = 5.0
    """and once in between: agents answer from caches (net-snmp's port states are 3 s old, measured)"""
    least_gap: float = 0.5
    """between two polls of a device, however many traps it sends"""
    unreachable_after: int = 2
    """polls in a row without answer before the device counts as unreachable"""
    away: float = 60.0
    """between two tellings of who is not polled, or does not answer; one that leaves is told at once"""


class Watcher(Protocol):
    """Who wants to know what was polled: the observer, the meter."""

    async def take(self, sight: observe.Sight) -> None:
        """Act on a believed poll."""
        ...

    async def away(self, polled: Collection[str], silent: Collection[str], at: datetime) -> None:
        """Act on what is not in any poll: all are named that are polled, and of them the ``silent``."""
        ...


@dataclass(slots=True)
class _Watch:
    """One device under watch."""

    endpoint: device.Endpoint
    hinted: asyncio.Event = field(default_factory=asyncio.Event)
    verify_at: list[float] = field(default_factory=list[float])
    failures: int = 0
    polled_at: float = float("-inf")
    order: reduce.Order = field(default_factory=reduce.Order)
    heard: tuple[float, str] = (float("-inf"), "")
    """the last trap: until when it may be why we look, and its words"""


class Poller:
    """Polls every pollable device for ever."""

    def __init__(
        self,
        devices: ledger.Devices,
        engine: snmp.SnmpEngine,
        observer: observe.Observer,
        watchers: tuple[Watcher, ...],
        time: clock.Clock,
        pace: Pace,
    ) -> None:
        self._devices = devices
        self._engine = engine
        self._observer = observer
        self._watchers = watchers
        self._time = time
        self._pace = pace
        self._watches: dict[str, _Watch] = {}
        self._counters: Counter[str] = Counter()
        self._lag = 0.0
        self._away_at = float("-inf")
        self._refreshed = False
        self._last_success: dict[str, float] = {}
        self._log = structlog.get_logger("assurance.poller")

    async def run(self) -> None:
        """Keep one task per pollable device; ends only by cancellation."""
        tasks: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                await self._refresh()
                for name in tasks.keys() - self._watches.keys():
                    tasks.pop(name).cancel()
                for name in self._watches.keys() - tasks.keys():
                    tasks[name] = group.create_task(self._watch(self._watches[name]))
                await self._tell_away()
                await asyncio.sleep(self._pace.refresh)

    async def _refresh(self) -> None:
        """Who is pollable now; unchanged devices keep their schedule and their state."""
        try:
            pollable = await self._devices.pollable()
        except errors.StoreUnavailable:
            self._counters["refreshes_failed"] += 1
            return
        # v2c is asked only where somebody flagged the device for it by giving it a community.
        endpoints = {e.device: e for e in pollable if e.snmp_community}
        self._refreshed = True
        for name in self._watches.keys() - endpoints.keys():
            self._away_at = float("-inf")
            del self._watches[name]
            self._last_success.pop(name, None)
            self._observer.forget(name)
        for name, endpoint in endpoints.items():
            self._watches.setdefault(name, _Watch(endpoint)).endpoint = endpoint

    async def _tell_away(self) -> None:
        """Watchers hear by and by of those whom no poll tells of. What is not written is said again."""
        now = self._time.monotonic()
        if now - self._away_at < self._pace.away or not self._refreshed:
            return
        silent = [name for name, watch in self._watches.items() if self._is_silent(watch)]
        try:
            for watcher in self._watchers:
                await watcher.away(self._watches.keys(), silent, self._time.now())
        except (errors.StoreUnavailable, errors.OrderRejected):
            self._counters["unrecorded"] += 1
        else:
            self._away_at = now

    def _is_silent(self, watch: _Watch) -> bool:
        return watch.failures >= self._pace.unreachable_after

    async def _watch(self, watch: _Watch) -> None:
        while True:
            due = await self._wait_due(watch)
            self._lag = max(self._time.monotonic() - due, 0.0)
            await self.poll(watch)

    async def _wait_due(self, watch: _Watch) -> float:
        """Wait for the slot, a verification or a hint; returns when the poll was due."""
        now = self._time.monotonic()
        regular = schedule.due(watch.endpoint.device, self._pace.interval, now, watch.failures)
        due = min([regular, *watch.verify_at])
        try:
            async with asyncio.timeout(max(due - now, 0.0)):
                await watch.hinted.wait()
        except TimeoutError:
            pass
        else:
            due = self._time.monotonic()
            await asyncio.sleep(max(watch.polled_at + self._pace.least_gap - due, 0.0))
        watch.hinted.clear()
        now = self._time.monotonic()
        watch.verify_at = [at for at in watch.verify_at if at > now]
        return due

    def community(self, name: str) -> str | None:
        """What a watched device's traps must carry; None when it is not watched."""
        watch = self._watches.get(name)
        return None if watch is None else watch.endpoint.snmp_community

    def hint(self, name: str, trap: snmp.Trap) -> bool:
        """A trap of a watched device: poll it now and twice later. False when it waits already.

        Everything it says is a claim; its time only throws doubt on polls that began before it.
        """
        watch = self._watches[name]
        known = watch.order.read.time if watch.order.read else None
        time = reduce.device_time(known, trap.at, trap.uptime)
        watch.order = watch.order.with_hint(reduce.Hint(trap.monotonic, time))
        watch.failures = 0
        words = f"{rfc3339(trap.at)} {traps.notice(trap)} trap from {trap.source}: polled at once"
        watch.heard = (trap.monotonic + self._pace.settle, words)
        first = not watch.hinted.is_set()
        watch.hinted.set()
        later = (trap.monotonic + wait for wait in (self._pace.settle, self._pace.verify_after))
        watch.verify_at = [*watch.verify_at[:1], *later]  # the next one stays, however many traps
        return first

    async def poll(self, watch: _Watch) -> None:
        """One job: ask, and act on the answer or the silence."""
        target = _target(watch.endpoint)
        watch.polled_at = started = self._time.monotonic()
        try:
            polled = await self._engine.poll(target, port_table.PLAN)
            await self._take(watch, started, polled)
        except snmp.SnmpTimeout as silent:
            await self._miss(watch, str(silent))
        except (errors.StoreUnavailable, errors.OrderRejected) as unwritten:
            # The next poll says it again; a device deleted meanwhile is NotFound.
            self._counters["unrecorded"] += 1
            self._log.warning("poll not recorded", device=target.device, reason=str(unwritten))

    async def _take(self, watch: _Watch, started: float, polled: snmp.Columns) -> None:
        watch.failures = 0
        self._counters["answered"] += 1
        known = watch.order.read.time if watch.order.read else None
        time = reduce.device_time(known, polled.at, polled.uptime)
        order = watch.order.with_reading(reduce.Reading(started, time))
        if order is None:  # a trap came while it ran; the poll it asks for follows at once
            self._counters["overtaken"] += 1
            return
        watch.order = order
        sight = observe.Sight(
            device=polled.device,
            ports=port_table.ports(polled),
            at=polled.at,
            uptime=polled.uptime,
            whole=not polled.partial,
            prompt=watch.heard[1] if started <= watch.heard[0] else "",
        )
        sight = await self._observer.take(sight)
        for watcher in self._watchers:
            await watcher.take(sight)
        self._last_success[polled.device] = polled.at.timestamp()

    async def _miss(self, watch: _Watch, reason: str) -> None:
        watch.failures += 1
        self._counters["unanswered"] += 1
        if not self._is_silent(watch):
            return
        try:
            await self._observer.miss(watch.endpoint.device, reason, self._time.now())
        except (errors.StoreUnavailable, errors.OrderRejected):
            self._counters["unrecorded"] += 1

    def counters(self) -> Mapping[str, int]:
        """Polls by what became of them."""
        return dict(self._counters)

    def lag(self) -> float:
        """Seconds between when the last poll was due and when it started."""
        return self._lag

    def last_success(self) -> Mapping[str, float]:
        """Unix seconds of each device's last believed and recorded poll."""
        return dict(self._last_success)


def _target(endpoint: device.Endpoint) -> snmp.Target:
    return snmp.Target(
        device=endpoint.device,
        address=endpoint.address,
        port=endpoint.ports.get("snmp", _SNMP_PORT),
        community=endpoint.snmp_community or "",
    )
