from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from oss_agent import clock, errors
from oss_agent.flow import DbosFlow, Pace
from oss_agent.spi import flow

_VICTIM = Path(__file__).parent / "flow_victim.py"
_PACE = Pace(poll=0.05, attempts=3, first_pause=0.01, longest_pause=0.05)


class Record:
    """What happened, in order, and a way to wait for it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._news = asyncio.Event()

    def note(self, what: str) -> None:
        self.seen.append(what)
        self._news.set()

    async def wait_for(self, what: str) -> None:
        async with asyncio.timeout(300):
            while what not in self.seen:
                self._news.clear()
                await self._news.wait()

    def phase(self, name: str, then: flow.Next = flow.Next.CONTINUE) -> flow.Phase:
        async def act(transaction: str, run: int) -> flow.Next:
            self.note(f"{name} {transaction}:{run}")
            return then

        return flow.Phase(name, act)

    async def poisoned(self, transaction: str, run: int, phase: str, error: Exception) -> None:
        self.note(f"poisoned {transaction}:{run} in {phase}: {error}")


@asynccontextmanager
async def _launched(
    url: str, record: Record, *phases: flow.Phase, executor: str = "slot-0", pace: Pace = _PACE
) -> AsyncIterator[DbosFlow]:
    it = DbosFlow(url, executor=executor, poisoned=record.poisoned, pace=pace)
    it.register(phases)
    await it.launch()
    try:
        yield it
    finally:
        await it.stop(within=30)


def test_phases_run_in_order_end_stops_and_a_second_enqueue_does_nothing(database_url: str) -> None:
    async def body() -> None:
        record = Record()
        phases = [record.phase("one"), record.phase("two", flow.Next.END), record.phase("three")]
        async with _launched(database_url, record, *phases) as it:
            await it.enqueue("t1", 1)
            await it.enqueue("t1", 1)
            await record.wait_for("two t1:1")
            await it.enqueue("t1", 1)
            await it.enqueue("t1", 2)
            await record.wait_for("two t1:2")

        assert record.seen == ["one t1:1", "two t1:1", "one t1:2", "two t1:2"]

    asyncio.run(body())


def test_an_enqueued_run_does_not_wait_for_the_next_look_at_the_queue(database_url: str) -> None:
    async def body() -> None:
        record, never = Record(), dataclasses.replace(_PACE, poll=3600.0)
        async with _launched(database_url, record, record.phase("only"), pace=never) as motor:
            for run in (1, 2):
                await motor.enqueue("t1", run)
                await record.wait_for(f"only t1:{run}")

    asyncio.run(body())


def test_a_missing_database_is_waited_for_inside_the_phase(database_url: str) -> None:
    async def body() -> None:
        record = Record()

        async def act(transaction: str, run: int) -> flow.Next:
            record.note(f"tried {transaction}:{run}")
            if len(record.seen) < 2 * _PACE.attempts:
                raise errors.StoreUnavailable("away")
            record.note("stored")
            return flow.Next.END

        async with _launched(database_url, record, flow.Phase("write", act)) as it:
            await it.enqueue("t1", 1)
            await record.wait_for("stored")

        assert not [what for what in record.seen if what.startswith("poisoned")]

    asyncio.run(body())


def test_a_phase_that_keeps_failing_holds_its_order_and_no_other(database_url: str) -> None:
    async def body() -> None:
        record = Record()

        async def act(transaction: str, run: int) -> flow.Next:
            if transaction == "bad":
                record.note("tried")
                raise ZeroDivisionError("a defect")
            record.note(f"good {run}")
            return flow.Next.CONTINUE

        phases = [flow.Phase("divide", act), record.phase("after")]
        async with _launched(database_url, record, *phases) as it:
            await it.enqueue("bad", 1)
            await it.enqueue("well", 1)
            await record.wait_for("poisoned bad:1 in divide: a defect")
            await record.wait_for("after well:1")

        assert record.seen.count("tried") == _PACE.attempts
        assert "after bad:1" not in record.seen

    asyncio.run(body())


def test_enqueue_inside_a_phase_is_refused_before_it_can_harm(database_url: str) -> None:
    async def body() -> None:
        record = Record()
        box: list[DbosFlow] = []

        async def act(_transaction: str, run: int) -> flow.Next:
            with pytest.raises(RuntimeError, match="feeder"):
                await box[0].enqueue("other", run)
            record.note("refused")
            return flow.Next.END

        async with _launched(database_url, record, flow.Phase("act", act)) as it:
            box.append(it)
            await it.enqueue("t1", 1)
            await record.wait_for("refused")

    asyncio.run(body())


def test_stop_lets_a_phase_finish_and_the_next_start_does_the_run_again(database_url: str) -> None:
    async def body() -> None:
        record, over = Record(), asyncio.Event()

        async def slow(transaction: str, run: int) -> flow.Next:
            record.note(f"slow began {transaction}:{run}")
            await over.wait()
            record.note(f"slow done {transaction}:{run}")
            return flow.Next.CONTINUE

        phases = [flow.Phase("slow", slow), record.phase("last")]
        async with _launched(database_url, record, *phases) as it:
            await it.enqueue("t1", 1)
            await record.wait_for("slow began t1:1")
            over.set()  # it goes on once this one waits: when it is told to stop
        assert record.seen == ["slow began t1:1", "slow done t1:1"]
        assert await asyncio.to_thread(lambda: 7) == 7, "the loop has threads again"

        async with _launched(database_url, record, *phases):
            await record.wait_for("last t1:1")
        # The engine notes nothing between phases: the first finds its work done, by its own rows.
        assert record.seen[2:] == ["slow began t1:1", "slow done t1:1", "last t1:1"]

    asyncio.run(body())


def test_while_draining_no_run_begins_another_phase(database_url: str) -> None:
    async def body() -> None:
        record, draining, over = Record(), asyncio.Event(), asyncio.Event()

        async def first(transaction: str, _run: int) -> flow.Next:
            record.note(f"began {transaction}")
            await (over if transaction == "long" else draining).wait()
            over.set()
            record.note(f"done {transaction}")
            return flow.Next.CONTINUE

        phases = [flow.Phase("first", first), record.phase("second")]
        async with _launched(database_url, record, *phases) as it:
            await it.enqueue("long", 1)
            await it.enqueue("short", 1)
            await record.wait_for("began long")
            await record.wait_for("began short")
            draining.set()  # it goes on once this one waits: when it is told to stop
        assert record.seen[2:] == ["done short", "done long"]

        async with _launched(database_url, record, *phases):
            await record.wait_for("second long:1")
            await record.wait_for("second short:1")

    asyncio.run(body())


def test_a_phase_that_outlasts_the_stop_is_cancelled_and_run_again(database_url: str) -> None:
    async def body() -> None:
        record = Record()
        patient = True

        async def endless(_transaction: str, _run: int) -> flow.Next:
            record.note("began")
            try:
                await asyncio.sleep(60 if patient else 0)
            except asyncio.CancelledError:
                record.note("cancelled")
                raise
            record.note("done")
            return flow.Next.END

        it = DbosFlow(database_url, executor="slot-0", poisoned=record.poisoned, pace=_PACE)
        it.register([flow.Phase("endless", endless)])
        await it.launch()
        await it.enqueue("t1", 1)
        await record.wait_for("began")
        await it.stop(within=0.1)
        assert record.seen == ["began", "cancelled"]

        patient = False
        async with _launched(database_url, record, flow.Phase("endless", endless)):
            await record.wait_for("done")

    asyncio.run(body())


def test_finished_runs_are_deleted_by_age(database_url: str) -> None:
    async def body() -> None:
        record = Record()
        one_by_one = dataclasses.replace(_PACE, concurrency=1)
        async with _launched(database_url, record, record.phase("only"), pace=one_by_one) as it:
            await it.enqueue("t1", 1)
            await record.wait_for("only t1:1")
            now = datetime.now(UTC)
            assert await it.delete_finished(now - timedelta(days=1)) == 0
            # when the second run begins, the end of the first is recorded
            await it.enqueue("t2", 1)
            await record.wait_for("only t2:1")
            assert await it.delete_finished(now + timedelta(days=1)) >= 1

    asyncio.run(body())


def test_finished_runs_are_forgotten_again_and_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        record = Record()
        soon = dataclasses.replace(_PACE, keep=0.0, forget_every=0.01)
        async with _launched(database_url, record, record.phase("only"), pace=soon) as it:
            delete, failed = it.delete_finished, asyncio.Event()

            async def once_away(before: datetime) -> int:
                if not failed.is_set():
                    failed.set()
                    raise exc.OperationalError("DELETE", {}, OSError("away"))
                return await delete(before)

            monkeypatch.setattr(it, "delete_finished", once_away)
            role = asyncio.create_task(it.forget(clock.SystemClock()))
            for run in (1, 2):
                await it.enqueue("t1", run)
                await record.wait_for(f"only t1:{run}")
                await asyncio.to_thread(_wait, lambda: not _kept(database_url))
            assert failed.is_set()
            role.cancel()
            with pytest.raises(asyncio.CancelledError):
                await role

    asyncio.run(body())


def _kept(url: str) -> int:
    engine = sa.create_engine(url)
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    count = sa.select(sa.func.count()).select_from(sa.table("workflow_status", schema=schema))
    with engine.connect() as connection:
        found: int = connection.execute(count).scalar_one()
    engine.dispose()
    return found


def test_unfinished_runs_of_another_version_refuse_the_start(database_url: str) -> None:
    async def body() -> None:
        record = Record()
        it = DbosFlow(database_url, executor="slot-0", poisoned=record.poisoned, pace=_PACE)
        it.register([record.phase("never", flow.Next.END)])
        await it.launch()
        await it.stop(within=0)
        async with _launched(database_url, record, _blocking(record)) as blocked:
            await blocked.enqueue("t1", 1)
            await record.wait_for("blocking")
            await blocked.stop(within=0)
        await asyncio.to_thread(_relabel, database_url, "0")

        with pytest.raises(errors.ConfigurationError, match="1 unfinished runs of another version"):
            await DbosFlow(database_url, executor="slot-0", poisoned=record.poisoned).launch()

    asyncio.run(body())


def _blocking(record: Record) -> flow.Phase:
    async def act(_transaction: str, _run: int) -> flow.Next:
        record.note("blocking")
        await asyncio.sleep(60)
        return flow.Next.END

    return flow.Phase("blocking", act)


def _relabel(url: str, version: str) -> None:
    engine = sa.create_engine(url)
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    column = sa.column("application_version", sa.Text)
    table = sa.table("workflow_status", column, schema=schema)
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(application_version=version))
    engine.dispose()


def _victim(
    url: str, log: Path, *transactions: str, seconds: float = 0.05
) -> subprocess.Popen[bytes]:
    argv = [sys.executable, str(_VICTIM), url, str(log), str(seconds), *transactions]
    victim = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"queued\n"
    return victim


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "waited 300 s in vain"
        time.sleep(0.02)


def _kill(victim: subprocess.Popen[bytes]) -> None:
    victim.kill()
    victim.wait(timeout=300)
    assert victim.stdout is not None
    victim.stdout.close()


def test_a_run_killed_inside_a_phase_is_completed_after_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.touch()
    first = _victim(database_url, log, "t1", "t2")
    try:
        _wait(lambda: "begin two t1:1" in log.read_text())
    finally:
        _kill(first)
    second = _victim(database_url, log)
    try:
        _wait(lambda: {"end three t1:1", "end three t2:1"} <= set(log.read_text().splitlines()))
    finally:
        _kill(second)
    lines = log.read_text().splitlines()

    for transaction in ("t1:1", "t2:1"):
        begun = [
            line.split()[1] for line in lines if line.startswith("begin") and transaction in line
        ]
        assert begun[-3:] == ["one", "two", "three"], "the whole run, in order"
