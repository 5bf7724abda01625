"""What neighbours say they are, in recordings of real devices: read, bounded, and detected."""

from __future__ import annotations

import functools

import pytest

from device_models import detect
from inventory.facts import (
    announced_addresses,
    capability_words,
    cdp_facts,
    facts,
    lldp_facts,
    snmp_facts,
)
from inventory.topology import neighbour_identity, strangers, topology
from oss_agent.spi import snmp
from oss_agent.spi.detection import Evidence
from oss_agent.spi.views import StrangerView
from tests import recorded_agents

_PLANS = (snmp_facts.SYSTEM, lldp_facts.LOCAL, lldp_facts.REMOTE, cdp_facts.PLAN)
_BEFORE_ROUTES = (1, 3, 6, 1, 2, 1, 3)
_ALL = (2,)


@functools.cache
def _heard(name: str, until: tuple[int, ...]) -> tuple[facts.NeighbourFact, ...]:
    place = recorded_agents.package()
    assert place is not None, "uv sync: snmpsim-data is a test dependency"
    agent = recorded_agents.read("it", place / f"{name}.snmprec.bz2", _PLANS, until)
    system, local, remote, cdp = (agent.poll(plan) for plan in _PLANS)
    found = snmp_facts.read(
        "it", snmp_facts.Answers(system, lldp_local=local, lldp_remote=remote, cdp=cdp)
    )
    return found.neighbours or ()


@pytest.mark.parametrize(
    ("name", "until", "port", "address", "capabilities", "expected"),
    [
        (
            "cloud/arista-dcs-7150s-52-cl",
            _ALL,
            "Ethernet47",
            "172.16.229.22",
            "bridge router",
            ("Arista", "EOS", "4.19.5M", "DCS-7150S-52-CL", "arista_eos"),
        ),
        (
            "network/router/juniper-mx960-12-3r6-6",
            _BEFORE_ROUTES,
            "xe-0/2/0",
            "192.168.2.7",
            "bridge router",
            ("Juniper Networks", "Junos OS", "16.1R6.7", "mx960", ""),
        ),
        (
            "network/router/juniper-mx960-12-3r6-6",
            _BEFORE_ROUTES,
            "xe-1/2/0",
            "192.168.2.1",
            "bridge router",
            ("Juniper Networks", "Junos OS", "13.3R9.13", "mx960", ""),
        ),
        (
            "network/switch/cisco-n5000-uk9",
            _ALL,
            "Ethernet1/21",
            "10.40.1.20",
            "bridge",
            ("Cisco", "NX-OS", "6.0(2)N2(3)", "", ""),
        ),
        (
            "network/switch/cisco-n5000-uk9",
            _ALL,
            "Ethernet1/25",
            "",
            "station",
            ("", "", "", "", ""),
        ),
    ],
)
def test_a_real_neighbour_is_what_its_lldp_says(
    name: str,
    until: tuple[int, ...],
    port: str,
    address: str,
    capabilities: str,
    expected: tuple[str, ...],
) -> None:
    fact = next(one for one in _heard(name, until) if one.port == port)
    seen = detect.detect(Evidence(description=fact.description))

    assert (fact.address, fact.capabilities) == (address, capabilities)
    assert (seen.vendor, seen.os, seen.version, seen.model, seen.platform) == expected


def test_cdp_says_version_platform_and_what_it_does() -> None:
    several = _heard("network/switch/cisco-n5000-uk9", _ALL)
    fact = next(one for one in several if one.chassis.startswith("cdp:") and one.port == "mgmt0")
    seen = detect.detect(Evidence(description=fact.description))

    assert (fact.address, fact.model, fact.capabilities) == (
        "10.40.1.20",
        "N5K-C5548UP",
        "bridge router",
    )
    assert (seen.os, seen.version) == ("NX-OS", "6.0(2)N2(3)")


def test_every_address_of_a_ring_of_routers_is_read_from_the_index() -> None:
    heard = _heard("network/router/juniper-mx960-12-3r6-6", _BEFORE_ROUTES)

    assert len(heard) == 13
    assert all(one.address for one in heard)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ((1, 4, 192, 0, 2, 7), "192.0.2.7"),
        ((2, 16, 0x20, 1, 0xD, 0xB8, *(0,) * 11, 7), "2001:db8::7"),
        ((1, 4, 192, 0, 2), ""),
        ((1, 192, 0, 2, 7), ""),
        ((1, 5, 192, 0, 2, 7), ""),
        ((1, 4, 192, 0, 2, 7, 9), ""),
        ((1, 4, 192, 0, 2, 256), ""),
        ((2, 4, 192, 0, 2, 7), ""),
        ((6, 6, 2, 0, 0, 0, 0, 1), ""),
        ((1,), ""),
        ((), ""),
        ((1, 4, 127, 0, 0, 1), ""),
        ((1, 4, 224, 0, 0, 5), ""),
        ((1, 4, 169, 254, 1, 1), ""),
        ((1, 4, 0, 0, 0, 0), ""),
        ((1, 4, 0, 1, 2, 3), ""),
        ((1, 4, 255, 255, 255, 255), ""),
        ((2, 16, *(0,) * 15, 1), ""),
        ((2, 16, 0xFE, 0x80, *(0,) * 13, 1), ""),
        ((2, 16, 0xFF, 2, *(0,) * 13, 1), ""),
        ((2, 16, *(0,) * 10, 0xFF, 0xFF, 192, 0, 2, 7), ""),
    ],
)
def test_only_an_address_that_may_be_one_devices_own_is_one(
    index: tuple[int, ...], expected: str
) -> None:
    assert announced_addresses.of_index(index) == expected


def test_of_several_addresses_the_same_is_kept_in_whatever_order() -> None:
    several = ["2001:db8::7", "", "192.0.2.10", "192.0.2.9"]

    assert announced_addresses.best(several) == "192.0.2.9"
    assert announced_addresses.best(several[::-1]) == "192.0.2.9"
    assert announced_addresses.best([]) == ""


def test_capabilities_of_both_protocols_are_the_same_words() -> None:
    assert capability_words.of_lldp(b"\x28\x00") == "bridge router"
    assert capability_words.of_lldp(b"\xff" * 65_536).split()[-1] == "station"
    assert capability_words.of_cdp(bytes.fromhex("00000029")) == "bridge router"
    assert capability_words.of_cdp(bytes.fromhex("00000010")) == "station"
    for wrong in (None, b"", 7, (1, 3), b"Host "):
        assert capability_words.of_cdp(wrong) == ""
    for wrong in (None, b"", 7, (1, 3)):
        assert capability_words.of_lldp(wrong) == ""


def _sighting(chassis: str, description: str, model: str = "") -> neighbour_identity.Seen:
    return neighbour_identity.Seen(
        ("pe1", "eth1"),
        chassis,
        "Et1",
        "",
        "leaf1",
        recorded_agents.AT,
        description=description,
        model=model,
    )


def _drawn(*seen: neighbour_identity.Seen) -> StrangerView:
    (link,) = strangers.recognised(topology.links([], seen, []), detect.detect)
    assert link.stranger is not None
    return link.stranger


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ("", "it said nothing of itself"),
        ("Emulex OneConnect", "nothing that is known of systems fits 'Emulex OneConnect'"),
    ],
)
def test_what_nobody_knows_is_unknown_and_the_reason_is_told(said: str, doubt: str) -> None:
    one = _drawn(_sighting("4:001122334455", said))

    assert (one.vendor, one.os, one.platform, one.doubt) == ("", "", "", doubt)


def test_two_protocols_that_name_two_systems_are_both_shown_and_not_believed() -> None:
    eos = "Arista Networks EOS version 4.16.14M running on an Arista Networks vEOS"
    ios = "Cisco IOS Software, C2960 Software, Version 12.2(55)SE3"
    one = _drawn(
        _sighting("4:001122334455", eos), _sighting("cdp:6c65616631", ios, model="WS-C2960")
    )

    assert one.said == (eos, ios)
    assert (one.os, one.model) == ("", "WS-C2960")
    assert "Arista EOS and Cisco IOS: not believed" in one.doubt


@pytest.mark.parametrize("said", [b"\x00" * 65_536, b"<script>" * 8_192, b"\x1b[2J", b"\xff" * 300])
def test_hostile_words_are_bounded_and_printable(said: bytes) -> None:
    cells: dict[str, list[snmp.Value]] = {
        "lldpRemChassisIdSubtype": [4, None],
        "lldpRemChassisId": [b"\x02\0\0\0\0\1", None],
        "lldpRemPortIdSubtype": [5, None],
        "lldpRemPortId": [b"eth1", None],
        "lldpRemSysDesc": [said, None],
        "lldpRemSysCapEnabled": [said, None],
    }
    index = [(0, 1, 1), (0, 1, 1, 1, 4, 127, 0, 0, 1)]
    table = snmp.Columns("it", recorded_agents.AT, 0.0, 1, index, cells)

    (fact,) = lldp_facts.neighbours(table, {1: "eth1"})
    assert fact.description.isprintable()
    assert len(fact.description) <= 255
    assert fact.address == ""
