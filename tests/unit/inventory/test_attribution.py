"""Who changed a node, by what a device says of its changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inventory.drift import attribution
from oss_agent.spi.drift import Change

AT = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
RATE = "/services/eline[name=acme]/rate"


def _change(*targets: str, user: str = "bob", after: float = 1.0) -> Change:
    return Change(AT + timedelta(seconds=after), user, "192.0.2.7", "12", targets)


@pytest.mark.parametrize(
    ("target", "meets"),
    [
        ("/oss:services/oss:eline[oss:name='acme']/oss:rate", True),
        ('/services/eline[name="acme"]', True),
        ("/services", True),
        ("/services/eline[name='acme']/rate/more", True),
        ("/services/eline[name='other']/rate", False),
        ("/services/eline[name='acme']/vni", False),
        ("/interfaces", False),
        ("", False),
        ("services", False),
        ("/a[b='c'" + "[" * 3_000, False),
    ],
)
def test_a_change_meets_a_node_above_it_at_it_and_in_it(target: str, meets: bool) -> None:  # noqa: FBT001  a case's word
    said = attribution.who(RATE, AT, [_change(target)])
    assert said == ("bob from 192.0.2.7 session 12 at 2026-11-22T15:00:01.000Z" if meets else "")


def test_the_last_change_since_it_was_read_back_counts() -> None:
    ours = _change(RATE, user="oss-agent", after=-1)
    assert attribution.who(RATE, AT, [ours]) == ""
    said = attribution.who(RATE, AT, [ours, _change(RATE, user="ann"), _change(RATE, after=2)])
    assert said.startswith("bob")


def test_what_a_device_says_is_one_harmless_line() -> None:
    said = attribution.who(RATE, AT, [_change(RATE, user="\x1b[2J\n" + "x" * 10_000)])
    assert said.isprintable()
    assert len(said) <= 255
