"""A program that appends events and delivers them into a file, until it is killed.

``python outbox_victim.py URL LOG FIRST COUNT``: events FIRST to FIRST+COUNT-1 of four entities are
appended, each number printed once it is stored; every delivery is a line ``RECEIVER ENTITY NUMBER``.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from datetime import UTC, datetime

import sqlalchemy as sa

from oss_agent import outbox, store
from oss_agent.clock import SystemClock
from oss_agent.spi import events


class FileReceiver:
    def __init__(self, name: str, file: int) -> None:
        self.id = name
        self._file = file

    def wants(self, event: events.Event) -> bool:
        del event
        return True

    async def deliver(self, event: events.Event) -> events.Attempt:
        number = event.payload["number"]
        os.write(self._file, f"{self.id} {event.entity} {number}\n".encode())
        return events.Attempt(events.Delivery.DONE)


class Listening:
    def __init__(self, *receivers: events.Receiver) -> None:
        self._receivers = receivers

    async def current(self) -> tuple[events.Receiver, ...]:
        return self._receivers


def _event(number: int) -> events.Event:
    return events.Event(
        id=f"event-{number}",
        kind=events.EventKind.SERVICE_STATE,
        tenant="default",
        entity=f"service:{number % 4}",
        at=datetime.now(UTC),
        payload={"number": number},
    )


def _report(connection: sa.Connection, halt: outbox.Halt) -> None:
    del connection
    raise AssertionError(halt)


async def main(url: str, log: str, first: int, count: int) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    listening = Listening(FileReceiver("a", file), FileReceiver("b", file))
    async with store.open_store(url) as it, asyncio.TaskGroup() as tasks:
        await it.write(outbox.METADATA.create_all)
        box = outbox.Outbox(it, listening, SystemClock(), _report)
        tasks.create_task(box.run())
        for number in range(first, first + count):
            await it.write(functools.partial(box.append, event=_event(number)))
            os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
