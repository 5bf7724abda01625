"""Stops and change windows: what they cover, when they hold, and when to look again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import states
from oss_agent.fulfilment.turn import breaker, stops
from oss_agent.spi import stops as spi

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
PE1 = stops.Place("pe1", "north", "frr_linux")
HOUR = timedelta(hours=1)


def stop(
    scope: spi.Scope = spi.Scope.ALL,
    name: str = "",
    *,
    begins: datetime = AT - HOUR,
    ends: datetime | None = None,
) -> spi.StopView:
    return spi.StopView(7, scope, name, "core upgrade", spi.Cause.OPERATOR, "ops", begins, ends)


def window(days: frozenset[int], begins: int, ends: int) -> limits.Window:
    return limits.Window(spi.Scope.SITE, "north", days, time(begins), time(ends))


def wait(*standing: spi.StopView, windows: tuple[limits.Window, ...] = ()) -> states.Wait | None:
    return stops.wait(standing, windows, (PE1,), AT, 60.0)


@pytest.mark.parametrize(
    ("scope", "name"),
    [("all", ""), ("device", "pe1"), ("site", "north"), ("platform", "frr_linux")],
)
def test_a_stop_that_covers_the_place_says_who_and_why(scope: str, name: str) -> None:
    found = wait(stop(spi.Scope(scope), name))
    assert found is not None
    assert "device pe1" in found.reason
    assert "core upgrade" in found.reason
    assert found.who == "ops, or an operator: oss-agent resume 7"


@pytest.mark.parametrize(
    ("scope", "name"), [("device", "pe2"), ("site", "south"), ("platform", "sim_cli")]
)
def test_a_stop_elsewhere_holds_nothing(scope: str, name: str) -> None:
    assert wait(stop(spi.Scope(scope), name)) is None


def test_a_freeze_holds_from_its_beginning_to_its_end() -> None:
    assert wait(stop(begins=AT + HOUR)) is None
    assert wait(stop(ends=AT)) is None
    found = wait(stop(ends=AT + timedelta(seconds=20)))
    assert found is not None
    assert found.wake_at == AT + timedelta(seconds=20)


def test_outside_its_windows_a_place_waits_for_the_next_one() -> None:
    found = wait(windows=(window(frozenset({2}), 22, 4), window(frozenset({4}), 1, 2)))
    assert found is not None
    assert "opens 2026-03-04T22:00:00" in found.reason


def test_a_window_of_yesterday_may_still_be_open() -> None:
    assert wait(windows=(window(frozenset({1}), 13, 12), window(frozenset({1}), 14, 13))) is None


def test_a_place_without_any_window_is_always_open() -> None:
    south = limits.Window(spi.Scope.SITE, "south", frozenset({0}), time(1), time(2))
    assert wait(windows=(south,)) is None


@given(
    day=st.integers(0, 6),
    begins=st.integers(0, 23),
    ends=st.integers(0, 23),
    minutes=st.integers(0, 7 * 24 * 60),
)
def test_a_window_either_is_open_or_opens_within_a_week(
    day: int, begins: int, ends: int, minutes: int
) -> None:
    at = AT + timedelta(minutes=minutes)
    found = stops.wait((), (window(frozenset({day}), begins, ends),), (PE1,), at, 8 * 86_400)
    if found is not None:
        assert at < found.wake_at <= at + timedelta(days=7)
        assert (
            stops.wait((), (window(frozenset({day}), begins, ends),), (PE1,), found.wake_at, 1)
            is None
        )


@pytest.mark.parametrize(
    ("latest", "votes", "trips"),
    [
        ("FFF", 3, True),
        ("FFP", 3, False),
        ("PFF", 3, False),
        ("FF", 3, False),
        ("FFFP", 3, True),
        ("FFF", 0, False),
        ("", 0, False),
    ],
)
def test_the_breaker_counts_failed_votes_in_a_row(latest: str, votes: int, *, trips: bool) -> None:
    causes = [states.Cause.PROOF if one == "F" else states.Cause.PROVEN for one in latest]
    assert breaker.tripped(causes, votes) is trips
