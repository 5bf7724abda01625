from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from oss_agent import errors, outbox, store
from oss_agent.clock import SystemClock
from oss_agent.outbox import desk
from oss_agent.spi import events
from oss_agent.spi.events import Attempt, Delivery

_PACE = outbox.Pace(tick=0.02, first_pause=0.001, longest_pause=0.01, deadline=5)
_DONE = Attempt(Delivery.DONE)


def event(number: int, entity: str = "service:1", at: datetime | None = None) -> events.Event:
    return events.Event(
        id=f"e{number}",
        kind=events.EventKind.SERVICE_STATE,
        tenant="default",
        entity=entity,
        at=at or datetime.now(UTC),
        payload={"number": number, "text": "straße"},
    )


Answer = Callable[[events.Event], Awaitable[Attempt]]


class Receiver:
    """Answers as told and notes every attempt."""

    def __init__(self, name: str, answer: Answer | None = None) -> None:
        self.id = name
        self.answer = answer
        self.attempted: list[str] = []

    def wants(self, event: events.Event) -> bool:
        number: int = event.payload["number"]
        return number >= 0

    async def deliver(self, event: events.Event) -> Attempt:
        self.attempted.append(event.id)
        return _DONE if self.answer is None else await self.answer(event)


def always(attempt: Attempt, *, but: frozenset[str] = frozenset()) -> Answer:
    async def answer(event: events.Event) -> Attempt:
        return _DONE if event.entity in but else attempt

    return answer


@dataclass
class Scene:
    """A running outbox with its receivers."""

    store: store.SqlStore
    box: outbox.Outbox
    receivers: list[events.Receiver]
    halts: list[outbox.Halt] = field(default_factory=list[outbox.Halt])

    async def append(self, *appended: events.Event) -> None:
        for one in appended:
            await self.store.write(functools.partial(self.box.append, event=one))

    async def current(self) -> tuple[events.Receiver, ...]:
        return tuple(self.receivers)

    async def states(self, receiver: str) -> dict[str, str]:
        rows = await self.store.read(functools.partial(desk.deliveries, receiver=receiver))
        return {row.event_id: row.state.value for row in rows}

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(300):
            while not await condition():  # noqa: ASYNC110  the database sends no signal
                await asyncio.sleep(0.01)

    async def done(self, receiver: str, *ids: str) -> None:
        async def all_done() -> bool:
            states = await self.states(receiver)
            return all(states.get(one) == "done" for one in ids)

        await self.until(all_done)


@asynccontextmanager
async def playing(
    url: str, *receivers: Receiver, pace: outbox.Pace = _PACE
) -> AsyncIterator[Scene]:
    listening: list[events.Receiver] = list(receivers)
    async with store.open_store(url) as it:
        await it.write(outbox.METADATA.create_all)
        halts: list[outbox.Halt] = []

        def report(connection: sa.Connection, halt: outbox.Halt) -> None:
            assert connection.in_transaction()
            halts.append(halt)

        class Current:
            async def current(self) -> tuple[events.Receiver, ...]:
                return tuple(listening)

        box = outbox.Outbox(it, Current(), SystemClock(), report, pace)
        role = asyncio.create_task(box.run())
        try:
            yield Scene(it, box, listening, halts)
        finally:
            role.cancel()
            await asyncio.gather(role, return_exceptions=True)


def test_events_reach_everyone_who_wants_them_once_and_whole(database_url: str) -> None:
    async def body() -> None:
        got: list[events.Event] = []

        async def keep(event: events.Event) -> Attempt:
            got.append(event)
            return _DONE

        async with playing(database_url, Receiver("a", keep), Receiver("b")) as scene:
            sent = event(1)
            await scene.append(sent, event(-1), sent)
            await scene.done("a", "e1")
            await scene.done("b", "e1")

            assert got == [sent]
            assert await scene.states("a") == {"e1": "done"}, "one row: the id was appended twice"
            assert scene.box.counters().done == 2

    asyncio.run(body())


def test_a_rolled_back_unit_tells_nobody(database_url: str) -> None:
    async def body() -> None:
        receiver = Receiver("a")
        async with playing(database_url, receiver) as scene:

            def spoiled(connection: sa.Connection) -> None:
                scene.box.append(connection, event(1))
                raise ValueError("on purpose")

            with pytest.raises(ValueError, match="on purpose"):
                await scene.store.write(spoiled)
            await scene.append(event(2))
            await scene.done("a", "e2")

            assert receiver.attempted == ["e2"]

    asyncio.run(body())


def test_an_appended_event_is_told_at_once_not_at_the_next_tick(database_url: str) -> None:
    async def body() -> None:
        slow_tick = outbox.Pace(tick=3600)
        async with playing(database_url, Receiver("a"), pace=slow_tick) as scene:
            await scene.append(event(1))
            await scene.done("a", "e1")
            await scene.append(event(2), event(3, "service:2"))
            await scene.done("a", "e2", "e3")

    asyncio.run(body())


def test_a_listener_that_comes_later_gets_what_happens_from_then_on(database_url: str) -> None:
    async def body() -> None:
        late = Receiver("late")
        async with playing(database_url, Receiver("a")) as scene:
            await scene.append(event(1))
            await scene.done("a", "e1")
            scene.receivers.append(late)
            await scene.append(event(2))
            await scene.done("late", "e2")

            assert late.attempted == ["e2"]

    asyncio.run(body())


def test_a_hanging_receiver_stalls_neither_the_other_nor_its_own_other_entities(
    database_url: str,
) -> None:
    async def body() -> None:
        async def hang(event: events.Event) -> Attempt:
            if event.entity == "service:stuck":
                await asyncio.sleep(3600)
            return _DONE

        many = [event(n, f"service:{n}") for n in range(2, 40)]
        async with playing(database_url, Receiver("slow", hang), Receiver("quick")) as scene:
            await scene.append(event(1, "service:stuck"), *many)
            await scene.done("quick", "e1", *(one.id for one in many))
            await scene.done("slow", *(one.id for one in many))

            assert (await scene.states("slow"))["e1"] == "pending"

    asyncio.run(body())


def test_a_refused_event_parks_its_entity_at_that_receiver_until_a_person_decides(
    database_url: str,
) -> None:
    async def body() -> None:
        strict = Receiver("strict")
        parked = Attempt(Delivery.PARKED, "422 no\x1b[31m such\ncustomer")
        strict.answer = always(parked, but=frozenset({"service:2"}))
        async with playing(database_url, strict, Receiver("lax")) as scene:
            await scene.append(event(1), event(2), event(3, "service:2"))
            await scene.done("lax", "e1", "e2", "e3")
            await scene.done("strict", "e3")
            await scene.until(lambda: _is(scene, "strict", "e1", "parked"))

            assert await scene.states("strict") == {"e1": "parked", "e2": "pending", "e3": "done"}
            assert [(h.receiver, h.delivery, h.event_id) for h in scene.halts] == [
                ("strict", Delivery.PARKED, "e1")
            ]
            (shown,) = await scene.store.read(functools.partial(desk.deliveries, states=(_PARKED,)))
            assert shown.reason == "422 no [31m such customer", "foreign text is made printable"
            (backlog,) = await scene.store.read(desk.backlog)
            assert (backlog.receiver, backlog.pending, backlog.parked) == ("strict", 1, 1)

            strict.answer = None
            now = datetime.now(UTC)
            await scene.store.write(lambda c: desk.redeliver(c, "strict", "e1", now))
            scene.box.wake()
            await scene.done("strict", "e1", "e2")
            assert await scene.store.read(desk.backlog) == []

    asyncio.run(body())


_PARKED = outbox.State.PARKED


async def _is(scene: Scene, receiver: str, event_id: str, state: str) -> bool:
    return (await scene.states(receiver)).get(event_id) == state


def test_a_skipped_event_lets_its_entity_go_on(database_url: str) -> None:
    async def body() -> None:
        async def refuse_first(event: events.Event) -> Attempt:
            return Attempt(Delivery.PARKED, "422") if event.id == "e1" else _DONE

        async with playing(database_url, Receiver("a", refuse_first)) as scene:
            await scene.append(event(1), event(2))
            await scene.until(lambda: _is(scene, "a", "e1", "parked"))
            now = datetime.now(UTC)
            await scene.store.write(lambda c: desk.skip(c, "a", "e1", "by ann: obsolete", now))
            await scene.done("a", "e2")
            with pytest.raises(errors.NotFound):
                await scene.store.write(lambda c: desk.skip(c, "a", "e9", "", now))

    asyncio.run(body())


def test_a_receiver_that_refuses_us_is_stopped_until_restarted(database_url: str) -> None:
    async def body() -> None:
        strict = Receiver("strict", always(Attempt(Delivery.STOPPED, "401")))
        async with playing(database_url, strict, Receiver("lax")) as scene:
            await scene.append(event(1))
            await scene.until(lambda: _halted(scene))
            await scene.append(event(2, "service:2"))
            await scene.done("lax", "e1", "e2")

            assert strict.attempted == ["e1"]
            assert [h.delivery for h in scene.halts] == [Delivery.STOPPED]
            (backlog,) = await scene.store.read(desk.backlog)
            assert (backlog.pending, backlog.stopped) == (2, "401")

            strict.answer = None
            await scene.store.write(lambda c: desk.restart(c, "strict", datetime.now(UTC)))
            scene.box.wake()
            await scene.done("strict", "e1", "e2")

    asyncio.run(body())


async def _halted(scene: Scene) -> bool:
    return bool(scene.halts)


def test_a_receiver_that_asks_for_a_pause_gets_it_for_all_its_entities(database_url: str) -> None:
    async def body() -> None:
        busy = Receiver("busy", always(Attempt(Delivery.RETRY, "429", retry_after=3000)))
        async with playing(database_url, busy, Receiver("free")) as scene:
            await scene.append(event(1))
            await scene.until(lambda: _retried(scene))
            await scene.append(event(2, "service:2"))
            await scene.done("free", "e1", "e2")
            await asyncio.sleep(5 * _PACE.tick)

            assert busy.attempted == ["e1"]

    asyncio.run(body())


async def _retried(scene: Scene) -> bool:
    return scene.box.counters().retried > 0


def test_a_receiver_that_breaks_its_contract_is_tried_again(database_url: str) -> None:
    async def body() -> None:
        tries: dict[str, int] = defaultdict(int)

        async def clumsy(event: events.Event) -> Attempt:
            tries[event.id] += 1
            if tries[event.id] == 1:
                raise ZeroDivisionError
            if tries[event.id] == 2:
                await asyncio.sleep(3600)
            return _DONE

        pace = outbox.Pace(tick=0.02, first_pause=0.001, longest_pause=0.01, deadline=0.05)
        async with playing(database_url, Receiver("clumsy", clumsy), pace=pace) as scene:
            await scene.append(event(1), event(2))
            await scene.done("clumsy", "e1", "e2")

            assert dict(tries) == {"e1": 3, "e2": 3}

    asyncio.run(body())


def test_out_of_patience_an_event_is_parked_for_a_person(database_url: str) -> None:
    async def body() -> None:
        away = Receiver("away", always(Attempt(Delivery.RETRY, "connection refused")))
        async with playing(database_url, away) as scene:
            await scene.append(event(1, at=datetime.now(UTC) - timedelta(days=8)))
            await scene.until(lambda: _is(scene, "away", "e1", "parked"))

            assert "connection refused" in scene.halts[0].reason

    asyncio.run(body())


def test_old_events_are_forgotten_only_when_everyone_has_them(database_url: str) -> None:
    async def body() -> None:
        answer = always(Attempt(Delivery.PARKED, "422"), but=frozenset({"service:2"}))
        async with playing(database_url, Receiver("a", answer), Receiver("b")) as scene:
            await scene.append(event(1), event(2, "service:2"))
            await scene.done("a", "e2")
            await scene.done("b", "e1", "e2")
            await scene.until(lambda: _is(scene, "a", "e1", "parked"))
            future = datetime.now(UTC) + timedelta(days=1)

            old = await scene.store.read(lambda c: desk.forgettable(c, future))
            assert await scene.store.write(lambda c: desk.forget(c, old)) == 1
            assert (await scene.store.read(lambda c: desk.event(c, "e1"))).entity == "service:1"
            with pytest.raises(errors.NotFound):
                await scene.store.read(lambda c: desk.event(c, "e2"))

    asyncio.run(body())
