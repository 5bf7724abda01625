"""What two pools may not share, and which of the network's own addresses a pool could give out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import observed
from inventory.pools import pool_claims, pool_clashes, pools
from oss_agent import errors

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_INTERNET = pools.PoolRange.of_prefix("internet-v4", "203.0.113.0/24", 30)
_TRANSIT = pools.PoolRange.of_prefix("vpn-transit", "100.64.0.0/10")


@pytest.mark.parametrize("prefix", ["203.0.113.0/24", "203.0.113.128/25", "203.0.0.0/16"])
def test_two_pools_of_one_prefix_are_refused_by_name(prefix: str) -> None:
    other = pools.PoolRange.of_prefix("hosting", prefix)
    with pytest.raises(errors.ConfigurationError, match=r"internet-v4 .* and hosting .* overlap"):
        pool_clashes.refuse_overlap([_TRANSIT, _INTERNET, other])


def test_prefixes_apart_families_apart_and_ranges_of_numbers_are_not() -> None:
    six = pools.PoolRange.of_prefix("internet-v6", "::/0", 56)
    numbers = [pools.PoolRange("core-vni", 1, 99), pools.PoolRange("vlan", 1, 99)]
    pool_clashes.refuse_overlap([_TRANSIT, _INTERNET, six, *numbers])


def test_a_pool_that_covers_a_routers_address_is_told(connection: sa.Connection) -> None:
    """conftest: pe1 has 10.255.0.11 as its router id and is managed at 172.20.20.51."""
    every = [
        pools.PoolRange.of_prefix("loopbacks", "10.255.0.0/24", 30),
        pools.PoolRange.of_prefix("management", "172.20.20.0/24"),
        _INTERNET,
        pools.PoolRange("core-vni", 1, 2**40),
    ]
    found = pool_clashes.covered(connection, every, tenant="default")

    assert set(found) == {"loopbacks", "management"}
    assert "pe1 10.255.0.11" in found["loopbacks"]
    assert "pe1 172.20.20.51" in found["management"]
    assert pool_clashes.covered(connection, every, tenant="other") == {}


def test_what_a_pool_has_given_out_is_not_the_networks(connection: sa.Connection) -> None:
    pools.seed(connection, [_INTERNET, _TRANSIT], tenant="default", at=_AT)
    for one in (_INTERNET, _TRANSIT):
        pool_claims.claim(connection, pool=one.name, key=f"1.{one.name}", wanted=None, at=_AT)
    addresses = ("203.0.113.1", "203.0.113.5", "100.64.0.1", "100.64.0.2", "fe80::1")
    seen = tuple(facts.AddressFact("eth4", address) for address in addresses)
    observed.record(connection, facts.DeviceFacts("pe1", addresses=seen), _AT)

    assert pool_clashes.covered(connection, [_INTERNET, _TRANSIT], tenant="default") == {
        "internet-v4": ("pe1 203.0.113.5",),
        "vpn-transit": ("pe1 100.64.0.2",),
    }
