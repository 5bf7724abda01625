"""A restart is told by the moment of the boot: not by whether sysUpTime is smaller than it was."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.rows import stamps
from inventory.rows.stamps import Stamp
from oss_agent.spi import snmp
from oss_agent.spi.onboarding import About

_DAY: Final = 86_400.0
_MARKS: Final = (48, 900, 0, 700, 4_000)
_UPTIMES: Final = st.integers(0, snmp.TICKS - 1)


@pytest.mark.parametrize(
    ("before", "after", "seconds", "restarted"),
    [
        (5_000, 95_000, 900.0, False),
        (5_000, 100, 900.0, True),
        # Between the two it restarted, and has been up for longer than it had been before.
        (5_000, 50_000, 900.0, True),
        # It wraps after 497 days; a restart just then is another thing.
        (snmp.TICKS - 40_000, 50_000, 900.0, False),
        (snmp.TICKS - 40_000, 10_000, 900.0, True),
        (snmp.TICKS - 1, 0, 0.01, False),
        # Its clock is a little behind ours, or the answer was late.
        (5_000, 94_600, 900.0, False),
        (5_000, 5_000, 4.0, False),
        (5_000, 4_900, 4.0, True),
        (5_000, 5_000 + int(_DAY * 100) - 8_000, _DAY, False),
        # Ours was set back.
        (5_000, 95_000, -3_600.0, False),
        # So long that nobody knows how often it wrapped.
        (5_000, 5_000, snmp.TICKS / 100, True),
    ],
)
def test_a_restart(before: int, after: int, seconds: float, *, restarted: bool) -> None:
    assert snmp.restarted(before, after, seconds) is restarted


@given(_UPTIMES, st.floats(0, 400 * _DAY))
def test_an_agent_that_runs_on_never_restarted(before: int, seconds: float) -> None:
    after = (before + round(seconds * 100)) % snmp.TICKS
    assert not snmp.restarted(before, after, seconds)


@given(st.integers(2_000, snmp.TICKS - 1), st.floats(0, _DAY), st.floats(0, 1))
def test_an_agent_that_booted_in_between_restarted(
    before: int, seconds: float, when: float
) -> None:
    lost = before / 100 + seconds * when
    if abs(lost - snmp.TICKS / 100) <= 6 + seconds / 1_000 or lost <= 6 + seconds / 1_000:
        return  # as good as no restart: the two boots are that near, or the clock went once around
    assert snmp.restarted(before, round(seconds * (1 - when) * 100), seconds)


@pytest.mark.parametrize(
    ("before", "after", "fell"),
    [(500, 3, True), (3, 500, False), (500, 450, False), (snmp.TICKS - 5, 3, False), (7, 7, False)],
)
def test_a_walk_whose_agent_restarted(before: int, after: int, *, fell: bool) -> None:
    assert snmp.fell(before, after, 100) is fell


def test_the_cheap_question_sees_a_restart_that_is_longer_ago_than_the_last_one_was() -> None:
    before = Stamp(5_000, _MARKS, (824,), at=100.0)
    went_on = Stamp(95_000, _MARKS, (824,), at=1_000.0)
    restarted = Stamp(50_000, _MARKS, (824,), at=1_000.0)
    assert not stamps.reconfigured(before, went_on)
    assert stamps.moved(before, went_on) == set()
    assert stamps.reconfigured(before, restarted)
    assert stamps.moved(before, restarted) == {About.WHOLE}


def test_a_clock_that_wraps_is_no_restart_to_the_cheap_question() -> None:
    before = Stamp(snmp.TICKS - 40_000, _MARKS, at=100.0)
    assert stamps.moved(before, Stamp(50_000, _MARKS, at=1_000.0)) == set()
