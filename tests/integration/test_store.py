from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from inventory.rows import savepoint
from oss_agent import database, errors, store

_METADATA = sa.MetaData()
_ROWS = sa.Table(
    "row",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent", sa.Integer, sa.ForeignKey("row.id")),
)


def _put(number: int, parent: int | None = None) -> Callable[[sa.Connection], int]:
    def unit(connection: sa.Connection) -> int:
        connection.execute(_ROWS.insert().values(id=number, parent=parent))
        return number

    return unit


def _all(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(_ROWS.c.id).order_by(_ROWS.c.id)))


def test_a_written_row_is_read_back_by_another_connection(database_url: str) -> None:
    async def body() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_METADATA.create_all)

            assert await it.write(_put(1)) == 1
            assert await it.read(_all) == [1]

    asyncio.run(body())


def test_an_error_rolls_back_its_own_unit_and_no_other(database_url: str) -> None:
    def spoiled(connection: sa.Connection) -> None:
        _put(2)(connection)
        raise ValueError("on purpose")

    async def body() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_METADATA.create_all)
            gate = threading.Event()
            blocked = asyncio.ensure_future(it.write(lambda _: gate.wait(300)))
            await asyncio.sleep(0)
            together = [it.write(u) for u in (_put(1), spoiled, _put(1), _put(3, 99), _put(4))]
            waiting = asyncio.gather(*together, return_exceptions=True)
            await asyncio.sleep(0)
            gate.set()
            await blocked
            one, spoilt, twice, orphan, four = await waiting

            assert (one, four) == (1, 4)
            assert isinstance(spoilt, ValueError)
            assert isinstance(twice, exc.IntegrityError)
            assert isinstance(orphan, exc.IntegrityError), "foreign keys are enforced"
            assert await it.read(_all) == [1, 4]
            counted = it.counters()
            assert (counted.failed, counted.outages) == (3, 0)
            assert counted.commits <= 3, "what waits together is committed together"

    asyncio.run(body())


def test_parts_of_a_unit_are_undone_with_it_and_a_cancelled_one_costs_nobody_an_answer(
    database_url: str,
) -> None:
    """Savepoints by the driver and by Core lie in one another, also after an error inside."""

    def parts(connection: sa.Connection) -> None:
        _put(10)(connection)
        for number in (1, 11):  # the first is there already
            with (
                contextlib.suppress(exc.IntegrityError),
                savepoint.within(connection),
                savepoint.within(connection),
            ):
                _put(number)(connection)
        with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
            _put(1)(connection)
        with connection.begin_nested():
            _put(12)(connection)

    def spoiled(connection: sa.Connection) -> None:
        parts(connection)
        raise ValueError("on purpose")

    async def body() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_METADATA.create_all)
            await it.write(_put(1))
            gate = threading.Event()
            blocked = asyncio.ensure_future(it.write(lambda _: gate.wait(300)))
            await asyncio.sleep(0)
            units = (spoiled, _put(2), parts, _put(3))
            batch = [asyncio.ensure_future(it.write(unit)) for unit in units]
            await asyncio.sleep(0)
            batch[1].cancel()
            gate.set()
            await blocked
            told = await asyncio.gather(*batch, return_exceptions=True)

            assert [type(one) for one in told[:2]] == [ValueError, asyncio.CancelledError]
            assert told[2:] == [None, 3]
            assert await it.read(_all) == [1, 2, 3, 10, 11, 12]

    asyncio.run(body())


def test_a_full_queue_refuses_instead_of_growing(database_url: str) -> None:
    async def body() -> None:
        limits = store.Limits(queued=2, batch=1)
        async with store.open_store(database_url, limits=limits) as it:
            gate, entered = threading.Event(), threading.Event()

            def block(_: sa.Connection) -> None:
                entered.set()
                gate.wait(300)

            first = asyncio.ensure_future(it.write(block))
            await asyncio.to_thread(entered.wait, 300)
            others = [asyncio.ensure_future(it.write(lambda _: None)) for _ in range(3)]
            await asyncio.sleep(0)
            gate.set()
            done = await asyncio.gather(first, *others, return_exceptions=True)

            assert done[:3] == [None, None, None]
            assert isinstance(done[3], errors.StoreUnavailable)
            assert it.counters().refused == 1

    asyncio.run(body())


def test_close_finishes_what_was_submitted_and_refuses_the_rest(database_url: str) -> None:
    async def body() -> None:
        it = store.open_store(database_url)
        async with it:
            await it.write(_METADATA.create_all)
            last = [asyncio.ensure_future(it.write(_put(n))) for n in range(20)]
            await asyncio.sleep(0)
        assert await asyncio.gather(*last) == list(range(20))
        with pytest.raises(errors.StoreUnavailable, match="closed"):
            await it.write(_put(99))
        with pytest.raises(errors.StoreUnavailable, match="closed"):
            await it.read(_all)

    asyncio.run(body())


def test_a_cancelled_caller_harms_nobody(database_url: str) -> None:
    async def body() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_METADATA.create_all)
            gone = asyncio.ensure_future(it.write(_put(1)))
            await asyncio.sleep(0)
            gone.cancel()
            assert await it.write(_put(2)) == 2

    asyncio.run(body())


def test_a_unit_that_leaks_stop_iteration_gets_an_answer(database_url: str) -> None:
    async def body() -> None:
        async with store.open_store(database_url) as it:
            with pytest.raises(RuntimeError, match="StopIteration"):
                await it.write(lambda _: next(iter(())))

    asyncio.run(body())


def test_a_reader_cannot_write(database_url: str) -> None:
    async def body() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_METADATA.create_all)
            with pytest.raises((exc.DBAPIError, errors.StoreUnavailable), match=r"read-?only"):
                await it.read(_put(1))
            assert await it.read(_all) == []

    asyncio.run(body())


def test_a_database_locked_by_another_fails_the_batch_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.05)
    file = tmp_path / "agent.db"

    async def body() -> None:
        async with store.open_store(f"sqlite:///{file}") as it:
            await it.write(_METADATA.create_all)
            other = sqlite3.connect(file, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(errors.StoreUnavailable, match="locked"):
                await it.write(_put(1))
            assert await it.read(_all) == [], "reads go on"
            other.execute("ROLLBACK")
            other.close()

            assert await it.write(_put(2)) == 2
            assert it.counters().outages == 1

    asyncio.run(body())


async def _fill(it: store.SqlStore) -> list[int]:
    acked: list[int] = []
    while True:
        try:
            acked.append(await it.write(_put(len(acked))))
        except errors.StoreUnavailable:
            return acked


def test_a_full_database_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    def limit(pages: int) -> Callable[[sa.Connection], None]:
        return lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}").close()

    async def body() -> None:
        async with store.open_store(f"sqlite:///{tmp_path / 'agent.db'}") as it:
            await it.write(_METADATA.create_all)
            await it.write(limit(4))
            acked = await _fill(it)

            assert await it.read(_all) == acked
            assert await it.write(_put(20_000)) == 20_000, "a new connection has no such limit"

    asyncio.run(body())


def test_a_cut_connection_fails_its_batch_and_the_next_reconnects(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        return  # no server to lose

    def suicide(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async def body() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_METADATA.create_all)
            with pytest.raises(errors.StoreUnavailable):
                await it.write(suicide)

            assert await it.write(_put(1)) == 1
            assert it.counters().outages == 1

    asyncio.run(body())


def test_a_failed_sync_is_the_end(tmp_path: Path) -> None:
    def failed_fsync(_: sa.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    async def body() -> None:
        async with store.open_store(f"sqlite:///{tmp_path / 'agent.db'}") as it:
            watch = asyncio.ensure_future(it.watch())
            await it.write(_METADATA.create_all)
            with pytest.raises(errors.StoreUnavailable):
                await it.write(failed_fsync)
            with pytest.raises(errors.StoreUnavailable, match="nothing more is written"):
                await it.write(_put(1))
            with pytest.raises(errors.StoreUnavailable, match="check the disk"):
                await watch
            assert await it.read(_all) == []

    asyncio.run(body())


def test_unusable_urls_are_refused_with_the_known_forms() -> None:
    for text in ("mysql://host/db", "sqlite://", "sqlite:///:memory:", "nonsense"):
        with pytest.raises(errors.ConfigurationError, match="postgresql://"):
            store.open_store(text)
