"""Pool claims: how many a second, alone and with nodes that contend, beside what else one would write.

Run: ``scripts/bench pools [CLAIMS]``; 1,000 unless said. Ours go through the real store, over one node
and over four on one database. Beside them, in the same run and on the same kind of database, 16 threads
with a commit each: ``SELECT max(value) + 1`` under a lock, and an ORM loop that lists what is taken and
looks for the first gap, as an address manager's ``available-ips`` does. Then what one claim costs the
writer beside a hundred times as many that are held, and what it costs to list those.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from lab import peers
from oss_agent import database, store
from tests import listed_pool
from tests.bench import table

_AT = datetime(2026, 11, 21, tzinfo=UTC)
_THREADS = 16
_NODES = 4
_FIRST = 10_000
_TIMES = 9


class _Base(orm.DeclarativeBase):
    pass


class _Taken(_Base):
    """What somebody would write: a table of values, unique."""

    __tablename__ = "taken"
    value: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    key: orm.Mapped[str]


def measure(count: int) -> Iterator[table.Row]:
    """SQLite, then PostgreSQL where it can be had."""
    with tempfile.TemporaryDirectory() as place:
        yield from _on("SQLite", f"sqlite:///{Path(place) / 'pools.db'}", count)
    with peers.postgres() as server:
        yield from _on("PostgreSQL", server.url, count)


def _on(name: str, url: str, count: int) -> Iterator[table.Row]:
    engine = database.writer(database.parse(url))
    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        _Base.metadata.create_all(connection)
        wide = [pools.PoolRange(str(nodes), _FIRST, 10 * count + _FIRST) for nodes in (1, _NODES)]
        pools.seed(connection, wide, tenant="default", at=_AT)
    ours = {nodes: count / asyncio.run(_claims(url, nodes, count)) for nodes in (1, _NODES)}
    theirs = {
        "max + 1 under a lock": count / _threads(engine, _highest, count),
        "ORM, first gap of a list": count / _threads(engine, _first_gap, count),
    }
    for nodes, rate in ours.items():
        for what, beside in theirs.items():
            line = f"{name}, {count} claims, {nodes} node{'s' if nodes > 1 else ''}"
            yield table.Row(line, f"{rate:.0f}/s", f"{what} {beside:.0f}/s", _ratio(rate, beside))
    yield from _beside(engine, f"{name}, {100 * count} held", 100 * count)
    engine.dispose()


def _beside(engine: sa.Engine, name: str, held: int) -> Iterator[table.Row]:
    with engine.begin() as connection:
        pool = pools.PoolRange("full", _FIRST, _FIRST + 2 * held)
        pools.seed(connection, [pool], tenant="default", at=_AT)
        rows = ({"pool": "full", "value": _FIRST + n, "key": f"held-{n}"} for n in range(held))
        history.begin_all(connection, tables.pool_claims, [_claim(row) for row in rows], _AT)
        pool_claims.claim(connection, pool="full", key="first", wanted=None, at=_AT)
        connection.execute(sa.text("ANALYZE"))  # as PostgreSQL does by itself, some time later
    with engine.begin() as connection:
        free = _one(lambda n: _given(connection, f"free-{n}", None))
        named = _one(lambda n: _given(connection, f"named-{n}", str(_FIRST + held + 100 + n)))
        listed = _one(lambda _: listed_pool.lowest(connection, _full(connection), _AT, _FIRST))
    yield table.cost(f"{name}, a claim", free, "to list them", listed)
    yield table.cost(f"{name}, one by its name", named, "to list them", listed)


def _claim(row: dict[str, Any]) -> dict[str, Any]:
    return {"tenant": "default", "text": str(row["value"]), **row}


def _full(connection: sa.Connection) -> pools.Pool:
    return pools.one(connection, "full")


def _given(connection: sa.Connection, key: str, wanted: str | None) -> None:
    pool_claims.claim(connection, pool="full", key=key, wanted=wanted, at=_AT)


def _one(act: Callable[[int], object]) -> float:
    """Seconds of one of several, in the middle of them."""
    took: list[float] = []
    for number in range(_TIMES):
        start = time.perf_counter()
        act(number)
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.1f} x" if ours >= theirs else f"1/{theirs / ours:.1f}"


async def _claims(url: str, nodes: int, count: int) -> float:
    """Seconds until all have a value of their own, each synced before it is told."""
    async with contextlib.AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(store.open_store(url)) for _ in range(nodes)]
        start = time.perf_counter()

        async def claim(number: int) -> str:
            key, pool = f"key-{number}", str(nodes)
            return await stores[number % nodes].write(
                lambda c: pool_claims.claim(c, pool=pool, key=key, wanted=None, at=_AT)
            )

        values = await asyncio.gather(*(claim(number) for number in range(count)))
        took = time.perf_counter() - start
    if len(set(values)) != count:
        sys.exit(f"pools: {count - len(set(values))} values were given twice")
    return took


def _threads(engine: sa.Engine, take: Callable[[orm.Session, int], None], count: int) -> float:
    with orm.Session(engine) as session:
        session.execute(sa.delete(_Taken))
        session.commit()

    def one(number: int) -> None:
        with orm.Session(engine) as session:
            _lock(session)
            take(session, number)
            session.commit()

    start = time.perf_counter()
    with ThreadPoolExecutor(_THREADS if engine.dialect.name == "postgresql" else 1) as threads:
        list(threads.map(one, range(count)))
    return time.perf_counter() - start


def _lock(session: orm.Session) -> None:
    """On SQLite the transaction itself is the lock."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("LOCK TABLE taken IN EXCLUSIVE MODE"))


def _highest(session: orm.Session, number: int) -> None:
    most = session.scalar(sa.select(sa.func.max(_Taken.value)))
    session.add(_Taken(value=(most or _FIRST) + 1, key=f"key-{number}"))


def _first_gap(session: orm.Session, number: int) -> None:
    taken = {one.value for one in session.scalars(sa.select(_Taken))}
    value = next(v for v in range(_FIRST, _FIRST + len(taken) + 1) if v not in taken)
    session.add(_Taken(value=value, key=f"key-{number}"))


def main() -> None:
    """Measure and print."""
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000
    table.run("pools", lambda: measure(count))


if __name__ == "__main__":
    main()
