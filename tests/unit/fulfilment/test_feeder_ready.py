"""Which transactions start now: order of acceptance, a turn per tenant, a bounded window."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy import event

from oss_agent import database
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.turn import feeder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = limits.Limits(in_flight=3, stalled_after=900)


def row(number: int, stage: states.Stage = states.Stage.QUEUED, tenant: str = "a") -> feeder.Row:
    return feeder.Row(f"{number}-1", tenant, number, stage, None, NOW)


def test_first_accepted_starts_first() -> None:
    assert feeder.ready([row(3), row(1), row(2)], NOW, BOUNDS) == ("1-1", "2-1", "3-1")


def test_the_window_bounds_what_runs() -> None:
    running = [row(1, states.Stage.RUNNING), row(2, states.Stage.RUNNING)]

    assert feeder.ready([*running, row(3), row(4)], NOW, BOUNDS) == ("3-1",)


def test_a_busy_tenant_does_not_starve_a_quiet_one() -> None:
    rows = [row(1), row(2), row(3), row(4, tenant="b")]

    assert feeder.ready(rows, NOW, BOUNDS) == ("1-1", "4-1", "2-1")


def test_a_wait_ends_at_its_time_and_not_before() -> None:
    wake = NOW + timedelta(seconds=5)
    asleep = dataclasses.replace(row(1, states.Stage.WAITING), wake_at=wake)

    assert feeder.ready([asleep], NOW, BOUNDS) == ()
    assert feeder.ready([asleep], wake, BOUNDS) == ("1-1",)


def test_a_running_one_without_a_sign_of_life_is_due_again() -> None:
    silent = row(1, states.Stage.RUNNING)

    assert feeder.ready([silent], NOW + timedelta(seconds=899), BOUNDS) == ()
    assert feeder.ready([silent], NOW + timedelta(seconds=900), BOUNDS) == ("1-1",)


def test_what_is_closed_never_starts() -> None:
    assert feeder.ready([row(1, states.Stage.CLOSED)], NOW, BOUNDS) == ()


STAGES = st.sampled_from([states.Stage.QUEUED, states.Stage.RUNNING, states.Stage.WAITING])


@st.composite
def some_rows(draw: st.DrawFn) -> list[feeder.Row]:
    count = draw(st.integers(0, 12))
    return [
        row(number, draw(STAGES), draw(st.sampled_from("abc"))) for number in range(1, count + 1)
    ]


ROWS = some_rows()


@hypothesis.given(ROWS)
def test_never_more_than_the_window_never_twice_and_fifo_within_a_tenant(
    rows: list[feeder.Row],
) -> None:
    chosen = feeder.ready(rows, NOW, BOUNDS)
    running = sum(one.stage is states.Stage.RUNNING for one in rows)
    by_id = {one.id: one for one in rows}

    assert len(set(chosen)) == len(chosen)
    assert running + len(chosen) <= max(BOUNDS.in_flight, running)
    for tenant in "abc":
        mine = [by_id[name].accepted for name in chosen if by_id[name].tenant == tenant]
        due = sorted(
            one.accepted
            for one in rows
            if one.tenant == tenant and one.stage is not states.Stage.RUNNING
        )
        assert mine == due[: len(mine)]


@hypothesis.settings(max_examples=40)
@hypothesis.given(ROWS, st.lists(st.sampled_from([None, -5, 0, 5]), min_size=12, max_size=12))
def test_what_a_turn_reads_is_enough_to_choose_as_if_it_had_read_all(
    rows: list[feeder.Row], wakes: list[int | None]
) -> None:
    pairs = zip(rows, wakes, strict=False)
    rows = [
        dataclasses.replace(one, wake_at=None if wake is None else NOW + timedelta(seconds=wake))
        for one, wake in pairs
    ]
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        for one in rows:
            values = {**dataclasses.asdict(one), "order_id": one.id, "position": 1}
            counts = dict.fromkeys(("run", "attempt", "token", "tries"), 0)
            connection.execute(tables.transaction.insert(), values | counts)

        found = feeder.candidates(connection, NOW, BOUNDS)

    assert feeder.ready(found, NOW, BOUNDS) == feeder.ready(rows, NOW, BOUNDS)
    engine.dispose()


def test_who_waits_is_found_by_the_index_of_those_that_wait(tmp_path: Path) -> None:
    engine = database.writer(database.parse(f"sqlite:///{tmp_path}/agent.db"))
    plans: list[str] = []

    def explain(_c: object, cursor: Any, text: str, values: Any, *_rest: object) -> None:
        plans.append(str(cursor.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()))

    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        event.listen(connection, "before_cursor_execute", explain)
        assert list(feeder.tenants(connection)) == []
    engine.dispose()

    assert ["ord_transaction_idle" in plan and "TEMP B-TREE" not in plan for plan in plans] == [
        True
    ]
