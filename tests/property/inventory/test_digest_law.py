"""That a look skips what is written already shows nowhere: with and without it the ledger is the same."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from inventory.facts import facts
from inventory.looks import observed, polled_ports
from inventory.rows import tables
from tests.integration.inventory import conftest

T = TypeVar("T")
_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_LEDGER = (
    tables.interfaces,
    tables.addresses,
    tables.neighbours,
    tables.port_labels,
    tables.components,
    tables.logical,
    tables.device_states,
    tables.cases,
)
_NAMES = st.sampled_from(["eth1", "eth2", "eth3"])


_KEYS = {
    facts.InterfaceFact: "name",
    facts.AddressFact: "interface",
    facts.NeighbourFact: "port",
    facts.ComponentFact: "place",
}


def _named(fact: Any) -> str:
    """What no two facts of a table have alike."""
    return str(getattr(fact, _KEYS[type(fact)]))


def _some(facts_of: st.SearchStrategy[T], key: Callable[[T], Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(facts_of, max_size=3, unique_by=key).map(tuple)


_PORTS = st.builds(
    facts.InterfaceFact,
    _NAMES,
    st.integers(1, 3),
    st.just("up"),
    st.sampled_from(["up", "down"]),
    mac=st.sampled_from(["02:00:00:00:00:01", "02:00:00:00:00:02"]),
)
_HEARD = st.builds(
    facts.NeighbourFact, _NAMES, st.sampled_from(["4:aa", "4:bb"]), st.just(5), st.just("x")
)
_PARTS = st.builds(
    facts.ComponentFact,
    st.sampled_from(["a", "b"]),
    st.just("module"),
    st.just("m"),
    serial=st.sampled_from(["S1", "S2"]),
)
_LOOKS = st.builds(
    facts.DeviceFacts,
    st.just("pe1"),
    chassis=st.just("4:020000000001"),
    description=st.none() | st.sampled_from(["one", "two"]),
    interfaces=_some(_PORTS, _named),
    addresses=_some(st.builds(facts.AddressFact, _NAMES, st.just("192.0.2.1")), _named),
    neighbours=_some(_HEARD, _named),
    components=_some(_PARTS, _named),
    logical=st.just({"vlan": (facts.LogicalFact("vlan", "7", {"tagged": ["eth1"]}),)}),
    uptime=st.integers(1, 9),
    complete=st.booleans(),
)
_POLLS = st.tuples(_NAMES, st.integers(1, 3), st.just("up"), st.sampled_from(["up", "down"]))


@functools.cache
def _database() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        conftest.add_network(connection)
    return engine


def _ledger(steps: Sequence[Any], *, skipping: bool) -> list[list[tuple[Any, ...]]]:
    with _database().connect() as connection:  # closed without a commit: nothing of it stays
        for minute, step in enumerate(steps):
            at = _T0 + timedelta(hours=7 * minute)
            if not skipping:
                connection.execute(sa.update(tables.sightings).values(digests=None))
            if isinstance(step, facts.DeviceFacts):
                observed.record(connection, step, at)
            else:
                polled_ports.observe_ports(connection, "pe1", [step], at)
        return [sorted(_rows(connection, table), key=repr) for table in _LEDGER]


def _rows(connection: sa.Connection, table: sa.Table[Any]) -> Iterator[tuple[Any, ...]]:
    for row in connection.execute(sa.select(table)).mappings():
        yield tuple((name, value) for name, value in row.items() if name != "row")


@settings(max_examples=25, deadline=None)
@given(st.lists(_LOOKS, min_size=1, max_size=2), st.lists(st.integers(0, 3), max_size=7), _POLLS)
def test_a_skipped_table_is_one_that_would_not_have_changed(
    looks: list[facts.DeviceFacts], order: list[int], poll: tuple[str, int, str, str]
) -> None:
    steps = [*looks, *(poll if n == 3 else looks[n % len(looks)] for n in order)]

    assert _ledger(steps, skipping=True) == _ledger(steps, skipping=False)


def test_a_look_with_nothing_new_asks_the_database_for_little() -> None:
    seen = facts.DeviceFacts(
        "pe1",
        interfaces=(facts.InterfaceFact("eth1", 1, "up", "up"),),
        addresses=(facts.AddressFact("eth1", "192.0.2.1"),),
        neighbours=(facts.NeighbourFact("eth1", "4:aa", 5, "x"),),
        components=(facts.ComponentFact("chassis", "chassis", "box"),),
        logical={"vlan": (), "vrf": ()},
        uptime=1,
    )
    asked: list[str] = []
    with _database().connect() as connection:

        def hear(*told: object) -> None:
            asked.append(str(told[2]))

        event.listen(connection, "before_cursor_execute", hear)
        observed.record(connection, seen, _T0)
        first = len(asked)
        observed.record(connection, dataclasses.replace(seen, uptime=2), _T0 + timedelta(hours=1))

    assert len(asked) - first <= first / 2
    assert not [one for one in asked[first:] if "inv_interfaces" in one]
