"""The wall before every device: what does not fit a slot is refused, naming it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_models import loader, model
from drivers import slots, templates
from oss_agent.errors import ConfigurationError, OrderRejected
from oss_agent.spi.tree import Step

PLATFORM = loader.load("frr_linux")
GOOD = {"name": "acme-1", "vni": "10100", "port": "eth4"}
ENTRY = (Step("services"), Step("eline", (("name", "acme-1"),)))


def slot(kind: str, minimum: int = 0, maximum: int = 2**32 - 1) -> dict[str, model.Slot]:
    return {"s": model.Slot(model.SlotType(kind), minimum, maximum)}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("name", "a\n"),
        ("name", ""),
        ("name", "-a"),
        ("name", "a" * 64),
        ("name", "a b"),
        ("name", "é"),
        ("name", "a;reboot"),
        ("description", "two\nlines"),
        ("description", "bell\a"),
        ("description", "esc\x1b[2J"),
        ("description", "100%"),
        ("description", "right\u202eleft"),
        ("description", "x" * 256),
        ("ifname", "eth4\n"),
        ("ifname", "eth4 json"),
        ("ifname", "$(id)"),
        ("ifname", "4"),
        ("uint", "-1"),
        ("uint", "+1"),
        ("uint", "01"),
        ("uint", "1.0"),
        ("uint", "\u0661"),
        ("uint", "1\n"),
        ("uint", "4294967296"),
        ("uint", "9" * 5000),
        ("address", "fe80::1%eth0"),
        ("address", "fe80::1%\nreboot"),
        ("address", "10.0.0.1\n"),
        ("address", "10.0.0.01"),
        ("address", "10.1"),
        ("address", "host.example"),
        ("interface", "172.16.1.1"),
        ("interface", "172.16.1.1/24\n"),
        ("interface", "172.16.1.1/024"),
        ("interface", "172.16.1.1/33"),
        ("interface", "2001:DB8::1/64"),
        ("interface", "fe80::1%eth0/64"),
        ("prefix", "172.16.1.1/24"),
        ("prefix", "172.16.1.0"),
        ("prefix", "172.16.1.0/255.255.255.0"),
        ("prefix", "2001:db8:0::/64"),
        ("community", "65000"),
        ("community", "65536:1"),
        ("community", "065:1"),
        ("community", "65000:100 additive"),
        ("route", "65000"),
        ("route", "0:1"),
        ("route", "065000:1"),
        ("route", "65000:01"),
        ("route", "65000:4294967296"),
        ("route", "65536:65536"),
        ("route", "4294967296:1"),
        ("route", "192.0.2.1:65536"),
        ("route", "192.0.2.01:1"),
        ("route", "192.0.2.256:1"),
        ("route", "65000:1\n"),
        ("route", "65000:1 65000:2"),
        ("route", "\u0661:1"),
    ],
)
def test_what_does_not_fit_is_refused_naming_the_slot(kind: str, value: str) -> None:
    with pytest.raises(OrderRejected, match="slot s") as refusal:
        slots.fill(slot(kind), {"s": value})

    assert refusal.value.field == "s"
    assert refusal.value.reason.isprintable()


@given(st.text(max_size=40))
def test_whatever_passes_is_one_harmless_word(value: str) -> None:
    for kind in ("name", "ifname", "uint", "address", "interface", "prefix", "community", "route"):
        try:
            passed = slots.fill(slot(kind), {"s": value})["s"]
        except OrderRejected:
            continue
        assert passed.isascii()
        assert not set(passed) & set(" \t\n\r\0%;|&$`'\"\\<>(){}[]*?!#~")


@given(st.ip_addresses())
def test_addresses_are_rendered_in_one_form(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    filled = slots.fill(slot("address"), {"s": address.exploded.upper()})

    assert filled == {"s": str(address)}


def test_bounds_hold_at_their_edges() -> None:
    vni = slot("uint", minimum=1, maximum=16777215)

    assert slots.fill(vni, {"s": "1"}) == {"s": "1"}
    assert slots.fill(vni, {"s": "16777215"}) == {"s": "16777215"}
    for beyond in ("0", "16777216"):
        with pytest.raises(OrderRejected, match="from 1 to 16777215"):
            slots.fill(vni, {"s": beyond})


def test_unknown_and_missing_slots_are_named() -> None:
    with pytest.raises(OrderRejected, match="there is no slot 'vlan'"):
        slots.fill({}, {"vlan": "1"})
    with pytest.raises(OrderRejected, match="slot s is missing"):
        slots.fill(slot("name"), {})


def test_an_empty_optional_slot_leaves_its_leaf_out() -> None:
    tree = templates.instantiate(PLATFORM, "eline", GOOD, "netconf")["netconf"]
    full = templates.instantiate(
        PLATFORM, "eline", {**GOOD, "rate": "5", "description": "to b"}, "netconf"
    )["netconf"]

    entry, whole = tree.at(ENTRY), full.at(ENTRY)
    assert entry is not None
    assert whole is not None
    assert [(c.step.name, c.value) for c in entry.children] == [("port", "eth4"), ("vni", "10100")]
    assert {c.step.name for c in whole.children} == {"description", "port", "rate", "vni"}


def test_an_unknown_template_lists_the_known() -> None:
    with pytest.raises(ConfigurationError, match="there are: eline"):
        templates.instantiate(PLATFORM, "no-such", {}, "netconf")


@pytest.mark.parametrize("name", ["vni", "name", "port", "rate", "description"])
def test_every_slot_of_the_template_refuses_a_newline(name: str) -> None:
    with pytest.raises(OrderRejected) as refusal:
        templates.instantiate(PLATFORM, "eline", {**GOOD, name: "1\nno shutdown"}, "netconf")

    assert refusal.value.field == name
