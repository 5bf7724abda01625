"""Keyed claims against a model in a dictionary: any order of claims, releases and waiting.

Pools of numbers, of addresses and of prefixes, IPv4 and IPv6: the same machine over each.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from oss_agent import database, errors
from tests import with_tables

_KEYS = st.sampled_from("abcdef")
_QUARANTINE = 10.0
_WISHES = st.none() | st.integers(-1, 4)


class PoolMachine(RuleBasedStateMachine):
    """A pool of numbers; ``texts`` are its values in their order, ``strange`` is none of them."""

    pool = pools.PoolRange("p", 0, 3, _QUARANTINE)
    texts: tuple[str, ...] = ("0", "1", "2", "3")
    strange = "4"

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        url = with_tables.copied(Path(self._folder.name) / "agent.db", tables.METADATA)
        self._engine = database.writer(database.parse(url))
        self._connection = self._engine.connect()
        self._transaction = self._connection.begin()
        self._now = datetime(2026, 11, 21, tzinfo=UTC)
        pools.seed(self._connection, [self.pool], tenant="default", at=self._now)
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
        free = {v for v in range(len(self.texts)) if self._free(v, key)}
        if wanted is not None:
            return {wanted} & free
        own = {value for value, (holder, _) in self._rests.items() if holder == key}
        return {min(own)} if own else set(sorted(free)[:1])

    def _text(self, wanted: int) -> str:
        return self.texts[wanted] if wanted in range(len(self.texts)) else self.strange

    @rule(key=_KEYS, wanted=_WISHES)
    def claim(self, key: str, wanted: int | None) -> None:
        expected = self._expected(key, wanted)
        text = None if wanted is None else self._text(wanted)
        try:
            got = pool_claims.claim(self._connection, pool="p", key=key, wanted=text, at=self._now)
        except errors.Conflict:
            assert not expected
            return
        value = self.texts.index(got)
        assert value in expected
        self._held[key] = value
        self._rests.pop(value, None)

    @rule()
    def ask_what_is_likely(self) -> None:
        free = [v for v in range(len(self.texts)) if self._free(v, "")]
        try:
            said = pool_claims.likely(self._connection, "p", self._now)
        except errors.Conflict:
            assert not free
            return
        assert said == self.texts[free[0]]

    @rule(key=_KEYS)
    def release(self, key: str) -> None:
        pool_claims.release(self._connection, key=key, at=self._now)
        if key in self._held:
            self._rests[self._held.pop(key)] = (key, self._now)

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    @invariant()
    def the_database_holds_what_the_model_holds(self) -> None:
        c = tables.pool_claims.c
        held = sa.select(c.key, c.text).where(
            history.current(tables.pool_claims), c.released_at.is_(None)
        )
        rows = [(key, text) for key, text in self._connection.execute(held)]
        assert dict(rows) == {key: self.texts[value] for key, value in self._held.items()}
        assert len(rows) == len({value for _, value in rows})


class AddressMachine(PoolMachine):
    pool = pools.PoolRange.of_prefix("p", "192.0.2.8/29", None, _QUARANTINE)
    texts = tuple(f"192.0.2.{n}/29" for n in range(9, 15))
    strange = "192.0.2.15/29"


class PrefixMachine(PoolMachine):
    pool = pools.PoolRange.of_prefix("p", "2001:db8::/46", 48, _QUARANTINE)
    texts = ("2001:db8::/48", "2001:db8:1::/48", "2001:db8:2::/48", "2001:db8:3::/48")
    strange = "2001:db8:4::/48"


_EFFORT = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestNumbers = PoolMachine.TestCase
TestNumbers.settings = _EFFORT
TestAddresses = AddressMachine.TestCase
TestAddresses.settings = _EFFORT
TestPrefixes = PrefixMachine.TestCase
TestPrefixes.settings = _EFFORT
