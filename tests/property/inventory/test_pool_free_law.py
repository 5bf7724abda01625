"""The lowest free value found by floor and holes is the one that listing all that is taken finds."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from inventory.pools import pool_claims, pool_free, pool_sql, pools
from inventory.rows import history, tables
from oss_agent import database, errors
from tests import listed_pool, with_tables

_QUARANTINE, _UNSEEN = 10.0, 20.0
_LAST = 24
_MANY = st.integers(1, 8)
_VALUES = st.integers(0, _LAST)
_CHUNK = 3


class FreeMachine(RuleBasedStateMachine):
    """Claims by the handful in a pool whose chunks are small enough to be full often."""

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        folder = self._open.enter_context(tempfile.TemporaryDirectory())
        url = with_tables.copied(Path(folder) / "agent.db", tables.METADATA)
        engine = database.writer(database.parse(url))
        self._open.callback(engine.dispose)
        self._connection = self._open.enter_context(engine.connect())
        self._open.callback(self._connection.begin().rollback)
        self._now = datetime(2026, 11, 22, tzinfo=UTC)
        self._keys = 0
        self._chunk = pool_free.CHUNK
        self._set(first=4)

    @initialize()
    def read_few_at_once(self) -> None:
        setattr(pool_free, "CHUNK", _CHUNK)  # noqa: B010  a constant, but for this machine

    def teardown(self) -> None:
        setattr(pool_free, "CHUNK", self._chunk)  # noqa: B010  as above
        self._open.close()

    @rule(first=st.integers(0, 8))
    def _set(self, first: int) -> None:
        """The settings may move a pool's range while values of it are held."""
        pool = pools.PoolRange("p", first, _LAST, _QUARANTINE, unseen=_UNSEEN)
        pools.seed(self._connection, [pool], tenant="default", at=self._now)

    @rule(many=_MANY, seconds=st.none() | st.sampled_from([5.0, 15.0]))
    def claim(self, many: int, seconds: float | None) -> None:
        for _ in range(many):
            self._claim(None, seconds)

    @rule(value=_VALUES, seconds=st.none() | st.just(5.0))
    def name(self, value: int, seconds: float | None) -> None:
        self._claim(str(value), seconds)

    def _claim(self, wanted: str | None, seconds: float | None) -> None:
        self._keys += 1
        until = None if seconds is None else self._now + timedelta(seconds=seconds)
        key, now = f"k{self._keys}", self._now
        with contextlib.suppress(errors.Conflict):
            pool_claims.claim(
                self._connection, pool="p", key=key, wanted=wanted, at=now, until=until
            )

    @rule(values=st.sets(_VALUES, max_size=6), gone=st.booleans())
    def release(self, values: set[int], gone: bool) -> None:  # noqa: FBT001  hypothesis draws it
        c = tables.pool_claims.c
        some = sa.select(c.key).where(history.current(tables.pool_claims), c.value.in_(values))
        for key in self._connection.execute(some).scalars().all():
            pool_claims.release(self._connection, key=key, at=self._now)
        if gone:
            seen = sa.update(tables.pool_claims).where(c.released_at == self._now)
            self._connection.execute(seen.values(absent_at=self._now))

    @rule(value=_VALUES)
    def end_what_is_over(self, value: int) -> None:
        c = tables.pool_claims.c
        over = sa.select(tables.pool_claims).where(
            history.current(tables.pool_claims), pool_sql.EXPIRED, c.value >= value
        )
        rows = self._connection.execute(over, {"now": self._now}).mappings().all()
        history.end_rows(self._connection, tables.pool_claims, rows, self._now)
        pool_free.ended(self._connection, rows)

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    @invariant()
    def both_find_the_same(self) -> None:
        pool = pools.one(self._connection, "p")
        for start in (pool.first, pool.first + 1, 12):
            found = pool_free.lowest(self._connection, pool, self._now, start)
            listed = listed_pool.lowest(self._connection, pool, self._now, start)
            assert (None if found is None else found.value) == listed


TestFree = FreeMachine.TestCase
TestFree.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
