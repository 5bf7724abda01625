"""Estimates, promises and jeopardy as laws: never in the past, later for longer waits, each level once."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from oss_agent.fulfilment.record import milestones, pace
from oss_agent.fulfilment.turn import estimate, jeopardy
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
