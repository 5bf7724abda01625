"""How patiently a receiver is told: pure laws over any row of answers."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from oss_agent.outbox import pace
from oss_agent.spi.events import Attempt, Delivery

_PACE = pace.Pace(first_pause=1.0, longest_pause=300.0, parallel=8)
_chances = st.floats(0, 1, exclude_max=True)
_waits = st.none() | st.floats(0, 1e9)
_answers = st.lists(st.tuples(st.sampled_from(list(Delivery)), _waits, _chances), max_size=40)


def _play(answers: list[tuple[Delivery, float | None, float]]) -> pace.Standing:
    standing = pace.Standing()
    for delivery, wait, chance in answers:
        standing = pace.after(standing, Attempt(delivery, "", wait), _PACE, 0.0, chance)
    return standing


@given(_answers)
def test_a_receiver_that_answers_is_told_in_parallel_at_once(
    answers: list[tuple[Delivery, float | None, float]],
) -> None:
    standing = _play([*answers, (Delivery.DONE, None, 0.0)])
    assert standing == pace.Standing()
    assert standing.lanes(_PACE) == 8


@given(_answers)
def test_a_receiver_that_fails_is_probed_by_one_and_left_alone_a_bounded_time(
    answers: list[tuple[Delivery, float | None, float]],
) -> None:
    standing = _play([*answers, (Delivery.RETRY, None, 0.0)])
    assert standing.lanes(_PACE) == 1
    assert 0.0 <= standing.quiet_until <= 3600.0


def test_one_event_that_it_cannot_take_is_no_outage() -> None:
    standing = _play([(Delivery.RETRY, None, 0.5)] * 3)
    assert standing.quiet_until == 0.0
    assert _play([(Delivery.RETRY, None, 0.5)] * 4).quiet_until > 0.0


@given(st.integers(1, 10_000), _chances)
def test_pauses_double_to_a_bound_with_jitter(attempts: int, chance: float) -> None:
    pause = pace.pause_after(attempts, None, _PACE, chance)
    whole = min(300.0, 2.0 ** min(attempts - 1, 30))
    assert timedelta(seconds=whole / 2) <= pause <= timedelta(seconds=whole)


@given(st.integers(1, 100), st.floats(0, 1e12), _chances)
def test_never_sooner_than_it_asked_and_never_later_than_an_hour(
    attempts: int, asked: float, chance: float
) -> None:
    pause = pace.pause_after(attempts, asked, _PACE, chance)
    assert min(timedelta(seconds=min(asked, 3600)), pace.LONGEST_PAUSE) <= pause
    assert pause <= pace.LONGEST_PAUSE
