"""Chassis ids and port ids in the ways real devices write them."""

from __future__ import annotations

import pytest

from inventory.facts import lldp_facts, neighbour_ids, port_words
from oss_agent.spi import snmp

_MAC = "4:8c604f19167c"
_RAW = bytes.fromhex("8c604f19167c")
_PORTS = (
    port_words.Port("Gi0/1", index=10101, mac="00:00:5e:00:53:01", long_name="GigabitEthernet0/1"),
    port_words.Port("Gi0/2", index=10102, alias="to acme", lldp_id="7:628"),
    port_words.Port("Te0/1", index=10201, long_name="TenGigabitEthernet0/1"),
    port_words.Port("ge-0/0/1", index=628, alias="same", addresses=("192.0.2.1",)),
    port_words.Port("ge-0/0/2", index=629, alias="same"),
    port_words.Port("Po1", index=5001, long_name="Port-channel1"),
    port_words.Port("Ten-GigabitEthernet1/0/49", index=49),
    port_words.Port("17", index=17),
    port_words.Port("Vl1", index=1, mac="00:00:5e:00:53:02"),
    port_words.Port("Vl2", index=2, mac="00:00:5e:00:53:02"),
)


@pytest.mark.parametrize(
    ("subtype", "raw", "expected"),
    [
        (4, _RAW, _MAC),
        (4, b"8c:60:4f:19:16:7c", _MAC),
        (4, b"8C-60-4F-19-16-7C", _MAC),
        (4, b"8c60.4f19.167c\0\0", _MAC),
        (4, b"8c604f-19167c", _MAC),
        (4, b"8c604f19167c", _MAC),
        (4, b"8:60:4f:19:16:7c", "4:08604f19167c"),
        (7, b"Switch\0", f"7:{b'Switch'.hex()}"),
        (4, b"", None),
        (7, b"\0\0", None),
        ("4", _RAW, None),
        (4, None, None),
    ],
)
def test_a_chassis_id_has_one_form(
    subtype: snmp.Value, raw: snmp.Value, expected: str | None
) -> None:
    assert neighbour_ids.chassis(subtype, raw) == expected


def test_a_chassis_id_under_any_subtype_may_be_a_mac_address_an_address_or_a_name() -> None:
    text = neighbour_ids.chassis(7, b"8c:60:4f:19:16:7c") or ""
    address = neighbour_ids.chassis(5, b"\x01\xc0\x00\x02\x01") or ""
    named = neighbour_ids.cdp_chassis(b"core-1(SSI183706KP)") or ""

    assert neighbour_ids.chassis_mac(text) == "8c:60:4f:19:16:7c"
    assert neighbour_ids.chassis_address(address) == "192.0.2.1"
    assert (neighbour_ids.chassis_name(named), neighbour_ids.has_serial(named)) == ("core-1", True)
    assert neighbour_ids.cdp_chassis(_RAW) == _MAC


@pytest.mark.parametrize(
    ("subtype", "word", "description", "port"),
    [
        (5, "Gi0/1", "", "Gi0/1"),
        (5, "GigabitEthernet0/1", "", "Gi0/1"),
        (5, "GigabitEthernet 0/1", "", "Gi0/1"),
        (5, "gigabitethernet0/1", "", "Gi0/1"),
        (5, "GE0/1", "", "Gi0/1"),
        (5, "TenGigabitEthernet0/1", "", "Te0/1"),
        (5, "XGE1/0/49", "", "Ten-GigabitEthernet1/0/49"),
        (5, "port-channel1", "", "Po1"),
        (3, "00:00:5e:00:53:01", "", "Gi0/1"),
        (7, "629", "", "ge-0/0/2"),
        (7, "628", "", "Gi0/2"),
        (7, "17", "17", "17"),
        (4, "192.0.2.1", "", "ge-0/0/1"),
        (1, "to acme", "", "Gi0/2"),
        (5, "Ten-GigabitEther", "Ten-GigabitEthernet1/0/49 Interface", "Ten-GigabitEthernet1/0/49"),
        (7, "9", "to acme", "Gi0/2"),
    ],
)
def test_a_port_is_found_however_it_is_called(
    subtype: int, word: str, description: str, port: str
) -> None:
    found = port_words.PortBook(_PORTS).find(subtype, word, description)

    assert found is not None
    assert found.port == port


@pytest.mark.parametrize(
    ("subtype", "word", "description"),
    [
        (3, "00:00:5e:00:53:02", ""),  # on two ports
        (1, "same", "same"),  # on two ports
        (5, "629", ""),  # a number is no name
        (5, "E0/1", ""),  # Gi0/1 or Te0/1
        (5, "", ""),
        (5, "-", "-"),
        (5, "Gi0/10", ""),
    ],
)
def test_a_word_that_fits_none_or_two_is_no_port(subtype: int, word: str, description: str) -> None:
    assert port_words.PortBook(_PORTS).find(subtype, word, description) is None


def test_an_lldp_port_number_that_the_agent_explains_is_never_taken_for_an_ifindex() -> None:
    ports = [port_words.Port("Vl1", index=1), port_words.Port("Vl440", index=440)]
    ports.append(port_words.Port("Gi0/1", index=10101))
    told = {1: (5, "GigabitEthernet0/1", ""), 440: (5, "St1", "StackPort1")}

    assert lldp_facts.local_ports(told, ports) == {1: "Gi0/1", 10101: "Gi0/1"}
    assert lldp_facts.local_ports({}, ports) == {1: "Vl1", 440: "Vl440", 10101: "Gi0/1"}
