"""Decides when an event is told to whom: ordered per receiver and entity, parallel over entities.

At least once, by a stable id. A receiver that is slow or away costs rows, never memory, and delays
nobody else; what it refuses for good holds up only that entity at that receiver.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import random
from typing import Final

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.outbox import news, pace, rows
from oss_agent.outbox.tables import State
from oss_agent.spi import clock, events, store


@dataclasses.dataclass(frozen=True, slots=True)
class Counters:
    """Attempts since the process started, by what became of them."""

    done: int = 0
    retried: int = 0
    parked: int = 0
    stopped: int = 0


_COUNTED: Final = {
    events.Delivery.DONE: "done",
    events.Delivery.RETRY: "retried",
    events.Delivery.PARKED: "parked",
    events.Delivery.STOPPED: "stopped",
}


class Outbox:
    """The event sink of every room and the role that empties it."""

    def __init__(
        self,
        at: store.Store,
        receivers: events.Receivers,
        now: clock.Clock,
        report: news.Report,
        patience: pace.Pace | None = None,
        heed: news.Heed = news.unheeded,
    ) -> None:
        self._store = at
        self._receivers = receivers
        self._clock = now
        self._report = report
        self._heed = heed
        self._pace = patience or pace.Pace()
        self._wake = asyncio.Event()
        self._rung = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: set[tuple[str, str]] = set()
        self._standing: dict[str, pace.Standing] = {}
        self._appended = True
        self._all_at = 0.0
        self._hot: set[str] = set()
        self._counters = Counters()
        self._log = structlog.stdlib.get_logger(__name__)

    def append(self, connection: sa.Connection, event: events.Event) -> None:
        """``spi.events.EventSink``: store the event in the caller's unit. Same id: once."""
        rows.append(connection, event)
        self._appended = True
        self._ring()

    def wake(self) -> None:
        """Look at everything now: a person decided something."""
        self._appended, self._all_at = True, 0.0
        self._standing = {}
        self._ring()

    def _ring(self) -> None:
        """From any thread; inside a unit that is before its commit, and still safe.

        The dispatcher looks by a unit of its own, which the one writer runs after this one. One call
        over to the loop is enough until it was heard: each costs system calls.
        """
        if self._loop is None or self._rung:
            return
        self._rung = True
        with contextlib.suppress(RuntimeError):  # the loop has ended: the next start looks
            self._loop.call_soon_threadsafe(self._heard)

    def _heard(self) -> None:
        self._rung = False  # first: whoever found it set knows that the event is set after
        self._wake.set()

    def counters(self) -> Counters:
        """What became of attempts so far."""
        return self._counters

    async def run(self) -> None:
        """Role: deliver for ever. One process at a time."""
        self._loop, self._rung = asyncio.get_running_loop(), False
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                try:
                    await self._round(tasks)
                except errors.StoreUnavailable as error:
                    self._log.warning("outbox waits for the database", reason=str(error))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.tick):
                        await self._wake.wait()

    async def _round(self, tasks: asyncio.TaskGroup) -> None:
        if self._is_time_for_all():
            self._hot |= await self._store.read(rows.expectant)
        receivers = await (self._spread() if self._appended else self._receivers.current())
        hot, self._hot = self._hot, set()
        stopped = await self._store.read(rows.stopped)
        for receiver in receivers:
            if receiver.id in hot - stopped.keys() and not self._quiet(receiver.id):
                await self._start_lanes(tasks, receiver)

    def _is_time_for_all(self) -> bool:
        """Once a tick everybody is looked at: what waited for its pause, or came another way."""
        now = self._clock.monotonic()
        if now < self._all_at:
            return False
        self._appended, self._all_at = True, now + self._pace.tick
        return True

    async def _spread(self) -> tuple[events.Receiver, ...]:
        """Give new events their delivery rows; who is listening now.

        The events are read before the listeners: whoever listened when an event was appended is
        then among them. Read the other way round, a new listener could miss its first event. What
        they say is read beside the writer, and only where somebody listens.
        """
        self._appended = False
        while True:
            new = await self._store.write(functools.partial(rows.unspread, limit=self._pace.spread))
            receivers = await self._receivers.current()
            if not new:
                return receivers
            say = functools.partial(rows.these, numbers=new)
            told = await self._store.read(say) if receivers else []
            wanted = [(one, [r.id for r in receivers if self._wants(r, one.event)]) for one in told]
            await self._store.write(
                functools.partial(rows.spread, numbers=new, wanted=wanted, now=self._clock.now())
            )
            self._hot.update(name for _, names in wanted for name in names)
            if len(new) < self._pace.spread:
                return receivers  # whatever comes after these says so by itself

    def _wants(self, receiver: events.Receiver, event: events.Event) -> bool:
        try:
            return receiver.wants(event)
        except Exception:  # noqa: BLE001  a defect of one receiver must neither lose nor stall
            self._log.exception("a receiver cannot say what it wants", receiver=receiver.id)
            return True

    def _quiet(self, receiver: str) -> bool:
        return self._clock.monotonic() < self._of(receiver).quiet_until

    def _of(self, receiver: str) -> pace.Standing:
        return self._standing.get(receiver, pace.Standing())

    async def _start_lanes(self, tasks: asyncio.TaskGroup, receiver: events.Receiver) -> None:
        busy = {entity for name, entity in self._lanes if name == receiver.id}
        free = min(
            self._of(receiver.id).lanes(self._pace) - len(busy),
            self._pace.at_once - len(self._lanes),
        )
        if free <= 0:
            return
        due = await self._store.read(
            functools.partial(
                rows.heads, receiver=receiver.id, busy=busy, now=self._clock.now(), limit=free
            )
        )
        for head in due:
            self._lanes.add((receiver.id, head.event.event.entity))
            tasks.create_task(self._lane(receiver, head))

    async def _lane(self, receiver: events.Receiver, head: rows.Due) -> None:
        """Deliver one entity's events to one receiver, one after the other, for a turn."""
        due: rows.Due | None = head
        try:
            for _ in range(self._pace.turn):
                if due is None:
                    break
                attempt = self._judge(due, await self._deliver(receiver, due.event.event))
                self._count(receiver.id, attempt)
                due = await self._store.write(
                    functools.partial(self._record, receiver=receiver.id, due=due, attempt=attempt)
                )
        except errors.StoreUnavailable as error:
            # delivered but not recorded: it is delivered again, by the same id
            self._log.warning("outbox cannot record a delivery", reason=str(error))
            await asyncio.sleep(self._pace.tick)
        finally:
            self._lanes.discard((receiver.id, head.event.event.entity))
            self._hot.add(receiver.id)
            self._wake.set()

    async def _deliver(self, receiver: events.Receiver, event: events.Event) -> events.Attempt:
        try:
            async with asyncio.timeout(self._pace.deadline):
                return await receiver.deliver(event)
        except TimeoutError:
            reason = f"no answer in {self._pace.deadline:g} s"
        except Exception as error:  # noqa: BLE001  the lane must live; the event stays pending
            self._log.exception("a receiver broke its contract", receiver=receiver.id)
            reason = f"defect in the receiver: {error!r}"
        return events.Attempt(events.Delivery.RETRY, reason)

    def _judge(self, due: rows.Due, attempt: events.Attempt) -> events.Attempt:
        """Out of patience, a retry becomes a case for a person."""
        waited = self._clock.now() - due.event.event.at
        if attempt.delivery is not events.Delivery.RETRY or waited < self._pace.patience:
            return attempt
        return events.Attempt(
            events.Delivery.PARKED,
            f"not accepted in {self._pace.patience.days} days, last: {attempt.reason}",
        )

    def _count(self, receiver: str, attempt: events.Attempt) -> None:
        name = _COUNTED[attempt.delivery]
        old: int = getattr(self._counters, name)
        self._counters = dataclasses.replace(self._counters, **{name: old + 1})
        self._standing[receiver] = pace.after(
            self._of(receiver),
            attempt,
            self._pace,
            self._clock.monotonic(),
            random.random(),  # noqa: S311  jitter need not be secret
        )

    def _record(
        self, connection: sa.Connection, receiver: str, due: rows.Due, attempt: events.Attempt
    ) -> rows.Due | None:
        """Write what became of an attempt; the entity's next delivery when it may follow at once."""
        now = self._clock.now()
        number, event = due.event.number, due.event.event
        write = functools.partial(
            rows.change, connection, receiver, number, now=now, reason=attempt.reason
        )
        tried = due.attempts + 1
        match attempt.delivery:
            case events.Delivery.DONE:
                write(state=State.DONE, attempts=tried, next_at=now)
                if due.troubled:
                    self._heed(connection, news.Accepted(receiver, event.entity))
                return rows.head(connection, receiver, event.entity, now)
            case events.Delivery.RETRY:
                pause = pace.pause_after(tried, attempt.retry_after, self._pace, random.random())  # noqa: S311  as above
                write(state=State.PENDING, attempts=tried, next_at=now + pause)
                return None
            case events.Delivery.PARKED:
                write(state=State.PARKED, attempts=tried, next_at=now)
            case events.Delivery.STOPPED:
                write(state=State.PENDING, attempts=tried, next_at=now)
                if not rows.stop(connection, receiver, attempt.reason, now):
                    return None
        halt = news.Halt(receiver, attempt.delivery, event.entity, event.id, attempt.reason)
        self._report(connection, halt)
        return None
