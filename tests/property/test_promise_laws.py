"""Estimates, promises and jeopardy as laws: never in the past, later for longer waits, each level once."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent.fulfilment.record import milestones, pace
from oss_agent.fulfilment.turn import estimate, jeopardy, queueing
from oss_agent.spi import views

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECONDS = st.integers(0, 100_000).map(float)
DATES = st.integers(-100_000, 100_000).map(lambda s: NOW + timedelta(seconds=s))
SAMPLES = st.tuples(st.none() | SECONDS, SECONDS, SECONDS, SECONDS, SECONDS)
PACES = st.lists(SAMPLES, max_size=8).map(lambda found: pace.Pace(tuple(found)))
DUES = st.builds(jeopardy.Due, st.sampled_from([jeopardy.PROMISE, jeopardy.WISH]), DATES)


@st.composite
def works(draw: st.DrawFn) -> tuple[estimate.Work, ...]:
    count = draw(st.integers(0, 4))
    return tuple(
        estimate.Work(
            position=place,
            pace=draw(PACES),
            done=draw(st.integers(0, len(milestones.STEPS))),
            passed=draw(SECONDS),
            not_before=draw(st.none() | DATES),
            after=tuple(draw(st.sets(st.integers(1, place - 1)))) if place > 1 else (),
        )
        for place in range(1, count + 1)
    )


def three(found: estimate.Estimate) -> tuple[datetime, datetime, datetime]:
    return (found.soonest, found.usually, found.late)


@given(works())
def test_nothing_is_expected_before_now_and_the_three_are_in_order(
    open_items: tuple[estimate.Work, ...],
) -> None:
    found = estimate.estimate(open_items, NOW)
    assert NOW <= found.soonest <= found.usually <= found.late
    assert found.known is all(len(one.pace.samples) >= pace.ENOUGH for one in open_items)


@given(works(), st.data(), DATES, SECONDS)
def test_waiting_longer_never_makes_it_sooner(
    open_items: tuple[estimate.Work, ...], data: st.DataObject, date: datetime, seconds: float
) -> None:
    before = estimate.estimate(open_items, NOW)
    later = estimate.estimate(open_items, NOW + timedelta(seconds=seconds))
    assert all(a <= b for a, b in zip(three(before), three(later), strict=True))
    if not open_items:
        return
    place = data.draw(st.integers(0, len(open_items) - 1))
    one = open_items[place]
    longer = dataclasses.replace(one, not_before=max(date, one.not_before or date))
    changed = (*open_items[:place], longer, *open_items[place + 1 :])
    after = estimate.estimate(changed, NOW)
    assert all(a <= b for a, b in zip(three(before), three(after), strict=True))


@given(works(), DATES, st.floats(0, 3_600))
def test_a_promise_is_kept_by_long_work_with_slack_to_spare(
    open_items: tuple[estimate.Work, ...], begun: datetime, slack: float
) -> None:
    expected = estimate.estimate(open_items, NOW)
    due = jeopardy.promise(expected.late, begun, NOW, slack)
    assert due >= expected.late + timedelta(seconds=slack)
    assert jeopardy.level(expected, due) is None


@given(st.lists(st.tuples(works(), st.lists(DUES, min_size=1, max_size=2)), max_size=12))
def test_each_level_is_told_once_and_only_of_a_date_in_danger(
    looks: list[tuple[tuple[estimate.Work, ...], list[jeopardy.Due]]],
) -> None:
    told: list[views.Jeopardy] = []
    for open_items, dues in looks:
        expected = estimate.estimate(open_items, NOW)
        found = jeopardy.alert(expected, dues, told, "", (), NOW)
        if found is None:
            nearest = jeopardy.level(expected, min(one.at for one in dues))
            assert nearest is None or nearest in told
            continue
        assert found.level not in told
        assert expected.late > min(one.at for one in dues)
        told.append(found.level)


@given(PACES, st.integers(0, len(milestones.STEPS)), SECONDS, st.floats(0, 1))
def test_what_is_left_of_the_work_only_shrinks_as_it_goes_on(
    known: pace.Pace, done: int, passed: float, share: float
) -> None:
    left = known.left(done, passed, share)
    assert left >= 0
    assert known.left(done, passed + 1, share) <= left
    assert known.left(done + 1, 0, share) <= known.left(done, 0, share)


@given(st.none() | DATES, DATES, st.lists(DATES, min_size=4, max_size=4))
def test_a_sample_is_whole_and_never_of_a_clock_that_was_set(
    ready: datetime | None, begun: datetime, ends: list[datetime]
) -> None:
    marks = {str(name): at for name, at in zip(milestones.STEPS[1:], ends, strict=True)}
    found = pace.sample(ready, begun, marks)
    in_order = [*([ready] if ready else []), begun, *ends]
    if in_order == sorted(in_order):
        assert found is not None
        assert len(found) == len(milestones.STEPS)
        assert all(one is None or one >= 0 for one in found)
    else:
        assert found is None
    assert pace.sample(ready, begun, {}) is None


PLACES = st.lists(
    st.builds(
        queueing.Place,
        transaction=st.just(""),
        tenant=st.sampled_from("ab"),
        devices=st.frozensets(st.sampled_from(("pe1", "pe2", "pe3")), min_size=1),
        accepted=st.just(0),
        seconds=st.floats(0, 1_000),
    ),
    max_size=8,
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[queueing.Place, ...]:
    """Who stands in line for three devices, some of which somebody has."""
    found: list[queueing.Place] = []
    taken: set[str] = set()
    for number, one in enumerate(draw(PLACES)):
        holds = not taken & one.devices and draw(st.booleans())
        taken |= one.devices if holds else set()
        name = f"t{number}"
        found.append(dataclasses.replace(one, transaction=name, accepted=number, holds=holds))
    return tuple(found)


@given(lines(), st.integers(1, 4))
def test_who_has_devices_goes_on_and_nobody_begins_before_those_ahead_have_ended(
    line: tuple[queueing.Place, ...], most: int
) -> None:
    begins = queueing.waits(line, most)
    assert set(begins) == {one.transaction for one in line}
    assert all(begins[one.transaction] == 0 for one in line if one.holds)
    turns = sorted(line, key=lambda one: (not one.holds, one.accepted))
    for place, late in enumerate(turns):
        for early in turns[:place]:
            if late.devices & early.devices and not late.holds:
                gap = begins[late.transaction] - begins[early.transaction]
                together = late.devices == early.devices and gap == 0
                assert together or gap >= early.seconds - 1e-6


@given(lines(), st.integers(1, 4), st.data())
def test_longer_work_ahead_makes_nobody_sooner_and_who_comes_later_delays_nobody(
    line: tuple[queueing.Place, ...], most: int, data: st.DataObject
) -> None:
    before = queueing.waits(line, most)
    last = queueing.Place("last", "a", frozenset({"pe1", "pe2"}), len(line), 50.0)
    joined = queueing.waits([*line, last], most)
    assert {name: joined[name] for name in before} == before
    if not line:
        return
    place = data.draw(st.integers(0, len(line) - 1))
    longer = dataclasses.replace(line[place], seconds=line[place].seconds + 10.0)
    after = queueing.waits([*line[:place], longer, *line[place + 1 :]], most)
    assert all(after[name] >= before[name] for name in before)


@given(st.lists(st.floats(0, 1_000), max_size=20), st.integers(1, 5))
def test_a_line_for_one_device_is_worked_off_by_so_many_at_a_time(
    took: list[float], most: int
) -> None:
    line = [
        queueing.Place(f"t{number}", "a", frozenset({"pe1"}), number, seconds)
        for number, seconds in enumerate(took)
    ]
    begins = queueing.waits(line, most)
    for number in range(len(took)):
        turns = range(0, number - number % most, most)
        whole = sum(max(took[first : first + most]) for first in turns)
        assert begins[f"t{number}"] == pytest.approx(whole)


@given(works(), st.data(), SECONDS)
def test_a_longer_line_never_makes_it_sooner(
    open_items: tuple[estimate.Work, ...], data: st.DataObject, seconds: float
) -> None:
    if not open_items:
        return
    place = data.draw(st.integers(0, len(open_items) - 1))
    behind = dataclasses.replace(open_items[place], in_line=dict.fromkeys(estimate.SHARES, seconds))
    before = estimate.estimate(open_items, NOW)
    after = estimate.estimate([*open_items[:place], behind, *open_items[place + 1 :]], NOW)
    assert all(a <= b for a, b in zip(three(before), three(after), strict=True))
    assert after.late >= NOW + timedelta(seconds=seconds)
