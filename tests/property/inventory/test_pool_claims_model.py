"""Keyed claims against a model in a dictionary: any order of claims, releases and waiting."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inventory import history, pools, tables
from oss_agent import database, errors

_KEYS = st.sampled_from("abcdef")
_FIRST, _LAST, _QUARANTINE = 0, 3, 10.0


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self._folder.name) / 'agent.db'}"
        self._engine = database.writer(database.parse(url))
        self._connection = self._engine.connect()
        self._transaction = self._connection.begin()
        tables.METADATA.create_all(self._connection)
        self._now = datetime(2026, 11, 21, tzinfo=UTC)
        pool = pools.PoolRange("vni", _FIRST, _LAST, _QUARANTINE)
        pools.seed(self._connection, [pool], tenant="default", at=self._now)
        self._held: dict[str, int] = {}
        self._rests: dict[int, tuple[str, datetime]] = {}

    def teardown(self) -> None:
        self._transaction.rollback()
        self._connection.close()
        self._engine.dispose()
        self._folder.cleanup()

    def _free(self, value: int, key: str) -> bool:
        if value in self._held.values():
            return False
        if value not in self._rests:
            return True
        holder, released = self._rests[value]
        return holder == key or released + timedelta(seconds=_QUARANTINE) <= self._now

    def _expected(self, key: str, wanted: int | None) -> set[int]:
        """The values a claim may give; empty when it must be refused."""
        if key in self._held:
            return {self._held[key]} if wanted in {None, self._held[key]} else set()
        free = {v for v in range(_FIRST, _LAST + 1) if self._free(v, key)}
        if wanted is not None:
            return {wanted} & free
        own = {value for value, (holder, _) in self._rests.items() if holder == key}
        return {min(own)} if own else set(sorted(free)[:1])

    @rule(key=_KEYS, wanted=st.none() | st.integers(_FIRST - 1, _LAST + 1))
    def claim(self, key: str, wanted: int | None) -> None:
        expected = self._expected(key, wanted)
        text = None if wanted is None else str(wanted)
        try:
            got = pools.claim(self._connection, pool="vni", key=key, wanted=text, at=self._now)
        except errors.Conflict:
            assert not expected
            return
        assert int(got) in expected
        self._held[key] = int(got)
        self._rests.pop(int(got), None)

    @rule(key=_KEYS)
    def release(self, key: str) -> None:
        pools.release(self._connection, key=key, at=self._now)
        if key in self._held:
            self._rests[self._held.pop(key)] = (key, self._now)

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    @invariant()
    def the_database_holds_what_the_model_holds(self) -> None:
        c = tables.pool_claims.c
        held = sa.select(c.key, c.value).where(
            history.current(tables.pool_claims), c.released_at.is_(None)
        )
        rows = [(key, value) for key, value in self._connection.execute(held)]
        assert dict(rows) == self._held
        assert len(rows) == len({value for _, value in rows})


TestPoolClaims = PoolMachine.TestCase
TestPoolClaims.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
