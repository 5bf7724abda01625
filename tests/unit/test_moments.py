"""Moments as a person writes them: read once, everywhere the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent.spi import moments

_NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-22T03:12:00Z", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("2026-11-22T04:12:00+01:00", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("2026-11-22T04:12:00 01:00", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("2026-11-22 03:12", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("03:12", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("3:12:07", datetime(2026, 11, 22, 3, 12, 7, tzinfo=UTC)),
        ("2h ago", _NOW - timedelta(hours=2)),
        ("90m ago", _NOW - timedelta(minutes=90)),
        ("now", _NOW),
    ],
)
def test_what_has_been(text: str, meant: datetime) -> None:
    assert moments.past(text, _NOW) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("in 2d", _NOW + timedelta(days=2)),
        ("2w", None),
        ("18:00", datetime(2026, 11, 22, 18, tzinfo=UTC)),
        ("08:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-11-22", None),
        ("2h ago", None),
    ],
)
def test_what_is_to_come(text: str, meant: datetime | None) -> None:
    if meant is None:
        with pytest.raises(ValueError, match=r"no moment|is over already"):
            moments.future(text, _NOW)
    else:
        assert moments.future(text, _NOW) == meant


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "in 2h ago", "999999w ago", "2026-13-01", "١٢:٣٠"]
)
def test_what_is_none_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no moment; write .*2026-11-22T03:12:00Z"):
        moments.parse(text, _NOW)


def test_the_future_is_refused_but_for_a_clock_that_is_a_little_ahead() -> None:
    with pytest.raises(ValueError, match="2026-11-22T18:00:00Z, which is still to come"):
        moments.past("18:00", _NOW)
    assert moments.past("14:30:20", _NOW) == _NOW


def test_what_was_believed_is_what_was_believed_at_that_moment() -> None:
    at, known = datetime(2026, 11, 22, 3, 12, tzinfo=UTC), datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert moments.as_of(None, None, _NOW) is None
    assert moments.as_of("03:12", None, _NOW) == moments.AsOf(at, at)
    assert moments.as_of("03:12", "09:00", _NOW) == moments.AsOf(at, known)
    assert moments.as_of(None, "09:00", _NOW) == moments.AsOf(known, known)


@pytest.mark.parametrize(
    ("text", "ends", "hour", "meant"),
    [
        ("22:00", "04:00", 23, datetime(2026, 11, 22, 22, tzinfo=UTC)),
        ("22:00", "04:00", 20, datetime(2026, 11, 22, 22, tzinfo=UTC)),
        ("22:00", "04:00", 1, datetime(2026, 11, 21, 22, tzinfo=UTC)),
        ("02:00", "04:00", 23, datetime(2026, 11, 23, 2, tzinfo=UTC)),
        ("02:00", "04:00", 3, datetime(2026, 11, 22, 2, tzinfo=UTC)),
        ("04:00", "04:00", 1, datetime(2026, 11, 21, 4, tzinfo=UTC)),
        ("22:00", None, 23, datetime(2026, 11, 23, 22, tzinfo=UTC)),
        ("22:00", "2026-12-01", 20, datetime(2026, 11, 22, 22, tzinfo=UTC)),
        ("2h ago", "04:00", 3, datetime(2026, 11, 22, 1, tzinfo=UTC)),
        ("2026-11-20", None, 3, datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_what_begins_may_have_begun(
    text: str, ends: str | None, hour: int, meant: datetime
) -> None:
    assert moments.begin(text, ends, _NOW.replace(hour=hour, minute=0)) == meant


def test_a_length_of_time_is_written_as_in_moments() -> None:
    assert moments.span("12 h") == timedelta(hours=12)
    assert moments.span("2w") == timedelta(weeks=2)
    for text in ("7", "in 7d", "7d ago", "-1h", "1y"):
        with pytest.raises(ValueError, match="is no length of time; write"):
            moments.span(text)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_a_sentence(text: str) -> None:
    found: datetime | str
    try:
        found = moments.parse(text, _NOW)
    except ValueError as refused:
        found = str(refused)
    assert found.isprintable() if isinstance(found, str) else found.utcoffset() == timedelta(0)
