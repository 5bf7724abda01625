"""Agents' answers, honest and hostile, become facts or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from inventory.facts import facts, snmp_facts
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


@pytest.mark.parametrize("chassis", [None, b""])
def test_an_agent_without_lldp_says_nothing_about_neighbours(chassis: bytes | None) -> None:
    silent = _columns([], {}, {"lldpLocChassisIdSubtype": 4, "lldpLocChassisId": chassis})

    assert (
        snmp_facts.read("pe1", snmp_facts.Answers(silent, None, silent, silent)).neighbours is None
    )
