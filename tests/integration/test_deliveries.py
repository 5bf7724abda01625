"""An operator's word about a delivery reaches the operator's own tenant only."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from oss_agent import errors, outbox, store
from oss_agent.api import outbox as api
from oss_agent.app.deliveries import Deliveries
from oss_agent.clock import SystemClock
from oss_agent.outbox import desk, rows
from oss_agent.spi import events


class Refusing:
    """A receiver that does not know us until it is mended."""

    id = "billing"
    mended = False

    def wants(self, event: events.Event) -> bool:
        return event.kind is events.EventKind.SERVICE_STATE

    async def deliver(self, event: events.Event) -> events.Attempt:
        if self.mended:
            return events.Attempt(events.Delivery.DONE)
        return events.Attempt(events.Delivery.STOPPED, f"401 for {event.id}")


class Only:
    def __init__(self, receiver: Refusing) -> None:
        self._receiver = receiver

    async def current(self) -> tuple[events.Receiver, ...]:
        return (self._receiver,)


_OPEN = api.Asked("billing", ("pending", "parked"), 0, 100)


def _shown(event: events.Event) -> dict[str, str]:
    return {"id": event.id}


def _event_of(told: api.Told) -> events.Event:
    return dataclasses.replace(_event(), at=told.event.at)


@pytest.mark.parametrize("word", ["e1", None])
def test_a_stopped_receiver_is_told_again_by_its_own_tenant_alone(
    database_url: str, word: str | None
) -> None:
    async def story() -> None:
        receiver = Refusing()
        async with store.open_store(database_url) as it, asyncio.TaskGroup() as group:
            await it.write(outbox.METADATA.create_all)
            box = outbox.Outbox(it, Only(receiver), SystemClock(), _heard)
            role = group.create_task(box.run())
            told = Deliveries(it, box, SystemClock(), _shown)
            await it.write(lambda c: box.append(c, _event()))
            await _until(lambda: it.read(lambda c: bool(rows.stopped(c))))
            assert [one.event_id for one in await told.find("acme", _OPEN)] == ["e1"]
            assert await told.find("other", _OPEN) == []
            (backlog,) = await told.receivers("acme")
            assert (backlog.receiver, backlog.pending, backlog.stopped) == (
                "billing",
                1,
                "401 for e1",
            )
            assert await told.receivers("other") == []
            seen = await told.event("acme", "e1")
            assert (seen.event, seen.sent) == (_event_of(seen), {"id": "e1"})
            assert [one.attempts for one in seen.deliveries] == [1]
            with pytest.raises(errors.NotFound):
                await told.event("other", "e1")

            for tenant, name, event in (
                ("other", "billing", "e1"),
                ("acme", "nobody", "e1"),
                ("acme", "billing", "e9"),
                ("acme", "nobody", None),
                ("other", "billing", None),
            ):
                with pytest.raises(errors.NotFound):
                    await told.again(tenant, name, event)
            assert await it.read(rows.stopped), "a refused word starts nothing"

            receiver.mended = True
            assert await told.again("acme", "billing", word) == 1
            await _until(lambda: it.read(lambda c: not desk.backlog(c)))
            assert await told.find("acme", _OPEN) == []
            done = dataclasses.replace(_OPEN, states=("done",))
            assert [one.event_id for one in await told.find("acme", done)] == ["e1"]
            role.cancel()

    asyncio.run(story())


def _heard(connection: sa.Connection, halt: outbox.Halt) -> None:
    """The alarm is another test's."""


def _event() -> events.Event:
    kind = events.EventKind.SERVICE_STATE
    return events.Event("e1", kind, "acme", "service:1", datetime.now(UTC), {"number": 1})


async def _until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(300):
        while not await look():  # noqa: ASYNC110  the database sends no signal
            await asyncio.sleep(0.01)
