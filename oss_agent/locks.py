"""Decides which of several processes on one database is which.

A slot is a process's identity to the workflow engine. It lives as long as its holder: no heartbeat
rows, no clocks to agree on. (Device leases are another thing: rows of fulfilment, ended by settling.)

On PostgreSQL they are session advisory locks on one connection of their own. Losing it means that
others hold our locks already, so the process ends at once: that is what bounds a zombie. On SQLite
there is one process by nature; locks on the data directory and on the database refuse a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from oss_agent import database, errors

T = TypeVar("T")

EXIT_LOST: Final = 75
"""EX_TEMPFAIL: a supervisor starts the process again."""

SLOTS: Final = 64
_SLOT: Final = 0x0A6E01
"""The first key of the advisory locks, for ever; the second is the slot's number."""
_WATCH_EVERY: Final = 2.0


class Locks(Protocol):
    """Slots that end with this process. One is held once: taking it again says True."""

    async def take(self, slot: int) -> bool:
        """Take it if it is free; never waits for another holder."""
        ...


async def take_slot(locks: Locks) -> str:
    """Take the first free slot; its name, e.g. ``slot-0``, is this process's executor id.

    ConfigurationError when every slot is taken.
    """
    for number in range(SLOTS):
        if await locks.take(number):
            return f"slot-{number}"
    raise errors.ConfigurationError(
        f"{SLOTS} processes hold slots on this database already: stop some of them"
    )


def open_locks(
    url: str, data: Path, *, lost: Callable[[str], None] | None = None
) -> AbstractAsyncContextManager[Locks]:
    """Return the locks of a database, for ``async with``. ``data`` is the data directory.

    ``lost(reason)`` is called in another thread when PostgreSQL took our locks from us; by default
    it ends the process, and anything milder leaves a zombie that acts without them.
    ConfigurationError when another process uses the same data directory or database (SQLite);
    StoreUnavailable when PostgreSQL cannot be reached.
    """
    parsed = database.parse(url)
    file = database.file_of(parsed)
    if file is not None:
        return _alone(data, file.resolve())
    return _advisory(parsed, lost or _end_process)


class _Granted:
    """Every slot is free for the only process."""

    async def take(self, slot: int) -> bool:
        del slot
        return True


@asynccontextmanager
async def _alone(data: Path, file: Path) -> AsyncIterator[Locks]:
    """Both: two data directories may name one database, and two databases one data directory."""
    mark = file.with_name(f"{file.name}.running")
    with _only(data / "running", str(data), "choose another data directory"):
        if not mark.parent.is_dir():  # the database says so itself, in its own words
            yield _Granted()
            return
        with _only(mark, f"the database {file}", "name another in store.url"):
            yield _Granted()


@contextlib.contextmanager
def _only(path: Path, what: str, instead: str) -> Iterator[None]:
    # never deleted: a lock on a deleted file would let a second process lock a new one
    try:
        held = path.open("a+", encoding="ascii")
    except OSError as bad:
        raise errors.ConfigurationError(
            f"{path}: {bad.strerror}; let this user write there, or {instead}"
        ) from bad
    with held as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise errors.ConfigurationError(
                f"another oss-agent (pid {file.read().strip() or 'unknown'}) is running on "
                f"{what}: stop it, or {instead}"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _end_process(reason: str) -> None:
    # No clean-up on purpose: another process may own our work by now, every further write is wrong.
    sys.stderr.write(f"oss-agent: lost its locks on the database ({reason}): ends at once\n")
    sys.stderr.flush()
    os._exit(EXIT_LOST)


@asynccontextmanager
async def _advisory(url: sa.URL, lost: Callable[[str], None]) -> AsyncIterator[Locks]:
    session = _Session(url, lost)
    await session.open()
    try:
        yield session
    finally:
        await session.close()


class _Session:
    """One connection that holds the locks, in a thread that also watches over it."""

    def __init__(self, url: sa.URL, lost: Callable[[str], None]) -> None:
        self._engine = database.session(url)
        self._lost = lost
        self._held: set[int] = set()
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        # a thread of its own: the loop may be busy or frozen, and its default threads end early
        threading.Thread(target=self._run, args=(opened,), name="locks", daemon=True).start()
        await opened

    async def close(self) -> None:
        self._jobs.put(None)
        await self._closed

    async def take(self, slot: int) -> bool:
        return await self._do(lambda: self._take(slot))

    async def _do(self, work: Callable[[], T]) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def job() -> None:
            try:
                result = work()
            except exc.DBAPIError as error:
                unavailable = errors.StoreUnavailable(f"the locks are lost: {error.orig}")
                _answer(done, lambda: done.set_exception(unavailable))
                raise
            _answer(done, lambda: done.set_result(result))

        self._jobs.put(job)
        return await done

    def _take(self, slot: int) -> bool:
        if slot not in self._held and self._ask(sa.func.pg_try_advisory_lock(_SLOT, slot)):
            self._held.add(slot)
        return slot in self._held

    def _ask(self, question: sa.ColumnElement[Any]) -> Any:
        return self._connection.execute(sa.select(question)).scalar_one()

    def _run(self, opened: asyncio.Future[None]) -> None:
        try:
            self._connection = self._engine.connect()
        except exc.DBAPIError as error:
            unavailable = errors.StoreUnavailable(f"no locks without the database: {error.orig}")
            _answer(opened, lambda: opened.set_exception(unavailable))
            return
        _answer(opened, lambda: opened.set_result(None))
        try:
            while (job := self._next()) is not None:
                job()
        except exc.DBAPIError as error:
            self._lost(str(error.orig).strip())
        self._connection.close()
        _answer(self._closed, lambda: self._closed.set_result(None))

    def _next(self) -> Callable[[], object] | None:
        try:
            return self._jobs.get(timeout=_WATCH_EVERY)
        except queue.Empty:
            return lambda: self._ask(sa.literal(1))


def _answer(future: asyncio.Future[Any], settle: Callable[[], None]) -> None:
    def unless_done() -> None:
        if not future.done():
            settle()

    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
        future.get_loop().call_soon_threadsafe(unless_done)
