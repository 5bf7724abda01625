"""Which addresses are meant: every one once, bounded, anything else a sentence."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.onboarding import scout_targets
from oss_agent import errors


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (["192.0.2.1"], ["192.0.2.1"]),
        (["192.0.2.1", " 192.0.2.1 "], ["192.0.2.1"]),
        (["192.0.2.254-192.0.3.1"], ["192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1"]),
        (["192.0.2.0/30"], ["192.0.2.1", "192.0.2.2"]),
        (["192.0.2.0/31"], ["192.0.2.0", "192.0.2.1"]),
        (["2001:db8::1-2001:db8::2"], ["2001:db8::1", "2001:db8::2"]),
        (["2001:DB8:0::1"], ["2001:db8::1"]),
    ],
)
def test_each_address_once(targets: list[str], meant: list[str]) -> None:
    assert list(scout_targets.addresses(targets)) == meant


@pytest.mark.parametrize(
    ("targets", "address", "inside"),
    [
        (["10.0.0.0/8"], "10.255.255.255", True),
        (["10.0.0.0/8"], "11.0.0.0", False),
        (["192.0.2.1-192.0.2.9"], "192.0.2.9", True),
        (["192.0.2.1-192.0.2.9"], "192.0.2.10", False),
        (["192.0.2.1", "2001:db8::/32"], "2001:db8::7", True),
        (["0.0.0.0/0"], "2001:db8::7", False),
        (["::/0"], "192.0.2.1", False),
    ],
)
def test_a_range_of_any_size_says_what_lies_in_it(
    targets: list[str],
    address: str,
    inside: bool,  # noqa: FBT001  (what is expected)
) -> None:
    assert scout_targets.ranges(targets)(address) is inside


@pytest.mark.parametrize("target", ["no", "192.0.2.9-192.0.2.1", "192.0.2.1/24", "1-2-3", "-", ""])
def test_a_range_that_is_none_is_named(target: str) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        scout_targets.ranges(["192.0.2.1", target])
    assert refused.value.field == "targets[1]"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("10.0.0.0/8", "more than 1024 addresses"),
        ("::/0", "more than 1024"),
        ("10.0.0.0-10.255.255.255", "more than 1024"),
        ("2000::1-3000::1", "more than 1024"),
        ("192.0.2.9-192.0.2.1", "the lower address first"),
        ("192.0.2.1-2001:db8::1", "of one family"),
        ("192.0.2.1/24", "host bits set"),
        ("fe80::1%eth0\n", "is no address"),
        ("fe80::%x/64", "is no prefix"),
        ("224.0.0.1", "no address of one device"),
        ("::", "no address of one device"),
        ("224.0.0.0/28", "no address of one device"),
        ("223.255.255.254-224.0.0.1", "no address of one device"),
        ("ff02::/124", "no address of one device"),
        ("255.255.255.255", "no address of one device"),
        ("::ffff:192.0.2.1", "is 192.0.2.1: write it so"),
        ("router.example.net", "is no address"),
        ("\x1b[2J", "is no address"),
        ("-", "is no address"),
        ("", "is no address"),
        ("٣.0.2.1", "is no address"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(target: str, words: str) -> None:
    with pytest.raises(errors.OrderRejected, match=words) as refused:
        scout_targets.addresses([target])
    assert refused.value.reason.isprintable()


def test_to_name_nothing_is_refused() -> None:
    with pytest.raises(errors.OrderRejected, match="no address is named"):
        scout_targets.addresses([])


@given(st.lists(st.text(max_size=40), max_size=3))
def test_whatever_is_written_there_are_addresses_or_a_refusal(targets: list[str]) -> None:
    try:
        found = scout_targets.addresses(targets)
    except errors.OrderRejected:
        return
    assert len(found) == len({ipaddress.ip_address(one) for one in found})
