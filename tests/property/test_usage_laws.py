"""Money's laws: integers, exact while counters run on, unknown whenever they may not have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent.assurance import usage
from oss_agent.spi import ledger

_T0 = datetime(2026, 1, 1, tzinfo=UTC)
_WATCHED = ledger.WatchedPort("pe1", "eth4", 5, "svc-1", "acme-hq", "default", "acme")
_COUNTERS = st.integers(0, 2**64 - 1)


def _sample(
    seconds: float = 0.0,
    *,
    uptime: int = 1_000,
    octets: tuple[int | None, int | None] = (0, 0),
    discontinuity: int | None = 0,
) -> usage.Sample:
    at = _T0 + timedelta(seconds=seconds)
    ticks = (uptime + round(seconds * 100)) % 2**32
    return usage.Sample("pe1:eth4", at, ticks, discontinuity, *octets)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(1, 86_400),
    st.tuples(st.integers(0, 2**63), st.integers(0, 2**63)),
    st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**10)), min_size=1, max_size=5),
)
def test_a_run_sums_to_what_passed_even_across_the_wrap_of_sys_up_time(
    uptime: int, step: float, start: tuple[int, int], passed: list[tuple[int, int]]
) -> None:
    octets, total_in = start, 0
    before = _sample(0, uptime=uptime, octets=octets)
    for turn, (more_in, more_out) in enumerate(passed, 1):
        octets = octets[0] + more_in, octets[1] + more_out
        after = _sample(turn * step, uptime=uptime, octets=octets)
        got_in, got_out, gap = usage.difference(before, after)
        assert (got_in, got_out, gap) == (more_in, more_out, None)
        total_in += got_in or 0
        before = after

    assert total_in == octets[0] - start[0]


@given(_COUNTERS, _COUNTERS, _COUNTERS, _COUNTERS, st.integers(0, 2**32 - 1), st.floats(-10, 10**8))
def test_never_a_negative_never_a_bill_from_nothing(
    a: int, b: int, c: int, d: int, uptime: int, seconds: float
) -> None:
    before = _sample(0, octets=(a, b))
    after = replace(_sample(octets=(c, d)), at=_T0 + timedelta(seconds=seconds), uptime=uptime)

    got_in, got_out, gap = usage.difference(before, after)

    assert (got_in is None) is (got_out is None) is (gap is not None)
    if got_in is not None and got_out is not None:
        assert 0 <= got_in == c - a < 2**63
        assert 0 <= got_out == d - b < 2**63


@given(st.integers(0, 10**9), st.floats(60, 86_400), st.floats(0, 0.9))
def test_a_restart_is_a_gap_wherever_it_falls(uptime: int, wall: float, when: float) -> None:
    """The device restarts a part ``when`` into the interval: sysUpTime starts again from zero."""
    before = _sample(0, uptime=uptime, octets=(5, 5))
    since_restart = round(wall * (1 - when) * 100)
    after = replace(_sample(wall, octets=(9, 9)), uptime=since_restart)

    _, _, gap = usage.difference(before, after)

    lost = uptime / 100 + wall * when
    assert gap is not None or lost <= 2 + wall * 0.02


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (_sample(octets=(10, 0)), _sample(60, octets=(9, 5)), "ifHCInOctets fell"),
        (_sample(octets=(0, 7)), _sample(60, octets=(9, 5)), "ifHCOutOctets fell"),
        (_sample(octets=(None, 7)), _sample(60, octets=(9, 9)), "ifHCInOctets was not read"),
        (_sample(), _sample(60, discontinuity=1_500), "ifCounterDiscontinuityTime changed"),
        (_sample(), _sample(60, uptime=5_000_000), "restarted"),
        (_sample(), _sample(0), "not in order"),
        (_sample(), _sample(60, octets=(2**62, 0)), "faster than any port"),
    ],
)
def test_a_gap_says_why(before: usage.Sample, after: usage.Sample, words: str) -> None:
    got_in, got_out, gap = usage.difference(before, after)

    assert (got_in, got_out) == (None, None)
    assert gap is not None
    assert words in gap


def test_a_record_names_its_samples_and_its_key_is_stable() -> None:
    before, after = _sample(octets=(100, 50)), _sample(60, octets=(1_100, 80))

    view = usage.record(_WATCHED, before, after)

    assert (view.octets_in, view.octets_out, view.gap) == (1_000, 30, None)
    assert view.samples == (before.id, after.id)
    assert view.key == "pe1:eth4/2026-01-01T00:00:00.000Z/1"
    assert (view.service, view.customer, view.meter_point) == ("svc-1", "acme", "pe1:eth4")
    assert usage.record(_WATCHED, before, after) == view


def test_unchanged_counters_are_zero_octets_and_no_gap() -> None:
    assert usage.difference(_sample(octets=(7, 7)), _sample(60, octets=(7, 7))) == (0, 0, None)


_READINGS = st.tuples(
    st.floats(-100, 10_000), st.integers(0, 10**6), st.integers(0, 2**40), st.integers(0, 2**40)
)


@given(_READINGS, _READINGS)
def test_what_closes_a_period_tiles_it_and_tells_no_octet_twice(
    then: tuple[float, int, int, int], now: tuple[float, int, int, int]
) -> None:
    """Whatever was read last and is read now: restarts, resets, a clock that was set."""
    before = _sample(octets=(2**20, 2**20))
    seen, after = (
        replace(_sample(octets=(into, out)), at=_T0 + timedelta(seconds=seconds), uptime=uptime)
        for seconds, uptime, into, out in (then, now)
    )
    views = usage.closed(_WATCHED, before, seen, after)

    assert views[0].period_start == before.at
    assert views[-1].period_end == max(after.at, views[-1].period_start)
    assert all(one.period_start <= one.period_end for one in views)
    assert [one.samples[1] for one in views[:-1]] == [one.samples[0] for one in views[1:]]
    whole = usage.difference(before, after)
    if whole[2] is None:
        assert [(one.octets_in, one.octets_out) for one in views] == [whole[:2]]
    else:
        assert [one.gap is None for one in views] in ([False], [True, False])


@given(seconds=st.floats(-10_000, 10_000), begun=st.booleans(), read=st.booleans())
def test_a_record_is_due_in_time_and_never_before_unless_nobody_could_know_it(
    *, seconds: float, begun: bool, read: bool
) -> None:
    before = _sample(octets=(1, 1) if begun else (None, 1))
    now = replace(
        _sample(octets=(1, 1) if read else (1, None)), at=_T0 + timedelta(seconds=seconds)
    )
    minute, early = timedelta(seconds=60), timedelta(seconds=5)
    found = usage.due(before, now, minute, early)

    waited = now.at - before.at
    if waited < timedelta() or waited >= 2 * minute - early:
        assert found
    elif begun and waited < minute - early:
        assert not found
    elif begun and read:
        assert found


_POLLED = _sample(30, octets=(500, 500))
_INTERVAL = timedelta(seconds=300)


@pytest.mark.parametrize(
    "odd",
    [
        replace(_sample(60, octets=(900, 900)), at=_T0 + timedelta(seconds=64)),
        _sample(60, octets=(900, 900), discontinuity=None),
        _sample(60, octets=(900, None)),
    ],
    ids=["late by four seconds", "without its discontinuity", "without its octets"],
)
def test_one_odd_poll_ends_no_period(odd: usage.Sample) -> None:
    begun = _sample(octets=(1, 1))
    assert not usage.broken(begun, _POLLED, odd, _INTERVAL)
    assert not usage.due(begun, odd, _INTERVAL, timedelta(seconds=5))


@pytest.mark.parametrize(
    "proof",
    [
        _sample(60, octets=(0, 900)),
        _sample(60, octets=(900, 900), discontinuity=4_000),
        replace(_sample(60, octets=(900, 900)), uptime=100),
    ],
    ids=["octets fell", "another discontinuity", "the agent restarted"],
)
def test_what_was_known_before_an_interruption_is_told_at_once(proof: usage.Sample) -> None:
    assert usage.broken(_sample(octets=(1, 1)), _POLLED, proof, _INTERVAL)
