"""Polls are spread, neither drift nor bunch, and never stop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oss_agent.assurance import schedule

_DEVICES = st.text(max_size=20)
_INTERVALS = st.sampled_from([1.0, 2.5, 30.0, 300.0])


@given(_DEVICES, _INTERVALS, st.floats(0, 10**6), st.integers(0, 1_000))
def test_due_is_later_than_now_and_in_the_slot(
    device: str, interval: float, now: float, failures: int
) -> None:
    at = schedule.due(device, interval, now, failures)

    turns = (at - schedule.slot(device, interval)) / interval
    assert now < at <= now + (schedule.intervals(failures) + 1e-6) * interval
    assert abs(turns - round(turns)) < 1e-4


@given(_DEVICES, _INTERVALS, st.floats(0, 10**5))
def test_the_rate_is_fixed_however_long_the_work_takes(
    device: str, interval: float, now: float
) -> None:
    first = schedule.due(device, interval, now)

    assert abs(schedule.due(device, interval, first + interval / 2) - first - interval) < 1e-6


@given(st.integers(0, 10_000))
def test_the_dead_are_asked_less_often_and_never_not_at_all(failures: int) -> None:
    assert schedule.intervals(failures) == min(2**failures, 8)


def test_a_thousand_devices_fill_the_interval_evenly() -> None:
    slots = [int(schedule.slot(f"pe{n}", 10.0)) for n in range(1_000)]

    assert all(60 < slots.count(second) < 140 for second in range(10))
