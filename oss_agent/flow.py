"""Decides how order work is driven: each run is one workflow, and its phases are the body of it.

The only module that knows the workflow engine (DBOS). The domain row is the truth and this is only
the motor: a phase may run again, and what makes that safe are the transaction's own rows. So the
engine notes nothing between phases: to say five times what those rows say cost as much as to write
them. Nothing here sleeps or waits for a device: such a run ends, and the feeder starts the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent import futures
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import exc

from oss_agent import database, errors
from oss_agent.spi import clock
from oss_agent.spi import flow as spi_flow

T = TypeVar("T")

APPLICATION_VERSION: Final = "1"
"""A constant for ever: by default it hashes the code, and every edit would strand what is in flight."""

QUEUE: Final = "orders"
_SCHEMA: Final = "dbos"
_ACTIVE: Final = ["PENDING", "ENQUEUED", "DELAYED"]
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED"]
_DELETED_AT_ONCE: Final = 500
_BREATH: Final = 0.2
"""Seconds between two deletions: runs in work write to the same database."""

Poisoned = Callable[[str, int, str, Exception], Awaitable[None]]
"""``poisoned(transaction, run, phase, error)``: a phase fails again and again for no reason it should.

It holds the order and raises an alarm; the run then ends.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How much at the same time, and how patiently; times in seconds."""

    concurrency: int = 8
    """runs of this process at the same time"""
    poll: float = 0.2
    """between two looks at the queue when nobody rings: a run that waits for a free place"""
    attempts: int = 5
    """how often a phase may fail for no declared reason before its order is held"""
    first_pause: float = 0.2
    longest_pause: float = 30.0
    keep: float = 7 * 86_400.0
    """how long what was noted of a finished run is kept"""
    forget_every: float = 3_600.0


class DbosFlow:
    """``spi.flow.Flow`` on DBOS Transact; one per process, because the engine is a singleton."""

    def __init__(
        self, url: str, *, executor: str, poisoned: Poisoned, pace: Pace | None = None
    ) -> None:
        """``executor`` is unique among living processes: hold its slot lock before ``launch``."""
        self._url = database.parse(url)
        self._executor = executor
        self._poisoned = poisoned
        self._pace = pace or Pace()
        self._phases: tuple[spi_flow.Phase, ...] = ()
        self._gate = asyncio.Event()
        self._idle = asyncio.Event()
        self._bell = threading.Event()
        self._busy = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._log = structlog.stdlib.get_logger(__name__)

    def register(self, phases: Sequence[spi_flow.Phase]) -> None:
        """Declare the line of phases. Once, before ``launch``."""
        if self._phases:
            raise RuntimeError("the phases are declared already")
        self._phases = tuple(phases)

    async def launch(self) -> None:
        """Start the motor on this loop; runs that a crash cut are taken up again.

        ConfigurationError when its database holds unfinished runs of another version of it.
        """
        await asyncio.to_thread(_prepare, self._url)
        self._loop = asyncio.get_running_loop()
        self._gate.set()
        self._idle.set()
        _hand_over_logging()
        self._order = DBOS.workflow(name="order", max_recovery_attempts=None)(self._workflow())
        engine = DBOS(config=self._config())
        # On the loop's own thread: the engine then adopts this loop, and phases share its sessions.
        # From another thread it would, without an error, run them on a loop of its own.
        DBOS.launch()
        for event in engine.background_thread_stop_events:
            _Sleep.instead_of(event, self._bell)
        await DBOS.register_queue_async(
            QUEUE, worker_concurrency=self._pace.concurrency, polling_interval_sec=self._pace.poll
        )

    def _config(self) -> DBOSConfig:
        return {
            "name": "oss-agent",
            "system_database_url": self._url.render_as_string(hide_password=False),
            "dbos_system_schema": _SCHEMA,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor,
            # these become the loop's default threads: uncapped, 200 enqueues made 177 of them
            "max_executor_threads": 16,
            "enable_otlp": False,
            "log_level": "WARNING",
        }

    async def enqueue(self, transaction: str, run: int) -> None:
        """Start run ``run`` of ``transaction``. A second enqueue of the same pair does nothing.

        Call only from the feeder's own task. StoreUnavailable when the motor's database is away.
        """
        if DBOS.workflow_id is not None:
            # the engine would record an empty AssertionError as the permanent end of this run
            raise RuntimeError("enqueue was called inside a phase; only the feeder's task may")
        with SetWorkflowID(f"{transaction}:{run}"):
            try:
                await DBOS.enqueue_workflow_async(QUEUE, self._order, transaction, run)
            except exc.DBAPIError as error:
                raise errors.StoreUnavailable(f"the run cannot be queued: {error.orig}") from error
        self._bell.set()

    def _workflow(self) -> Callable[[str, int], Coroutine[Any, Any, None]]:
        async def order(transaction: str, run: int) -> None:
            with (
                structlog.contextvars.bound_contextvars(transaction=transaction, run=run),
                self._tracked(),
            ):
                await self._run(transaction, run)

        return order

    async def _run(self, transaction: str, run: int) -> None:
        for phase in self._phases:
            # while draining the run stays here, pending, for the next start
            await self._gate.wait()
            with self._working():
                then = await self._act(phase, transaction, run)
            if then is spi_flow.Next.END:
                return

    async def _act(self, phase: spi_flow.Phase, transaction: str, run: int) -> spi_flow.Next:
        """Run one phase until it answers."""
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("a phase runs on a foreign event loop: launch on the loop's thread")
        failure: Exception | None = None
        for pause in itertools.islice(_pauses(self._pace), self._pace.attempts):
            try:
                return await self._persist(lambda: phase.act(transaction, run))
            except Exception as error:  # noqa: BLE001  raised out it would be the run's permanent end
                failure = error
                self._log.exception("phase failed", phase=phase.name)
            await asyncio.sleep(pause)
        assert failure is not None  # noqa: S101  attempts is at least 1
        await self._persist(lambda: self._poisoned(transaction, run, phase.name, failure))
        return spi_flow.Next.END

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the database takes writes: its absence must not become the run's outcome."""
        for pause in _pauses(self._pace):
            try:
                return await call()
            except errors.StoreUnavailable as error:
                self._log.warning("waiting for the database", reason=str(error), pause=pause)
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    @contextlib.contextmanager
    def _tracked(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine that runs has a task
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if self._busy == 0:
                self._idle.set()

    async def stop(self, *, within: float) -> None:
        """Let phases in flight finish for up to ``within`` seconds, then stop.

        What did not finish stays pending: the next start takes it up.
        """
        self._gate.clear()
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            self._log.warning(
                "stopped with work in hand: it goes on at the next start",
                runs=self._busy,
                waited=within,
            )
        # Cancelled before the engine goes: a cancelled run is recorded as nothing, but one that
        # outlives the engine fails with an ordinary error.
        await self._cancel_runs()
        await _in_own_thread(lambda: DBOS.destroy(destroy_registry=True))
        await self._cancel_runs()
        # The engine's threads were the loop's default ones and are closed: name resolution needs some.
        self._loop.set_default_executor(futures.ThreadPoolExecutor())

    async def _cancel_runs(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def forget(self, time: clock.Clock) -> None:
        """Role: delete runs that finished ``Pace.keep`` ago; what is left, the next time does."""
        while True:
            try:
                await self.delete_finished(time.now() - timedelta(seconds=self._pace.keep))
            except Exception as trouble:  # noqa: BLE001  what nobody needs any more must not end the daemon
                self._log.warning("finished runs are not deleted yet", reason=str(trouble))
            await asyncio.sleep(self._pace.forget_every)

    async def delete_finished(self, before: datetime) -> int:
        """Delete runs that finished before a moment, some at a time; how many.

        Their rows are the truth: of a run that is unknown here nothing is lost, and were it enqueued
        once more, its transaction would say that it is over.
        """
        moment = clock.rfc3339(before)
        deleted = 0
        while found := await DBOS.list_workflows_async(
            status=_FINISHED,
            completed_before=moment,
            end_time=moment,  # made before: by its index those of after are not read
            limit=_DELETED_AT_ONCE,
            load_input=False,
            load_output=False,
        ):
            await DBOS.delete_workflows_async([run.workflow_id for run in found])
            deleted += len(found)
            await asyncio.sleep(_BREATH)
        return deleted


class _Sleep(threading.Event):
    """What the engine's threads sleep by until they shall stop; its queue also wakes by a bell.

    The engine knows no way to be told of a new run on SQLite, so each would wait for the next poll.
    Should a later engine name its thread otherwise, it polls as before.
    """

    bell: threading.Event

    @classmethod
    def instead_of(cls, event: threading.Event, bell: threading.Event) -> None:
        """Make ``event``, which the engine's threads have already, one of these."""
        event.__dict__["bell"] = bell
        event.__class__ = cls

    def set(self) -> None:
        """Stop."""
        super().set()
        self.bell.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep; True when it is time to stop."""
        if threading.current_thread().name != f"queue-worker-{QUEUE}":
            return super().wait(timeout)
        if not self.is_set():
            self.bell.wait(timeout)
            self.bell.clear()
        return self.is_set()


def _prepare(url: sa.URL) -> None:
    """Make an SQLite file WAL (the engine does not) and refuse rows that would never run."""
    engine = database.writer(url)
    try:
        with engine.connect() as connection:
            stranded = _stranded(connection, None if database.file_of(url) else _SCHEMA)
    finally:
        engine.dispose()
    if stranded:
        raise errors.ConfigurationError(
            f"the workflow database {url.render_as_string()} holds {stranded} unfinished runs of "
            f"another version than {APPLICATION_VERSION!r}: they would never run; start the release "
            "that made them and let it finish them first"
        )


def _stranded(connection: sa.Connection, schema: str | None) -> int:
    if not sa.inspect(connection).has_table("workflow_status", schema=schema):
        return 0
    version = sa.column("application_version", sa.Text)
    status = sa.column("status", sa.Text)
    table = sa.table("workflow_status", version, status, schema=schema)
    count = (
        sa.select(sa.func.count())
        .select_from(table)
        .where(status.in_(_ACTIVE), version != APPLICATION_VERSION)
    )
    return connection.execute(count).scalar_one()


def _hand_over_logging() -> None:
    """Let the engine's warnings reach the agent's log: it prints by itself unless it has a handler."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _pauses(pace: Pace) -> Iterator[float]:
    for doubled in itertools.count():
        longest = min(pace.longest_pause, pace.first_pause * 2.0 ** min(doubled, 30))
        yield random.uniform(longest / 2, longest)  # noqa: S311  jitter need not be secret


async def _in_own_thread(work: Callable[[], None]) -> None:
    """Run blocking work in a thread of its own: the engine's end closes the loop's default ones."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def body() -> None:
        try:
            work()
        finally:
            done.get_loop().call_soon_threadsafe(done.set_result, None)

    threading.Thread(target=body, name="flow-stop").start()
    await done
