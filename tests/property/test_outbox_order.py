"""Whatever receivers answer, an entity's events reach each of them in the order of appending."""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections import defaultdict
from datetime import UTC, datetime

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_agent import outbox, store
from oss_agent.clock import SystemClock
from oss_agent.outbox import desk
from oss_agent.spi import events
from oss_agent.spi.events import Attempt, Delivery

_PACE = outbox.Pace(tick=0.01, first_pause=0.0005, longest_pause=0.002, parallel=3, turn=2)
_ANSWERS = st.sampled_from([Delivery.DONE, Delivery.RETRY, Delivery.PARKED])
_plans = st.lists(
    st.tuples(st.integers(0, 2), st.lists(_ANSWERS, max_size=3), st.lists(_ANSWERS, max_size=3)),
    max_size=12,
)
"""Per event: its entity, and what each of two receivers answers, one after the other, then done."""


class Scripted:
    def __init__(self, name: str, script: list[list[Delivery]]) -> None:
        self.id = name
        self._script = [iter(answers) for answers in script]
        self.log: list[tuple[int, Delivery]] = []

    def wants(self, event: events.Event) -> bool:
        del event
        return True

    async def deliver(self, event: events.Event) -> Attempt:
        number: int = event.payload["number"]
        await asyncio.sleep(0)
        answer = next(self._script[number], Delivery.DONE)
        self.log.append((number, answer))
        return Attempt(answer, "as scripted")


class Listening:
    def __init__(self, *receivers: events.Receiver) -> None:
        self._receivers = receivers

    async def current(self) -> tuple[events.Receiver, ...]:
        return self._receivers


def _expected(entities: list[int], script: list[list[Delivery]]) -> dict[int, list[int]]:
    """Per entity the numbers that are attempted, in order: up to and with the first parked one."""
    attempted: dict[int, list[int]] = defaultdict(list)
    blocked: set[int] = set()
    for number, entity in enumerate(entities):
        if entity in blocked:
            continue
        attempted[entity].append(number)
        final = next((a for a in script[number] if a is not Delivery.RETRY), Delivery.DONE)
        if final is Delivery.PARKED:
            blocked.add(entity)
    return attempted


def _event(number: int, entity: int) -> events.Event:
    return events.Event(
        id=f"e{number}",
        kind=events.EventKind.ALARM_CREATE,
        tenant="default",
        entity=f"alarm:{entity}",
        at=datetime.now(UTC),
        payload={"number": number},
    )


def _ignore(connection: sa.Connection, halt: outbox.Halt) -> None:
    del connection, halt


async def _play(entities: list[int], receivers: list[Scripted]) -> None:
    """Run the outbox until nothing can move any more."""
    with tempfile.TemporaryDirectory() as folder:
        async with store.open_store(f"sqlite:///{folder}/agent.db") as it:
            await it.write(outbox.METADATA.create_all)
            box = outbox.Outbox(it, Listening(*receivers), SystemClock(), _ignore, _PACE)
            role = asyncio.create_task(box.run())
            for number, entity in enumerate(entities):
                await it.write(functools.partial(box.append, event=_event(number, entity)))
            async with asyncio.timeout(300):
                at_rest = functools.partial(_at_rest, total=len(entities))
                while not await it.read(at_rest):  # noqa: ASYNC110  the database sends no signal
                    await asyncio.sleep(0.005)
            role.cancel()
            await asyncio.gather(role, return_exceptions=True)


def _at_rest(connection: sa.Connection, total: int) -> bool:
    """Every event has its rows, and what is pending stands behind something parked."""
    rows = desk.deliveries(connection, limit=1000)
    parked = {(row.receiver, row.entity) for row in rows if row.state is outbox.State.PARKED}
    moving = [r for r in rows if r.state == "pending" and (r.receiver, r.entity) not in parked]
    return len(rows) == 2 * total and not moving


@settings(max_examples=40, deadline=None)
@given(plan=_plans)
def test_order_is_kept_per_receiver_and_entity(
    plan: list[tuple[int, list[Delivery], list[Delivery]]],
) -> None:
    entities = [entity for entity, _, _ in plan]
    scripts = [[list(one[1]) for one in plan], [list(one[2]) for one in plan]]
    receivers = [Scripted("a", scripts[0]), Scripted("b", scripts[1])]
    asyncio.run(_play(entities, receivers))

    for receiver, script in zip(receivers, scripts, strict=True):
        told: dict[int, list[int]] = defaultdict(list)
        for number, _answer in receiver.log:
            if told[entities[number]][-1:] != [number]:  # a retry of the same one
                told[entities[number]].append(number)

        assert told == _expected(entities, script)
