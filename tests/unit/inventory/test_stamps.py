"""One cheap question tells whether a device may have changed, where it keeps track at all."""

from __future__ import annotations

import pytest

from inventory import stamps
from inventory.stamps import Stamp

_BEFORE = Stamp(5_000, (48, 900, 0, 700, 4_000))


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (_BEFORE, Stamp(9_000, _BEFORE.marks), False),
        (None, _BEFORE, True),
        # A restart; a port that came; a card; a neighbour.
        (_BEFORE, Stamp(100, _BEFORE.marks), True),
        (_BEFORE, Stamp(9_000, (49, 8_000, 0, 700, 4_000)), True),
        (_BEFORE, Stamp(9_000, (48, 900, 0, 8_500, 4_000)), True),
        (_BEFORE, Stamp(9_000, (48, 900, 0, 700, 8_500)), True),
        # Agents that keep no track of their ports: net-snmp says 0 for ever, others nothing.
        (Stamp(1, (48, 0, 0, 0, 0)), Stamp(2, (48, 0, 0, 0, 0)), True),
        (Stamp(1, (48, None, None, 1, 1)), Stamp(2, (48, None, None, 1, 1)), True),
    ],
)
def test_what_may_have_changed(*, before: Stamp | None, now: Stamp, moved: bool) -> None:
    assert stamps.moved(before, now) is moved


def test_an_answer_of_the_wrong_types_is_none() -> None:
    assert stamps.read([b"x", 1, 2, 3, 4, 5]) is None
    assert stamps.read([7, None, b"odd", 3, 4, 5]) == Stamp(7, (None, None, 3, 4, 5))
