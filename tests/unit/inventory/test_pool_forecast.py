"""Days to full by a pool's own history; without one, or when it does not fill, none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from inventory.pools import pool_absence, pool_forecast
from oss_agent.spi.pools import ForecastView

_NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def _ago(days: float) -> datetime:
    return _NOW - timedelta(days=days)


_Held = Sequence[tuple[datetime, datetime | None, int]]


def _days(held: _Held) -> tuple[list[pool_forecast.Day], list[pool_forecast.Day]]:
    """(from, to, how much) of claims, as the database counts them."""
    day = timedelta(days=1)
    came = [pool_forecast.Day((_NOW - begin) // day, n) for begin, _, n in held if begin <= _NOW]
    went = [pool_forecast.Day((_NOW - end) // day, n) for _, end, n in held if end and end <= _NOW]
    return came, went


def _said(held: _Held, size: int) -> ForecastView:
    first = min((begin for begin, _, _ in held), default=None)
    return pool_forecast.forecast(*_days(held), size, _NOW, first)


def test_a_pool_that_fills_by_two_a_day_says_when_it_is_full() -> None:
    held = [(_ago(20 - day / 2), None, 1) for day in range(40)]
    said = _said(held, 100)
    assert said.per_day == pytest.approx(2.0, abs=0.1)
    assert said.days == pytest.approx(30.0, abs=2)


def test_what_was_given_back_counts_against_it() -> None:
    held = [(_ago(20 - day), _ago(20 - day - 1), 1) for day in range(20)]
    said = _said(held, 100)
    assert (said.days, said.why) == (None, "it is not filling")


def test_levels_are_what_stood_at_each_days_end() -> None:
    """By the definition, claim by claim and day by day, as no large pool could be counted."""
    hours = random.Random(7)  # noqa: S311  no secret
    held = [
        (_ago(begin), None if n % 3 == 0 else _ago(begin * hours.random()), n % 4 + 1)
        for n in range(200)
        if (begin := hours.choice([hours.uniform(0, 30), float(hours.randrange(30))])) >= 0
    ]
    held.append((_ago(-1), None, 9))
    levels = [
        sum(n for begin, end, n in held if begin <= at and (end is None or end > at))
        for at in (_ago(ago) for ago in range(20, -1, -1))
    ]
    assert pool_forecast.levels(*_days(held), 20) == levels


@pytest.mark.parametrize(
    "held",
    [
        [],
        [(_ago(40), None, 1)] * 4,
        [(_ago(3 - n / 100), None, 1) for n in range(200)],
        [(_ago(200), None, 1)] * 50,
    ],
)
def test_without_enough_history_there_is_no_date(
    held: list[tuple[datetime, datetime | None, int]],
) -> None:
    said = _said(held, 10_000)
    assert said.days is None
    assert "no forecast" in said.why


def test_a_full_pool_is_full_now() -> None:
    held = [(_ago(20 - n), None, 5) for n in range(10)]
    assert _said(held, 50).days == 0.0


@pytest.mark.parametrize(
    ("value", "written", "there"),
    [
        ("100", "vxlan100", True),
        ("100", "1000", False),
        ("100", "2100", False),
        ("65000:100", "rd 65000:100", True),
        ("65000:100", "165000:100", False),
        ("100.64.0.1/10", "100.64.0.1/10", True),
        ("100.64.0.1/10", "neighbor 100.64.0.1", True),
        ("100.64.0.1/10", "100.64.0.11/10", False),
        ("203.0.113.0/30", "203.0.113.1/30", True),
        ("203.0.113.0/30", "203.0.113.0/30", True),
        ("203.0.113.0/30", "203.0.113.4/30", False),
        ("2001:db8::/56", "2001:db8::1/64", True),
        ("2001:db8::/56", "2001:db8:1::1/64", False),
        ("2001:db8::/56", "203.0.113.4/30", False),
        ("203.0.113.0/30", "::::////....9", False),
    ],
)
def test_a_value_is_found_wherever_it_is_written(value: str, written: str, *, there: bool) -> None:
    form = {"name": "x", "keys": [["name", "y"]], "children": [{"name": "v", "value": written}]}
    assert pool_absence.mentions(form, value) is there
