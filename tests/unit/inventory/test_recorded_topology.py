"""Links between real devices, from what their agents said: each once, and no phantom."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from inventory.facts import bundle_facts, cdp_facts, facts, lldp_facts, port_labels, snmp_facts
from inventory.topology import bundles, neighbour_identity, topology
from oss_agent.spi.views import Confidence, LinkView
from tests import recorded_agents

_PLANS: Final = (
    snmp_facts.SYSTEM,
    snmp_facts.ADDRESSES,
    lldp_facts.LOCAL,
    lldp_facts.REMOTE,
    cdp_facts.PLAN,
    bundle_facts.TYPES,
    bundle_facts.ATTACHED,
    bundle_facts.LAYERS,
)
_ALL: Final = (2,)
_BEFORE_ROUTES: Final = (1, 3, 6, 1, 2, 1, 3)
"""Behind IF-MIB's ifTable two of the routers have 16 MB of routes."""
_RING: Final = {
    "yt1": "network/router/juniper-mx960-12-3r6-6",
    "ca1": "network/router/juniper-mx960-13-3r9-13",
    "ca2": "network/router/juniper-mx960-16-1r6-7-a",
    "yt2": "network/router/juniper-mx960-16-1r6-7-b",
}
_NEXUS: Final = "network/switch/cisco-n5000-uk9"
_NEXUS_BEFORE: Final = "network/switch/cisco-n5000"
_BLADE_SWITCH: Final = "network/switch/hpe-procurve-516733-b21"


@functools.cache
def _facts(device: str, name: str, *, whole: bool = True) -> facts.DeviceFacts:
    place = recorded_agents.package()
    assert place is not None, "uv sync: snmpsim-data is a test dependency"
    until = _ALL if whole else _BEFORE_ROUTES
    return _read(device, place / f"{name}.snmprec.bz2", until)


def _read(device: str, file: Path, until: tuple[int, ...] = _ALL) -> facts.DeviceFacts:
    agent = recorded_agents.read(device, file, _PLANS, until)
    return snmp_facts.read(device, snmp_facts.Answers(*(agent.poll(plan) for plan in _PLANS)))


def _known(one: facts.DeviceFacts) -> neighbour_identity.Known:
    labels = one.labels or ()
    return neighbour_identity.Known(
        one.device,
        one.chassis,
        port_labels.ports(one.interfaces or (), labels, one.addresses or ()),
        called=frozenset({*(one.called or ()), one.system_name or one.device}),
        bundles={label.port: label.bundle for label in labels if label.bundle is not None},
        reads=one.neighbours is not None,
    )


def _seen(one: facts.DeviceFacts) -> list[neighbour_identity.Seen]:
    return [
        neighbour_identity.Seen(
            (one.device, fact.port),
            fact.chassis,
            fact.port_id,
            fact.port_description,
            fact.system_name,
            recorded_agents.AT,
            port_subtype=fact.port_subtype,
            address=fact.address,
        )
        for fact in one.neighbours or ()
    ]


def _links(devices: Sequence[facts.DeviceFacts]) -> tuple[LinkView, ...]:
    seen = [sighting for one in devices for sighting in _seen(one)]
    return topology.links([], seen, [_known(one) for one in devices])


def _between(links: Sequence[LinkView], *devices: str) -> list[str]:
    return [
        f"{link.a_device}:{link.a_port} {link.z_device}:{link.z_port} {link.confidence}"
        for link in links
        if link.a_device in devices and link.z_device in devices
    ]


def _ring() -> list[facts.DeviceFacts]:
    return [_facts(device, name, whole=False) for device, name in _RING.items()]


def test_a_ring_of_four_core_routers_is_four_links_seen_from_both_ends() -> None:
    assert _between(_links(_ring()), *_RING) == [
        "ca1:xe-0/2/0 ca2:xe-3/0/0 agreed",
        "ca1:xe-1/2/0 yt1:xe-1/2/0 agreed",
        "ca2:xe-3/1/1 yt2:xe-1/2/0 agreed",
        "yt1:xe-0/2/0 yt2:xe-0/2/0 agreed",
    ]


def test_each_of_the_other_neighbours_is_a_node_once() -> None:
    links = _links(_ring())
    others = [link for link in links if not topology.is_device(link.a_device)]

    assert len(links) == 4 + len(others)
    heard = {one.chassis for each in _ring() for one in each.neighbours or ()}
    own = {each.chassis for each in _ring()}
    assert {link.a_device for link in others} == heard - own
    assert {link.confidence for link in others} == {Confidence.ONE_SIDED}


def test_a_ring_seen_from_three_ends_is_four_links_all_the_same() -> None:
    three = [one for one in _ring() if one.device != "ca1"]
    silent = replace(_facts("ca1", _RING["ca1"], whole=False), neighbours=None)

    assert len(_between(_links([*three, silent]), *_RING)) == len(_RING)


def test_a_router_that_is_not_managed_is_one_node_and_becomes_the_device() -> None:
    three = [one for one in _ring() if one.device != "ca1"]
    chassis = _facts("ca1", _RING["ca1"], whole=False).chassis
    without = _links(three)

    ends = [link for link in without if chassis in {link.a_device, link.z_device}]
    assert len(ends) == 2
    assert "ca1" not in {name for link in without for name in (link.a_device, link.z_device)}
    with_it = _links(_ring())
    assert chassis not in {name for link in with_it for name in (link.a_device, link.z_device)}


def test_a_port_mac_as_chassis_id_and_a_device_id_of_cdp_are_the_same_switch() -> None:
    links = _links([_facts("nexus", _NEXUS), _facts("blades", _BLADE_SWITCH)])

    assert _between(links, "nexus", "blades") == ["blades:17 nexus:Ethernet1/19 agreed"]
    (link,) = (one for one in links if {one.a_device, one.z_device} == {"nexus", "blades"})
    assert link.evidence == "LLDP and CDP, both ends agree"


def test_a_neighbour_with_an_address_on_each_port_is_one_node_by_its_serial() -> None:
    links = _links([_facts("nexus", _NEXUS)])
    to_its_twin = {
        link.a_device: None
        for link in links
        if link.z_port in {"mgmt0", "Ethernet1/21", "Ethernet1/22"}
    }

    assert len(to_its_twin) == 1
    assert len(links) == len({link.z_port for link in links})


def test_two_devices_with_one_chassis_id_are_neither() -> None:
    twice = [_facts("nexus", _NEXUS), _facts("other", _NEXUS_BEFORE)]
    links = _links([*twice, _facts("blades", _BLADE_SWITCH)])

    blind = [link for link in links if link.z_device == "blades" and link.z_port == "17"]
    assert [topology.is_device(link.a_device) for link in blind] == [False]


def test_lldp_port_numbers_are_no_ifindex_where_the_agent_tells_its_ports() -> None:
    switch = _facts("core", "network/router/ruijie-n18010", whole=False)
    ports = {fact.port for fact in switch.neighbours or ()}

    assert {"GigabitEthernet 1/1/1", "GigabitEthernet 1/1/3"} <= ports
    assert len(switch.neighbours or ()) > 140


def test_cdp_alone_names_neighbours_and_a_shared_port_has_several() -> None:
    place = os.environ.get("OSS_AGENT_REFERENCE")
    beside = Path(__file__).parents[4] / "shared" / "data"
    file = Path(place or beside) / "snmp" / "devices" / "ios" / "7206VXR" / "public.snmprec"
    if not file.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("no reference data: set OSS_AGENT_REFERENCE")
        pytest.skip("no reference data: set OSS_AGENT_REFERENCE")
    links = _links([_read("cisco7200", file)])

    assert {link.a_port for link in links} == {
        "ether1",
        "FastEthernet0/0",
        "Ethernet0/0",
        "eth0",
    }
    assert {(link.z_device, link.z_port) for link in links} == {("cisco7200", "Fa0/0")}


@pytest.mark.parametrize(
    ("name", "bundle", "members"),
    [
        (_NEXUS, "port-channel1", {"Ethernet1/21", "Ethernet1/22"}),
        ("cloud/arista-dcs-7150s-52-cl", "Port-Channel1", {"Ethernet47", "Ethernet48"}),
    ],
)
def test_members_of_a_real_bundle_are_one_link(name: str, bundle: str, members: set[str]) -> None:
    known = _facts("switch", name)
    bundled = bundles.bundled(_links([known]), {"switch": _known(known).bundles})

    (link,) = (one for one in bundled if bundle in {one.a_port, one.z_port})
    assert {one.z_port for one in link.members} == members
    assert not members & {one.z_port for one in bundled}
