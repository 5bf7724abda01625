"""One cheap question tells whether a device may have changed, where it keeps track at all."""

from __future__ import annotations

import pytest

from inventory.rows import stamps
from inventory.rows.stamps import Stamp
from oss_agent.spi.onboarding import About

_BEFORE = Stamp(5_000, (48, 900, 0, 700, 4_000))


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (_BEFORE, Stamp(9_000, _BEFORE.marks), set()),
        (None, _BEFORE, {About.WHOLE}),
        # A restart; a port that came; a bundle; a card; a neighbour and a card.
        (_BEFORE, Stamp(100, _BEFORE.marks), {About.WHOLE}),
        (_BEFORE, Stamp(9_000, (49, 8_000, 0, 700, 4_000)), {About.WHOLE}),
        (_BEFORE, Stamp(9_000, (48, 900, 8_500, 700, 4_000)), {About.CONFIGURATION}),
        (_BEFORE, Stamp(9_000, (48, 900, 0, 8_500, 4_000)), {About.PARTS}),
        (_BEFORE, Stamp(9_000, (48, 900, 0, 7, 8_500)), {About.PARTS, About.NEIGHBOURS}),
        # Agents that keep no track of their ports: net-snmp says 0 for ever, others nothing.
        (Stamp(1, (48, 0, 0, 0, 0)), Stamp(2, (48, 0, 0, 0, 0)), {About.WHOLE}),
        (Stamp(1, (48, None, None, 1, 1)), Stamp(2, (48, None, None, 1, 1)), {About.WHOLE}),
    ],
)
def test_what_may_have_changed(before: Stamp | None, now: Stamp, moved: set[About]) -> None:
    assert stamps.moved(before, now) == moved


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (Stamp(9_000, _BEFORE.marks, (824, None)), False),
        (Stamp(9_000, _BEFORE.marks, (8_700, None)), True),
        (Stamp(100, _BEFORE.marks, (824, None)), True),
    ],
)
def test_a_device_that_keeps_the_moment_says_that_it_was_configured(
    now: Stamp, *, changed: bool
) -> None:
    before = Stamp(5_000, _BEFORE.marks, (824, None))
    assert stamps.reconfigured(before, now) is changed
    assert bool(stamps.moved(before, now)) is changed


def test_an_answer_of_the_wrong_types_is_none() -> None:
    assert stamps.read([b"x", 1, 2, 3, 4, 5]) is None
    assert stamps.read([7, None, b"odd", 3, 4, 5]) == Stamp(7, (None, None, 3, 4, 5))
    assert stamps.read([7, 1, 2, 3, 4, 5, 824, None]) == Stamp(7, (1, 2, 3, 4, 5), (824, None))
