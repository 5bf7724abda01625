"""Which addresses are on which port, by the newer table, the older one, or both."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from inventory.facts import address_facts, facts
from oss_agent.spi import snmp
from tests import recorded_agents
from tests.unit.inventory import test_entity_facts as recorded

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_PREFIXES = (1, 3, 6, 1, 2, 1, 4, 32, 1, 5)
_SEEN = facts.DeviceFacts(
    "pe1",
    interfaces=(facts.InterfaceFact("eth4", 5, "up", "up"),),
    addresses=(facts.AddressFact("eth4", "192.0.2.1"),),
)
_V6 = tuple(bytes.fromhex("20010db8000000000000000000000001"))


_NEW = dataclasses.replace(_SEEN, addresses=())


def _read(
    index: snmp.Oid,
    pointer: snmp.Value = None,
    kind: snmp.Value = 1,
    port: int = 5,
    seen: facts.DeviceFacts = _NEW,
) -> set[str]:
    cells: dict[str, list[snmp.Value]] = {
        "ipAddressIfIndex": [port],
        "ipAddressType": [kind],
        "ipAddressPrefix": [pointer],
    }
    table = snmp.Columns("pe1", _AT, 0.0, 1, [index], cells)
    found = address_facts.read(seen, table).addresses
    return {f"{one.address}/{one.prefix}" for one in found or ()}


@pytest.mark.parametrize(
    ("index", "pointer", "found"),
    [
        ((1, 4, 10, 0, 0, 1), (*_PREFIXES, 5, 1, 4, 10, 0, 0, 0, 24), {"10.0.0.1/24"}),
        ((1, 10, 0, 0, 1), (0, 0), {"10.0.0.1/None"}),
        ((2, 16, *_V6), (*_PREFIXES, 5, 2, 16, *_V6, 64), {"2001:db8::1/64"}),
        ((4, 20, *_V6, 0, 0, 0, 5), None, {"2001:db8::1/None"}),
        # With its prefix, and with a length that no IPv4 prefix has.
        ((1, 4, 192, 0, 2, 1), (*_PREFIXES, 5, 1, 4, 192, 0, 2, 0, 31), {"192.0.2.1/31"}),
        ((1, 4, 10, 0, 0, 1), (*_PREFIXES, 5, 1, 4, 10, 0, 0, 0, 64), {"10.0.0.1/None"}),
        ((2, 16, 0xFE, 0x80, *_V6[2:]), None, set()),
        ((1, 4, 127, 0, 0, 1), None, set()),
        ((1, 4, 10, 0, 0, 999), None, set()),
        ((1, 16, 10, 0, 0, 1), None, set()),
        ((7, 4, 10, 0, 0, 1), None, set()),
        ((), None, set()),
    ],
)
def test_an_index_becomes_an_address_or_nothing(
    index: snmp.Oid, pointer: snmp.Value, found: set[str]
) -> None:
    assert _read(index, pointer) == found


def test_of_ipv4_the_older_table_counts_and_the_newer_one_says_how_long_its_prefixes_are() -> None:
    stale = (1, 4, 10, 0, 0, 1)
    longer = (*_PREFIXES, 5, 1, 4, 192, 0, 2, 0, 31)

    assert _read(stale, seen=_SEEN) == {"192.0.2.1/None"}
    assert _read((1, 4, 192, 0, 2, 1), longer, seen=_SEEN) == {"192.0.2.1/31"}
    assert "2001:db8::1/None" in _read((2, 16, *_V6), seen=_SEEN)


def test_what_is_no_address_of_a_port_is_left_out() -> None:
    assert _read((1, 4, 10, 0, 0, 1), kind=3) == set(), "broadcast"
    assert _read((1, 4, 10, 0, 0, 1), port=77) == set(), "a port that is not there"


def test_a_table_that_is_not_there_changes_nothing() -> None:
    assert address_facts.read(_SEEN, None) is _SEEN


def test_a_real_switch_tells_the_same_by_both_tables() -> None:
    plans = (*recorded.PLANS, address_facts.PLAN)
    agent = recorded_agents.read(
        "box", recorded.reference("arista_eos/device_1"), plans, recorded.BEHIND
    )
    seen = recorded.facts_of(agent)
    found = address_facts.read(seen, agent.poll(address_facts.PLAN)).addresses

    assert [(one.interface, one.prefix) for one in found or ()] != []
    assert all(one.prefix for one in found or ())
