"""Agents' answers, honest and hostile, become facts or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from inventory.facts import facts, hearing, snmp_facts
from oss_agent.spi import snmp

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def _columns(
    index: Sequence[snmp.Oid],
    columns: Mapping[str, Sequence[snmp.Value]],
    scalars: Mapping[str, snmp.Value] | None = None,
) -> snmp.Columns:
    return snmp.Columns("pe1", _AT, 0.0, 1, index, columns, scalars or {})


_IF = _columns(
    [(1,), (5,), (6,)],
    {
        "ifName": [b"lo", b"eth4", b"eth4"],
        "ifDescr": [b"lo", b"eth4", b"eth4"],
        "ifSpeed": [10_000_000, 2**32 - 1, None],
        "ifHighSpeed": [0, 10_000, None],
        "ifPhysAddress": [b"", bytes.fromhex("aac1ab000004"), b"\x00" * 6],
        "ifAdminStatus": [1, 1, 9],
        "ifOperStatus": [1, 2, b"x"],
        "ifAlias": [b"", b"to \x1b[31macme\x1b[0m\r\n\xff", None],
    },
    {
        "sysDescr": "FRR \u202e<script>\x00 8.4".encode(),
        "sysName": b"pe1",
        "bgpIdentifier": bytes([10, 255, 0, 11]),
        "ospfRouterId": b"bad",
        "lldpLocChassisIdSubtype": 4,
        "lldpLocChassisId": bytes.fromhex("aac1ab000001"),
    },
)


def test_system_and_ports() -> None:
    found = snmp_facts.read("pe1", snmp_facts.Answers(_IF))

    assert found.chassis == "4:aac1ab000001"
    assert found.router_id == "10.255.0.11"
    assert found.description == "FRR <script> 8.4"
    assert found.interfaces is not None
    lo, eth4, twin = found.interfaces
    assert (lo.name, lo.speed, lo.mac) == ("lo", 10_000_000, None)
    assert eth4 == facts.InterfaceFact(
        name="eth4#5",
        index=5,
        admin_status="up",
        oper_status="down",
        speed=10_000_000_000,
        mac="aa:c1:ab:00:00:04",
        description="to [31macme [0m \N{REPLACEMENT CHARACTER}",
        descr="eth4",
    )
    assert (twin.name, twin.admin_status, twin.oper_status) == ("eth4#6", "unknown", "unknown")


def test_addresses_without_loopback() -> None:
    addresses = _columns(
        [(172, 20, 20, 21), (127, 0, 0, 1), (10, 0, 0), (10, 0, 0, 999), (10, 0, 0, 1)],
        {
            "ipAdEntIfIndex": [5, 1, 5, 5, 77],
            "ipAdEntNetMask": [bytes([255, 255, 255, 0])] * 5,
        },
    )
    found = snmp_facts.read("pe1", snmp_facts.Answers(_IF, addresses))

    assert found.addresses == (facts.AddressFact("eth4#5", "172.20.20.21", 24),)


def test_neighbours_by_local_port_number() -> None:
    local = _columns(
        [(7,)],
        {
            "lldpLocPortIdSubtype": [3],
            "lldpLocPortId": [bytes.fromhex("aac1ab000004")],
            "lldpLocPortDesc": [b"?"],
        },
    )
    remote = _columns(
        [(100, 7, 1), (100, 99, 1), (7,)],
        {
            "lldpRemChassisIdSubtype": [4, 4, 4],
            "lldpRemChassisId": [b"\xaa\xbb"] * 3,
            "lldpRemPortIdSubtype": [5, 5, 5],
            "lldpRemPortId": [b"eth2"] * 3,
            "lldpRemPortDesc": [b"\x07core"] * 3,
            "lldpRemSysName": [b"p1\nroot"] * 3,
        },
    )
    found = snmp_facts.read("pe1", snmp_facts.Answers(_IF, None, local, remote))

    assert found.neighbours == (
        facts.NeighbourFact("eth4#5", "4:aabb", 5, "eth2", "core", "p1 root"),
    )


def test_a_neighbour_that_speaks_lldp_and_cdp_by_the_same_ids_keeps_its_name() -> None:
    """A switch whose device id in CDP is its MAC address."""
    heard: dict[str, Sequence[snmp.Value]] = {
        "lldpRemChassisIdSubtype": [4],
        "lldpRemChassisId": [bytes.fromhex("8c604f19163a")],
        "lldpRemPortIdSubtype": [7],
        "lldpRemPortId": [b"Eth1/19"],
        "lldpRemSysName": [b"leaf1"],
    }
    cached: dict[str, Sequence[snmp.Value]] = {
        "cdpCacheDeviceId": [bytes.fromhex("8c604f19163a")],
        "cdpCacheDevicePort": [b"Eth1/19"],
        "cdpCachePlatform": [b"N5K-C5548UP"],
    }
    remote, cdp = _columns([(0, 5, 1)], heard), _columns([(5, 1)], cached)
    found = snmp_facts.read("pe1", snmp_facts.Answers(_IF, None, None, remote, cdp))

    assert found.neighbours is not None
    (one,) = found.neighbours
    assert (one.system_name, one.model, one.port_subtype) == ("leaf1", "N5K-C5548UP", 7)


def _crowd(ports: int, each: int) -> tuple[snmp.Columns, snmp.Columns]:
    """A device with this many ports, and an agent that tells of this many neighbours on each."""
    rows = [(0, 1 + n % ports, n) for n in range(ports * each)]
    cells: dict[str, Sequence[snmp.Value]] = {
        "lldpRemChassisIdSubtype": [4] * len(rows),
        "lldpRemChassisId": [n.to_bytes(6, "big") for n in range(len(rows))],
        "lldpRemPortIdSubtype": [5] * len(rows),
        "lldpRemPortId": [b"x"] * len(rows),
    }
    names = [f"eth{n}".encode() for n in range(ports)]
    system = _columns([(n + 1,) for n in range(ports)], {"ifName": names}, _IF.scalars)
    return system, _columns(rows, cells)


@pytest.mark.parametrize(
    ("ports", "each", "read", "cut"),
    [
        (4, hearing.MOST_OF_PORT + 9, 4 * (hearing.MOST_OF_PORT + 1), ()),
        (64, 100, hearing.MOST_READ, (facts.NEIGHBOURS,)),
    ],
)
def test_a_table_with_more_neighbours_than_are_read_is_said_to_be_cut(
    ports: int, each: int, read: int, cut: tuple[str, ...]
) -> None:
    system, remote = _crowd(ports, each)
    found = snmp_facts.read("pe1", snmp_facts.Answers(system, None, None, remote))

    assert len(found.neighbours or ()) == read
    assert {fact.port for fact in found.neighbours or ()} == {f"eth{n}" for n in range(ports)}
    assert (found.complete, found.cut) == (not cut, cut)


@pytest.mark.parametrize("chassis", [None, b""])
def test_an_agent_without_lldp_says_nothing_about_neighbours(chassis: bytes | None) -> None:
    silent = _columns([], {}, {"lldpLocChassisIdSubtype": 4, "lldpLocChassisId": chassis})

    assert (
        snmp_facts.read("pe1", snmp_facts.Answers(silent, None, silent, silent)).neighbours is None
    )
