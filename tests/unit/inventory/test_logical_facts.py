"""VLANs, VRFs and routing neighbours of real devices, and of hostile ones."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory.facts import facts, logical_facts, snmp_facts
from oss_agent.spi import snmp
from tests import recorded_agents
from tests.unit.inventory import test_entity_facts as recorded

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_PLANS = (
    snmp_facts.SYSTEM,
    snmp_facts.ADDRESSES,
    *logical_facts.PLANS.values(),
    logical_facts.BRIDGE_PORTS,
)


def _read(file: Path) -> dict[str, tuple[facts.LogicalFact, ...]]:
    agent = recorded_agents.read("box", file, _PLANS, recorded.BEHIND)
    told = {kind: agent.poll(plan) for kind, plan in logical_facts.PLANS.items()}
    # The package's recordings have no uptime of their own: the poll always does.
    found = logical_facts.read(
        recorded.facts_of(agent), told, agent.poll(logical_facts.BRIDGE_PORTS)
    )
    return dict(found.logical or {})


def _packaged(name: str) -> Path:
    place = recorded_agents.package()
    if place is None:
        pytest.skip("snmpsim-data is not installed: recordings of real devices")
    return place / "network" / f"{name}.snmprec.bz2"


def test_a_core_router_names_its_ospf_neighbours_and_their_states() -> None:
    found = _read(_packaged("router/juniper-mx960-12-3r6-6"))

    states = Counter(fact.attributes["state"] for fact in found[logical_facts.OSPF])
    assert sum(states.values()) == 13
    assert set(states) <= {"full", "twoWay"}
    assert all("router_id" in fact.attributes for fact in found[logical_facts.OSPF])
    assert len(found[logical_facts.VLAN]) > 0


def test_a_switch_names_its_vlans_with_their_ports() -> None:
    found = _read(recorded.reference("arista_eos/device_1"))

    (vlan,) = found[logical_facts.VLAN]
    assert (vlan.name, vlan.attributes["title"]) == ("1", "default")
    assert vlan.attributes["untagged"] == ["Ethernet1", "Ethernet2", "Ethernet3"]
    assert vlan.attributes["tagged"] == []


@pytest.mark.parametrize(
    ("name", "state"),
    [("general-bgp", "established"), ("general-bgp-oper-down", "idle")],
)
def test_a_bgp_neighbour_and_its_fault(name: str, state: str) -> None:
    place = os.environ.get("OSS_AGENT_REFERENCE")
    if place is None:
        pytest.skip("OSS_AGENT_REFERENCE names no folder: recordings of real devices")
    found = _read(Path(place) / "snmp" / "fault-pairs" / f"{name}.snmprec")

    told = {fact.name: fact.attributes for fact in found[logical_facts.BGP]}
    assert told["10.0.0.1"] == {"remote_as": 20, "state": state, "admin": "start"}


def _table(
    index: list[snmp.Oid], columns: dict[str, list[snmp.Value]], **scalars: snmp.Value
) -> snmp.Columns:
    return snmp.Columns("pe1", _AT, 0.0, 1, index, columns, scalars)


_SEEN = facts.DeviceFacts("pe1", interfaces=(facts.InterfaceFact("eth4", 5, "up", "up"),))


def test_a_vrf_is_known_by_the_name_in_its_index() -> None:
    index: list[snmp.Oid] = [(4, *b"acme"), (9, *b"short"), (1, 999), (1, 0), ()]
    columns: dict[str, list[snmp.Value]] = {
        "mplsL3VpnVrfRD": [b"65000:17", *[None] * 4],
        "mplsL3VpnVrfOperStatus": [1, *[None] * 4],
    }
    told = {logical_facts.VRF: _table(index, columns)}
    found = logical_facts.read(_SEEN, told).logical

    assert found == {
        "vrf": (
            facts.LogicalFact("vrf", "acme", {"route_distinguisher": "65000:17", "state": "up"}),
        )
    }


def test_a_kind_that_does_not_answer_is_not_learned_and_one_without_rows_is_empty() -> None:
    silent = {kind: _table([], {}, sysUpTime=7) for kind in logical_facts.PLANS}
    assert logical_facts.read(_SEEN, silent).logical == {}

    none_left = {logical_facts.BGP: _table([], {}, bgpLocalAs=65_000)}
    assert logical_facts.read(_SEEN, none_left).logical == {"bgp-neighbour": ()}


def test_what_cannot_be_is_left_out() -> None:
    ports = _table([(1,), (2,), (3, 1)], {"dot1dBasePortIfIndex": [5, 77, 5]})
    vlans = _table(
        [(100,), (4095,), (0,), (7, 7)],
        {
            "dot1qVlanStaticName": [b"a\x00\x1b[1m" * 9_000] * 4,
            "dot1qVlanStaticEgressPorts": [b"\xff" * 65_536] * 4,
            "dot1qVlanStaticUntaggedPorts": [7] * 4,
        },
    )
    found = logical_facts.read(_SEEN, {logical_facts.VLAN: vlans}, ports).logical
    assert found is not None
    (vlan,) = found[logical_facts.VLAN]
    assert (vlan.name, vlan.attributes["tagged"]) == ("100", ["eth4"])
    assert len(vlan.attributes["title"]) <= 64

    peers = _table(
        [(10, 0, 0, 1), (10, 0, 0), (10, 0, 0, 999), ()],
        {"bgpPeerRemoteAs": [-1, 1, 1, 1], "bgpPeerState": [b"up", 9, 9, 9]},
    )
    found = logical_facts.read(_SEEN, {logical_facts.BGP: peers}).logical
    assert found == {
        "bgp-neighbour": (
            facts.LogicalFact(
                "bgp-neighbour", "10.0.0.1", {"state": "unknown", "admin": "unknown"}
            ),
        )
    }


def test_a_vrf_has_its_ports_and_a_hostile_table_of_them_adds_nothing() -> None:
    told = {logical_facts.VRF: _table([(4, *b"acme")], {"mplsL3VpnVrfOperStatus": [1]})}
    index: list[snmp.Oid] = [
        (4, *b"acme", 5),
        (4, *b"acme", 99),
        (4, *b"none", 5),
        (5,),
        (),
        (9, 1),
    ]
    ports = _table(index, {"mplsL3VpnIfVpnClassification": [2] * 6})

    found = logical_facts.read(_SEEN, told, None, ports).logical
    assert found == {"vrf": (facts.LogicalFact("vrf", "acme", {"state": "up", "ports": ["eth4"]}),)}
    cut = dataclasses.replace(ports, partial=True)
    assert logical_facts.read(_SEEN, told, None, cut).logical == {}
