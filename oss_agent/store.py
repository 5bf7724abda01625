"""Decides when a write counts: one thread runs units in batches and answers after the sync.

Group commit is the reason for the single writer: measured, it carries fifty times the writes of
an asynchronous session per unit, and no two units of one process ever race. The store keeps its
own threads because the workflow engine replaces, and at its end closes, the loop's default ones.
"""

from __future__ import annotations

import asyncio
import dataclasses
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from oss_agent import database, errors

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one store: units that may wait, units in one commit, reads at the same time."""

    queued: int = 10_000
    batch: int = 256
    readers: int = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Counters:
    """Counted since the store opened, except ``queued``, which is now."""

    written: int = 0
    """units committed"""
    failed: int = 0
    """units rolled back by their own error"""
    commits: int = 0
    outages: int = 0
    """batches lost because the database took no writes"""
    refused: int = 0
    """units refused because the queue was full"""
    reads: int = 0
    queued: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a unit: its value, or the error that rolled it back."""

    value: Any = None
    error: Exception | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    """A unit and the task that waits for it."""

    unit: Callable[[sa.Connection], T]
    future: asyncio.Future[T]

    def settle(self, outcome: _Outcome) -> None:
        """Wake the waiting task; on its loop."""
        if self.future.done():  # the waiting task was cancelled
            return
        if isinstance(outcome.error, StopIteration):  # a future refuses to carry it
            self.future.set_exception(RuntimeError("the unit let a StopIteration escape"))
        elif outcome.error is not None:
            self.future.set_exception(outcome.error)
        else:
            self.future.set_result(outcome.value)


def _answer(batch: Sequence[_Request[Any]], outcomes: Sequence[_Outcome]) -> None:
    """Wake who waits for a batch, with one call over to the loop: each costs system calls."""

    def settle() -> None:
        for request, outcome in zip(batch, outcomes, strict=True):
            request.settle(outcome)

    _call(batch[0].future.get_loop(), settle)  # all of them are its store's one loop's


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more, what was committed stands


class _Writer:
    """The writing thread: takes what waits, commits it as one batch, answers."""

    def __init__(self, engine: sa.Engine, limits: Limits, on_broken: Callable[[], None]) -> None:
        self._engine = engine
        self._batch = limits.batch
        self._on_broken = on_broken
        self._connection: sa.Connection | None = None
        # One place more than may wait, so that the request to stop always finds room.
        self._queue: queue.Queue[_Request[Any] | None] = queue.Queue(limits.queued + 1)
        self.broken = ""
        self.written = self.failed = self.commits = self.outages = 0

    @property
    def queued(self) -> int:
        return self._queue.qsize()

    def submit(self, request: _Request[Any] | None) -> None:
        # None asks to stop
        self._queue.put_nowait(request)

    def run(self) -> None:
        """Work until asked to stop; whatever was submitted before is done first."""
        while batch := self._next_batch():
            _answer(batch, self._attempt([request.unit for request in batch]))
        self._drop()

    def _next_batch(self) -> list[_Request[Any]]:
        """Wait for a request and take what else is there; empty when asked to stop."""
        batch: list[_Request[Any]] = []
        request = self._queue.get()
        while request is not None:
            batch.append(request)
            if len(batch) == self._batch or self._queue.empty():
                return batch
            request = self._queue.get_nowait()  # the only taker: it is still there
        if batch:
            self._queue.put_nowait(None)  # finish this batch first; nothing follows the stop
        return batch

    def _attempt(self, units: Sequence[Callable[[sa.Connection], Any]]) -> list[_Outcome]:
        """Run and commit the units; if the batch is lost, every unit has the same outcome."""
        if self.broken:
            return [_Outcome(error=errors.StoreUnavailable(self.broken)) for _ in units]
        try:
            outcomes = self._commit(units)
        except Exception as error:  # noqa: BLE001  the thread must live and every unit get an answer
            reason = self._lost(error)
            return [_Outcome(error=_unavailable(reason, error)) for _ in units]
        failed = sum(outcome.error is not None for outcome in outcomes)
        self.commits += 1
        self.failed += failed
        self.written += len(outcomes) - failed
        return outcomes

    def _commit(self, units: Sequence[Callable[[sa.Connection], Any]]) -> list[_Outcome]:
        if self._connection is None:
            self._connection = self._engine.connect()
        if len(units) == 1:
            return [_run_alone(self._connection, units[0])]
        with self._connection.begin():
            # Core compiles each SAVEPOINT anew, under a new name: sixty times the driver's cost.
            say = self._connection.connection.cursor().execute
            return [_run_unit(self._connection, say, unit) for unit in units]

    def _lost(self, error: Exception) -> str:
        self.outages += 1
        self._drop()
        reason = f"the database takes no writes: {_words(error)}"
        if database.trouble(error) is database.Trouble.BROKEN:
            self.broken = (
                f"{reason}; nothing more is written: check the disk, then start again "
                "(what was acknowledged before is on disk)"
            )
            self._on_broken()
        return self.broken or f"{reason}; retried with the next write"

    def _drop(self) -> None:
        """Forget the connection: the next batch opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # closes the socket or file without talking to a dead server
            connection.close()


def _run_unit(
    connection: sa.Connection, say: Callable[[str], object], unit: Callable[[sa.Connection], Any]
) -> _Outcome:
    """Run one unit in its SAVEPOINT; raises only what takes the whole batch down."""
    say("SAVEPOINT unit")
    try:
        value = unit(connection)
    except Exception as error:
        if database.trouble(error) in {database.Trouble.OUTAGE, database.Trouble.BROKEN}:
            raise  # a full SQLite has rolled back by itself: there is no savepoint to go back to
        say("ROLLBACK TO SAVEPOINT unit")
        outcome = _Outcome(error=_own(error))
    else:
        outcome = _Outcome(value)
    say("RELEASE SAVEPOINT unit")
    return outcome


def _run_alone(connection: sa.Connection, unit: Callable[[sa.Connection], Any]) -> _Outcome:
    """Run the only unit of a batch: it needs no SAVEPOINT, its transaction is what goes back."""
    try:
        with connection.begin():
            return _Outcome(unit(connection))
    except Exception as error:
        if database.trouble(error) in {database.Trouble.OUTAGE, database.Trouble.BROKEN}:
            raise
        return _Outcome(error=_own(error))


def _own(error: Exception) -> Exception:
    if database.trouble(error) is database.Trouble.RACE:
        return _unavailable(f"lost against another process: {_words(error)}; try again", error)
    return error


def _unavailable(reason: str, cause: Exception) -> errors.StoreUnavailable:
    error = errors.StoreUnavailable(reason)
    error.__cause__ = cause
    return error


def _words(error: Exception) -> str:
    """Return the driver's own sentence, on one line, without the statement and its parameters."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return " ".join(str(original).split())


class SqlStore:
    """``spi.store.Store`` on SQLite or PostgreSQL; an asynchronous context manager.

    A caller that is cancelled, or gets StoreUnavailable because the connection broke in the commit,
    does not know whether its unit was committed: units are keyed so that they can be repeated.
    """

    def __init__(self, url: sa.URL, limits: Limits) -> None:
        self._limits = limits
        self._engine = database.writer(url)
        self._reading = database.reader(url, connections=limits.readers)
        self._readers = futures.ThreadPoolExecutor(limits.readers, "store-reader")
        self._writer = _Writer(self._engine, limits, self._report_broken)
        self._open = False
        self._refused = self._reads = 0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._broken = asyncio.Event()
        self._finished = asyncio.Event()
        self._open = True
        # daemon: a program that forgot to close the store can still end
        threading.Thread(target=self._run, name="store-writer", daemon=True).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def write(self, unit: Callable[[sa.Connection], T]) -> T:
        """Run ``unit``, all of it or nothing; its result, once the commit is synced.

        StoreUnavailable when the queue is full, the store is closed or the database takes no writes.
        """
        self._check_open()
        if self._writer.queued >= self._limits.queued:
            self._refused += 1
            raise errors.StoreUnavailable(
                f"{self._limits.queued} writes wait for the database already; try again later"
            )
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.submit(_Request(unit, future))
        return await future

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Run a reading function in a thread of the store's own; it sees committed rows only."""
        self._check_open()
        self._reads += 1
        return await self._loop.run_in_executor(self._readers, self._read, query)

    def _read(self, query: Callable[[sa.Connection], T]) -> T:
        try:
            with self._reading.connect() as connection:
                return query(connection)
        except exc.DBAPIError as error:
            if database.trouble(error) is database.Trouble.OWN:
                raise
            raise _unavailable(f"the database cannot be read: {_words(error)}", error) from error

    async def watch(self) -> None:
        """Wait until the database is beyond use, then raise StoreUnavailable: the process must end.

        A role of its own: nothing else tells an idle daemon that it can no longer keep promises.
        """
        await self._broken.wait()
        raise errors.StoreUnavailable(self._writer.broken)

    def counters(self) -> Counters:
        """What happened since the store opened."""
        return Counters(
            written=self._writer.written,
            failed=self._writer.failed,
            commits=self._writer.commits,
            outages=self._writer.outages,
            refused=self._refused,
            reads=self._reads,
            queued=self._writer.queued,
        )

    async def close(self) -> None:
        """Finish what was submitted, then close. Safe twice; later calls get StoreUnavailable."""
        if self._open:
            self._open = False
            self._writer.submit(None)
        await self._finished.wait()

    def _check_open(self) -> None:
        if not self._open:
            raise errors.StoreUnavailable("the store is closed: the agent is stopping")

    def _report_broken(self) -> None:
        _call(self._loop, self._broken.set)

    def _run(self) -> None:
        try:
            self._writer.run()
        finally:
            self._readers.shutdown()
            self._reading.dispose()
            self._engine.dispose()
            _call(self._loop, self._finished.set)


def open_store(url: str, *, limits: Limits | None = None) -> SqlStore:
    """Return the store of a database URL, for ``async with``. ConfigurationError on a wrong URL."""
    return SqlStore(database.parse(url), limits or Limits())
