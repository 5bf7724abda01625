"""What is behind ports: ARP, neighbour discovery and bridges, newer tables and older, hostile and huge."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from inventory.facts import facts, station_facts
from oss_agent.spi import snmp

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_MAC = b"\x02\x00\x00\x00\x00\x07"
_SEEN = facts.DeviceFacts("pe1", interfaces=(facts.InterfaceFact("eth4", 5, "up", "up"),))


def _table(
    plan: snmp.PollPlan, *rows: tuple[snmp.Oid, snmp.Value, snmp.Value], partial: bool = False
) -> snmp.Columns:
    names = list(plan.columns)
    columns = {names[0]: [a for _, a, _ in rows], names[1]: [b for _, _, b in rows]}
    return snmp.Columns("pe1", _AT, 0.0, 1, [i for i, _, _ in rows], columns, partial=partial)


def _stations(
    arp: snmp.Columns | None = None, bridge: snmp.Columns | None = None
) -> tuple[facts.StationFact, ...] | None:
    return station_facts.read(_SEEN, arp, bridge, {1: "eth4"}).stations


@pytest.mark.parametrize(
    ("plan", "index", "address"),
    [
        (station_facts.OLDER, (5, 192, 0, 2, 7), "192.0.2.7"),
        (station_facts.RESOLVED, (5, 1, 4, 192, 0, 2, 7), "192.0.2.7"),
        (station_facts.RESOLVED, (5, 2, 16, 0x20, 1, 0xD, 0xB8, *[0] * 11, 7), "2001:db8::7"),
    ],
)
def test_an_address_is_behind_the_port_that_resolved_it(
    plan: snmp.PollPlan, index: snmp.Oid, address: str
) -> None:
    found = _stations(_table(plan, (index, _MAC, 3)))

    assert found == (facts.StationFact("eth4", "02:00:00:00:00:07", address),)


@pytest.mark.parametrize(
    ("index", "mac", "kind"),
    [
        ((5, 1, 4, 192, 0, 2, 7), _MAC, 2),
        ((5, 1, 4, 192, 0, 2, 7), _MAC, 5),
        ((5, 1, 4, 192, 0, 2, 7), b"\x00" * 6, 3),
        ((5, 1, 4, 192, 0, 2, 7), b"x" * 65_536, 3),
        ((5, 1, 4, 192, 0, 2, 999), _MAC, 3),
        ((5, 1, 4, 224, 0, 0, 1), _MAC, 3),
        ((6, 1, 4, 192, 0, 2, 7), _MAC, 3),
        ((), _MAC, 3),
        ((5,), 7, None),
    ],
)
def test_what_cannot_be_is_no_station(index: snmp.Oid, mac: snmp.Value, kind: snmp.Value) -> None:
    assert _stations(_table(station_facts.RESOLVED, (index, mac, kind))) == ()


@pytest.mark.parametrize(
    ("plan", "before"), [(station_facts.LEARNED, (10,)), (station_facts.PLAIN, ())]
)
def test_a_bridge_tells_the_few_behind_a_port_and_only_counts_the_many(
    plan: snmp.PollPlan, before: snmp.Oid
) -> None:
    def rows(count: int) -> snmp.Columns:
        macs = [(*before, 2, 0, 0, 0, n // 256, n % 256) for n in range(1, count + 1)]
        own: tuple[snmp.Oid, snmp.Value, snmp.Value] = ((*before, 2, 0, 0, 0, 9, 9), 1, 4)
        return _table(plan, *((index, 1, 3) for index in macs), own)

    few = _stations(bridge=rows(2))
    assert few == tuple(facts.StationFact("eth4", f"02:00:00:00:00:0{n}") for n in (1, 2))
    assert _stations(bridge=rows(1_000)) == (facts.StationFact("eth4", "", many=512),)
    assert _stations(bridge=rows(1_010)) == _stations(bridge=rows(1_000)), "no version a look"


def test_a_table_without_end_is_kept_in_part_and_one_cut_before_that_says_nothing() -> None:
    index = [(5, 1, 4, 10, n // 65_536, n // 256 % 256, n % 256) for n in range(20_000)]
    many = _table(station_facts.RESOLVED, *((i, _MAC, 3) for i in index), partial=True)

    found = _stations(many)
    assert found is not None
    assert len(found) == 16_384
    cut = _table(station_facts.RESOLVED, (index[0], _MAC, 3), partial=True)
    assert _stations(cut) is None
    assert _stations(None, None) is None
    empty = _table(station_facts.RESOLVED)
    assert _stations(empty) == (), "the last one left"
