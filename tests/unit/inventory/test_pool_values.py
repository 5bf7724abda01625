"""Numbers, addresses and prefixes as pools know them: each written value is one number."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.pools import pool_values, pools
from oss_agent import errors


def _of(prefix: str, length: int | None = None, longest: int | None = None) -> pool_values.Values:
    return pool_values.of(pool_values.Form(prefix=prefix, length=length, longest=longest))


KINDS = [
    pool_values.of(pool_values.Form(10_100, 10_199)),
    _of("100.64.0.0/10"),
    _of("192.0.2.0/31"),
    _of("192.0.2.7/32"),
    _of("2001:db8::/32"),
    _of("203.0.113.0/24", 30),
    _of("203.0.113.0/24", 24),
    _of("2001:db8::/32", 56),
    _of("2000::/3", 128),
]


@given(st.sampled_from(KINDS), st.data())
def test_a_value_read_as_it_is_written_is_the_same_number(
    kind: pool_values.Values, data: st.DataObject
) -> None:
    number = data.draw(st.integers(kind.first, kind.last))

    assert kind.number(kind.text(number)) == number


@given(st.sampled_from(KINDS), st.data())
def test_different_numbers_are_disjoint_addresses(
    kind: pool_values.Values, data: st.DataObject
) -> None:
    one, two = (data.draw(st.integers(kind.first, kind.last)) for _ in range(2))
    if one == two or isinstance(kind, pool_values.Numbers):
        return
    a, b = kind.text(one), kind.text(two)
    if isinstance(kind, pool_values.Prefixes):
        overlap = ipaddress.ip_network(a).overlaps(ipaddress.ip_network(b))
        assert not overlap
        return
    assert ipaddress.ip_interface(a).ip != ipaddress.ip_interface(b).ip


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        (_of("192.0.2.0/29"), "192.0.2.1/29", "192.0.2.6/29"),
        (_of("192.0.2.0/31"), "192.0.2.0/31", "192.0.2.1/31"),
        (_of("192.0.2.7/32"), "192.0.2.7/32", "192.0.2.7/32"),
        (_of("2001:db8::/126"), "2001:db8::1/126", "2001:db8::3/126"),
        (_of("203.0.113.0/24", 30), "203.0.113.0/30", "203.0.113.252/30"),
    ],
)
def test_a_pool_begins_and_ends_where_its_prefix_allows(
    kind: pool_values.Values, first: str, last: str
) -> None:
    assert (kind.text(kind.first), kind.text(kind.last)) == (first, last)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (KINDS[0], "10200"),
        (KINDS[0], "-1"),
        (KINDS[0], "\u0661"),
        (KINDS[0], "9" * 400),
        (KINDS[1], "100.64.0.0/10"),
        (KINDS[1], "100.127.255.255/10"),
        (KINDS[1], "100.64.0.1"),
        (KINDS[1], "100.64.0.1/11"),
        (KINDS[1], "100.64.0.01/10"),
        (KINDS[1], "100.64.0.1%x/10"),
        (KINDS[1], "10.0.0.1/10"),
        (KINDS[1], "::6440:1/10"),
        (KINDS[5], "203.0.113.1/30"),
        (KINDS[5], "203.0.113.0/29"),
        (KINDS[5], "203.0.114.0/30"),
        (KINDS[5], "203.0.112.252/30"),
        (KINDS[5], "203.0.113.0/30\n"),
        (KINDS[7], "2001:DB8::/56"),
        (KINDS[7], "2001:db9::/56"),
    ],
)
def test_what_is_not_of_the_pool_is_no_number(kind: pool_values.Values, text: str) -> None:
    assert kind.number(text) is None


@pytest.mark.parametrize(
    ("prefix", "length"),
    [("203.0.113.0/24", 23), ("203.0.113.0/24", 33), ("203.0.113.1/24", None), ("x", None)],
)
def test_a_pool_without_values_is_refused_by_name(prefix: str, length: int | None) -> None:
    with pytest.raises(errors.ConfigurationError, match="pool p: "):
        pools.PoolRange.of_prefix("p", prefix, length)
