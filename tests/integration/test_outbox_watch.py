"""Who is late, dead or gone is noticed, a person is called, and one word makes it go on."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event as sa_event

from oss_agent import outbox, store
from oss_agent.app import complaints
from oss_agent.assurance import alarm_rows, tables
from oss_agent.assurance.alarms import AlarmDesk
from oss_agent.clock import SystemClock
from oss_agent.outbox import desk, rows
from oss_agent.spi import clock, events
from oss_agent.spi.alarms import AlarmKey
from oss_agent.spi.events import Attempt, Delivery
from oss_agent.spi.views import AlarmView

_PACE = outbox.Pace(tick=0.01, first_pause=0.001, longest_pause=0.002)
_HALTED = AlarmKey("receiver:hub:1", "communicationsAlarm", "communicationsSubsystemFailure")
_LATE = AlarmKey("receiver:hub:1", "qualityOfServiceAlarm", "responseTimeExcessive")


@dataclasses.dataclass
class ShiftedClock:
    """The system's clock, ahead by what a test says."""

    ahead: timedelta = timedelta()
    system: SystemClock = dataclasses.field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.system.now() + self.ahead

    def monotonic(self) -> float:
        return self.system.monotonic()

    def boot(self) -> clock.BootTime:
        return self.system.boot()


@dataclasses.dataclass
class Listener:
    """Answers as told; counts how many deliveries it had at once."""

    id: str = "hub:1"
    answer: Attempt = dataclasses.field(default_factory=lambda: Attempt(Delivery.DONE))
    takes: float = 0.0
    tried: int = 0
    busy: int = 0
    most: int = 0

    def wants(self, event: events.Event) -> bool:
        return event.kind is events.EventKind.SERVICE_STATE

    async def deliver(self, event: events.Event) -> Attempt:
        del event
        self.tried += 1
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(self.takes)
        self.busy -= 1
        return self.answer


@dataclasses.dataclass
class Scene:
    """An outbox with its watch, and the alarms that they raise."""

    rows: store.SqlStore
    box: outbox.Outbox
    watch: outbox.Watch
    another_watch: Callable[[], outbox.Watch]
    time: ShiftedClock
    listeners: list[Listener]
    gone: set[str]

    async def append(self, *numbers: int, entity: str = "service:{}") -> None:
        for number in numbers:
            one = events.Event(
                f"e{number}",
                events.EventKind.SERVICE_STATE,
                "default",
                entity.format(number),
                self.time.now(),
                {},
            )
            await self.rows.write(functools.partial(self.box.append, event=one))

    async def alarm(self, key: AlarmKey) -> AlarmView | None:
        found = await self.rows.read(lambda c: alarm_rows.open_of(c, key))
        return found if found is not None and found.state != "cleared" else None

    async def states(self) -> dict[str, str]:
        found = await self.rows.read(lambda c: desk.deliveries(c, receiver="hub:1"))
        return {one.event_id: one.state.value for one in found}

    async def tried(self, times: int = 1) -> None:
        await until(lambda: _true(self.listeners[0].tried >= times))

    async def all_done(self) -> None:
        await until(self._nothing_open)

    async def _nothing_open(self) -> bool:
        states = await self.states()
        return bool(states) and set(states.values()) == {"done"}


async def _true(value: bool) -> bool:  # noqa: FBT001  it is its own answer
    return value


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(300):
        while not await look():  # noqa: ASYNC110  the database sends no signal
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def playing(url: str, *listeners: Listener) -> AsyncIterator[Scene]:
    time, present, gone = ShiftedClock(), list(listeners), set[str]()

    class Current:
        async def current(self) -> tuple[events.Receiver, ...]:
            return tuple(present)

    async def removed(receivers: Collection[str]) -> frozenset[str]:
        return frozenset(receivers) & gone

    async with store.open_store(url) as it:
        await it.write(outbox.METADATA.create_all)
        await it.write(tables.METADATA.create_all)
        said = complaints.Complaints(it, time)
        box = outbox.Outbox(it, Current(), time, said.undelivered, _PACE, said.heed)
        said.go_to(AlarmDesk(box.append))
        watching = functools.partial(
            outbox.Watch, it, removed, time, said.undelivered, said.heed, _PACE
        )
        role = asyncio.create_task(box.run())
        try:
            yield Scene(it, box, watching(), watching, time, present, gone)
        finally:
            role.cancel()
            await asyncio.gather(role, return_exceptions=True)


_AWAY = Attempt(Delivery.RETRY, "ConnectError: connection refused")


def test_a_dead_listener_is_disabled_with_an_alarm_and_one_word_enables_it(
    database_url: str,
) -> None:
    async def story() -> None:
        async with playing(database_url, Listener(answer=_AWAY)) as it:
            await it.append(1, 2)
            await it.tried()
            it.time.ahead = timedelta(days=2, hours=23)
            await it.watch.look()
            assert await it.rows.read(rows.stopped) == {}, "late, not dead yet"
            it.time.ahead = timedelta(days=3, minutes=1)
            await it.watch.look()

            assert await it.rows.read(rows.stopped) == {
                "hub:1": "it has accepted nothing for 3 days"
            }
            alarm = await it.alarm(_HALTED)
            assert alarm is not None
            assert alarm.text.endswith("then say: oss-agent outbox redeliver hub:1")
            assert await it.alarm(_LATE) is None, "one alarm says it"
            assert set((await it.states()).values()) == {"pending"}, "nothing is lost"

            it.listeners[0].answer = Attempt(Delivery.DONE)
            now = it.time.now()
            await it.rows.write(lambda c: desk.redeliver_all(c, "default", "hub:1", now))
            await it.rows.write(lambda c: desk.restart(c, "hub:1", now))
            await it.watch.look()
            assert await it.rows.read(rows.stopped) == {}, "it gets its time anew"
            it.box.wake()
            await it.all_done()
            assert await it.alarm(_HALTED) is None

    asyncio.run(story())


def test_a_listener_that_accepts_anything_is_not_dead(database_url: str) -> None:
    async def story() -> None:
        async with playing(database_url, Listener(answer=_AWAY)) as it:
            await it.append(1)
            await it.tried()
            it.time.ahead = timedelta(days=4)
            it.listeners[0].answer = Attempt(Delivery.DONE)
            await it.append(2)
            await it.all_done()
            it.listeners[0].answer = _AWAY
            await it.append(3)
            await it.tried(it.listeners[0].tried + 1)
            it.time.ahead = timedelta(days=6)
            await it.watch.look()
            assert await it.rows.read(rows.stopped) == {}

    asyncio.run(story())


@pytest.mark.parametrize("knowing", [True, False], ids=["", "restarted meanwhile"])
def test_lateness_is_an_alarm_while_it_lasts(database_url: str, *, knowing: bool) -> None:
    async def story() -> None:
        async with playing(database_url, Listener(answer=_AWAY)) as it:
            await it.append(1)
            await it.tried()
            it.time.ahead = timedelta(minutes=14)
            await it.watch.look()
            assert await it.alarm(_LATE) is None
            it.time.ahead = timedelta(minutes=16)
            await it.watch.look()
            await it.watch.look()
            alarm = await it.alarm(_LATE)
            assert alarm is not None
            assert alarm.count == 2
            assert "oss-agent outbox list --receiver hub:1" in alarm.text

            it.listeners[0].answer = Attempt(Delivery.DONE)
            it.box.wake()
            await it.all_done()
            await (it.watch if knowing else it.another_watch()).look()
            assert await it.alarm(_LATE) is None

    asyncio.run(story())


def test_what_a_removed_listener_should_have_is_given_up(database_url: str) -> None:
    async def story() -> None:
        parking = Listener(answer=Attempt(Delivery.PARKED, "422"))
        async with playing(database_url, parking) as it:
            await it.append(1, 2)
            await it.tried(2)
            key = dataclasses.replace(_HALTED, alarmed_object="receiver:hub:1:service:1")
            await until(lambda: _open(it, key))
            it.listeners.clear()
            await it.watch.look()
            assert set((await it.states()).values()) == {"parked"}, "nobody took it away"
            it.gone.add("hub:1")
            await it.watch.look()
            assert set((await it.states()).values()) == {"skipped"}
            assert await it.alarm(key) is None
            assert await it.rows.read(desk.backlog) == []

    asyncio.run(story())


async def _open(it: Scene, key: AlarmKey) -> bool:
    return await it.alarm(key) is not None


def test_a_failing_listener_holds_one_connection_not_eight(database_url: str) -> None:
    async def story() -> None:
        slow, well = Listener(answer=_AWAY, takes=0.02), Listener(id="hub:2")
        async with playing(database_url, slow, well) as it:
            await it.append(*range(12))
            await until(lambda: _true(slow.tried >= 9 and slow.busy <= 1))
            slow.most = 0
            await until(lambda: _true(well.tried >= 12))
            await it.tried(14)
            assert slow.most <= 1

    asyncio.run(story())


def test_what_everybody_has_is_forgotten_after_a_month(database_url: str) -> None:
    async def story() -> None:
        async with playing(database_url, Listener()) as it:
            await it.append(1)
            await it.all_done()
            it.time.ahead = timedelta(days=29)
            await it.append(2)
            await until(lambda: _has(it, "e2"))
            it.time.ahead = timedelta(days=31)
            await it.watch.look()
            assert await it.states() == {"e2": "done"}

    asyncio.run(story())


async def _has(it: Scene, event: str) -> bool:
    return (await it.states()).get(event) == "done"


def test_the_database_finds_what_is_due_by_its_indexes() -> None:
    """Without them each look would read a receiver's whole history."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    said: list[str] = []
    with engine.begin() as connection:
        outbox.METADATA.create_all(connection)
        sa_event.listen(engine, "before_cursor_execute", _keep(said))
        rows.heads(connection, "hub:1", busy=(), now=datetime.now(UTC), limit=8)
        rows.head(connection, "hub:1", "service:1", datetime.now(UTC))
        rows.waiting(connection)
        rows.unspread(connection, limit=500)
        heads, head, waiting, new = (_plan(connection, one) for one in said[:4])
    engine.dispose()
    assert "out_delivery_next (receiver=?)" in heads
    assert "out_delivery_open (receiver=? AND entity=? AND event<?)" in heads
    assert "out_delivery_open (receiver=? AND entity=?)" in head
    assert "INDEX out_delivery_next" in waiting
    assert "INDEX out_event_unspread" in new


def _keep(said: list[str]) -> Callable[..., None]:
    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    return listen


def _plan(connection: sa.Connection, statement: str) -> str:
    values = ("x",) * statement.count("?")
    return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
