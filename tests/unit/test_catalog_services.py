"""What an L3VPN and an Internet access become, and what is refused of them by which field."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent import errors
from oss_agent.catalog import catalogue, specification
from oss_agent.spi import ledger, orders, proof, views

SETTINGS = {"as_number": "65000", "internet_community": "65000:100"}
CATALOGUE = catalogue.Specifications(specification.load(), SETTINGS)
PATH = "serviceOrderItem[0]"
CHARACTERISTIC = f"{PATH}.service.serviceCharacteristic"
VPN_POOLS = {
    "vni": "10200",
    "transit.pe1": "100.64.0.1/10",
    "transit.pe2": "100.64.0.2/10",
}


def site(port: str, address: str, **more: Any) -> dict[str, Any]:
    return {"port": port, "address": address, **more}


NORTH = site("pe1:eth3", "172.16.1.1/24", name="north", bandwidth=10)
SOUTH = site("pe2:eth3", "172.16.2.1/24")
SHOP = site("pe1:eth4", "172.16.3.1/24")


def item(specification_id: str, characteristics: Mapping[str, Any]) -> orders.ItemRequest:
    return orders.ItemRequest(
        id="1",
        action=views.ItemAction.ADD,
        specification=specification_id,
        specification_version=None,
        service_id="s1",
        service_name="acme",
        characteristics=characteristics,
        path=PATH,
    )


def vpn(*sites: Any, **more: Any) -> orders.ItemRequest:
    return item("l3vpn", {"sites": list(sites), **more})


def access(**characteristics: Any) -> orders.ItemRequest:
    return item("internet-access", {"accessPort": "pe1:eth4", "bandwidth": 20, **characteristics})


def host(name: str, *addresses: str) -> ledger.TestPoint:
    return ledger.TestPoint(name, addresses[0].partition("/")[0], addresses)


def port(name: str, point: ledger.TestPoint | None = None) -> ledger.PortFact:
    return ledger.PortFact(name, test_point=point)


def snapshot(**points: ledger.TestPoint) -> ledger.Snapshot:
    """Routers pe1 and pe2 with eth3 and eth4; ``points`` by ``pe1_eth3``."""
    devices = {
        name: ledger.DeviceFact(
            name,
            "frr_linux",
            trusted=True,
            managed=True,
            ports={one: port(one, points.get(f"{name}_{one}")) for one in ("eth3", "eth4")},
        )
        for name in ("pe1", "pe2")
    }
    return ledger.Snapshot(devices, {})


def refused(asked: orders.ItemRequest) -> errors.OrderRejected:
    with pytest.raises(errors.OrderRejected) as refusal:
        CATALOGUE.check(asked)
    assert refusal.value.status == 400
    assert refusal.value.reason.isprintable()
    return refusal.value


WRONG_SITES: list[tuple[list[Any], str, str]] = [
    ([NORTH], "", "1 sites, and there may be 2 to 16"),
    ([NORTH] * 17, "", "17 sites"),
    ([NORTH, "pe2:eth3"], "[1]", "not an object with name, port, address, bandwidth"),
    ([NORTH, {**SOUTH, "colour": "red"}], "[1]", "a site has no 'colour'"),
    ([NORTH, {"port": "pe2:eth3"}], "[1].address", "it is missing"),
    ([NORTH, {"address": "172.16.2.1/24"}], "[1].port", "it is missing"),
    ([NORTH, {**SOUTH, "port": 3}], "[1].port", "device:port"),
    ([NORTH, {**SOUTH, "port": "pe2:eth3\n"}], "[1].port", "device:port"),
    ([NORTH, {**SOUTH, "bandwidth": "10"}], "[1].bandwidth", "not a whole number"),
    ([NORTH, {**SOUTH, "bandwidth": None}], "[1].bandwidth", "not a whole number"),
    ([NORTH, {**SOUTH, "bandwidth": 0}], "[1].bandwidth", "not within"),
    ([NORTH, {**SOUTH, "name": "a b"}], "[1].name", "letters, digits"),
    ([NORTH, {**SOUTH, "port": "pe1:eth3"}], "[1].port", "pe1:eth3 is there twice"),
    ([NORTH, {**SOUTH, "address": "172.16.1.2/25"}], "[1].address", "overlaps 172.16.1.0/24"),
    ([NORTH, {**SOUTH, "address": "172.0.0.1/8"}], "[1].address", "overlaps 172.16.1.0/24"),
]


@pytest.mark.parametrize(("sites", "field", "why"), WRONG_SITES)
def test_a_wrong_site_is_refused_by_its_element(sites: list[Any], field: str, why: str) -> None:
    refusal = refused(vpn(*sites))

    assert refusal.field == f"{CHARACTERISTIC}[sites]{field}"
    assert why in refusal.reason


@pytest.mark.parametrize("value", [None, {}, "pe1:eth3", 2])
def test_sites_that_are_no_list_are_refused(value: Any) -> None:
    assert "not a list of sites" in refused(item("l3vpn", {"sites": value})).reason


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (None, "not of the form"),
        (24, "not of the form"),
        ("172.16.2.1", "not of the form"),
        ("172.16.2.1/24\n", "not of the form"),
        ("172.16.2.1/24 up", "not of the form"),
        ("172.16.2.1/255.255.255.0", "not of the form"),
        ("172.16.2.1/33", "not of the form"),
        ("172.16.2.256/24", "not of the form"),
        ("172.16.2.1%eth0/24", "not of the form"),
        ("\u0661.1.1.1/24", "not of the form"),
        ("172.16.2.1/024", "not written as 172.16.2.1/24"),
        ("2001:db8::1/64", "not IPv4"),
        ("172.16.2.0/24", "the network itself"),
        ("172.16.2.255/24", "the network itself"),
        ("172.16.2.1/32", "no address for the customer"),
        ("16.0.0.1/7", "too wide"),
        ("127.0.0.1/24", "not an address that a customer's network can have"),
        ("224.0.0.1/24", "not an address that a customer's network can have"),
        ("169.254.0.1/24", "not an address that a customer's network can have"),
        ("240.0.0.1/24", "not an address that a customer's network can have"),
        ("0.0.0.1/8", "not an address that a customer's network can have"),
    ],
)
def test_a_gateway_no_router_could_have_is_refused(address: Any, why: str) -> None:
    refusal = refused(vpn(NORTH, {**SOUTH, "address": address}))

    assert refusal.field == f"{CHARACTERISTIC}[sites][1].address"
    assert why in refusal.reason


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        (None, "not of the form"),
        ("203.0.113.0", "not of the form"),
        ("203.0.113.0/30 up", "not of the form"),
        ("203.0.113.1/30", "not written as 203.0.113.0/30"),
        ("203.0.113.0/030", "not written as 203.0.113.0/30"),
        ("2001:db8::/56", "not IPv4"),
    ],
)
def test_a_wrong_prefix_is_refused(prefix: Any, why: str) -> None:
    refusal = refused(access(prefix=prefix))

    assert refusal.field == f"{CHARACTERISTIC}[prefix]"
    assert why in refusal.reason


def test_an_internet_access_has_a_limit() -> None:
    refusal = refused(item("internet-access", {"accessPort": "pe1:eth4"}))

    assert refusal.field == f"{CHARACTERISTIC}[bandwidth]"


NETWORKS = st.integers(8, 30).flatmap(
    lambda length: st.integers(0, 2**length - 1).map(
        lambda number: ipaddress.IPv4Network((number << (32 - length), length))
    )
)


@given(st.lists(NETWORKS, min_size=2, max_size=6))
def test_sites_pass_exactly_when_no_two_of_their_networks_share_an_address(
    networks: list[ipaddress.IPv4Network],
) -> None:
    usable = [net for net in networks if _usable(net)]
    sites = [site(f"pe{n}:eth3", f"{net[1]}/{net.prefixlen}") for n, net in enumerate(usable)]
    if len(sites) < 2:
        return
    spans = sorted((int(net[0]), int(net[-1])) for net in usable)
    apart = all(before[1] < after[0] for before, after in itertools.pairwise(spans))
    if apart:
        CATALOGUE.check(vpn(*sites))
    else:
        assert "overlaps" in refused(vpn(*sites)).reason


def _usable(net: ipaddress.IPv4Network) -> bool:
    first = int(net[1]) >> 24
    return 0 < first < 224 and first not in {127, 169}


def test_each_router_of_a_vpn_needs_an_address_of_its_own_and_keeps_it_by_name() -> None:
    needs = CATALOGUE.needs(vpn(NORTH, SHOP, SOUTH, vni=10300))

    assert [(n.name, n.pool, n.wanted) for n in needs] == [
        ("vni", "vpn-vni", "10300"),
        ("transit.pe1", "vpn-transit", None),
        ("transit.pe2", "vpn-transit", None),
    ]


def test_a_vpn_becomes_a_part_per_router_per_site_and_per_peer() -> None:
    asked = vpn(NORTH, SHOP, SOUTH)
    CATALOGUE.check(asked)
    design = CATALOGUE.decompose(asked, snapshot(), VPN_POOLS)

    made = [(one.template, one.device, one.ports) for one in design.resources]
    assert made == [
        ("l3vpn", "pe1", ()),
        ("l3vpn", "pe2", ()),
        ("l3vpn-site", "pe1", ("eth3",)),
        ("l3vpn-site", "pe1", ("eth4",)),
        ("l3vpn-site", "pe2", ("eth3",)),
        ("l3vpn-peer", "pe1", ()),
        ("l3vpn-peer", "pe2", ()),
    ]
    router, _, north, shop, _, peer, _ = (one.slots for one in design.resources)
    assert router == {
        "vrf": "vpn10200",
        "vni": "10200",
        "transit": "100.64.0.1/10",
        "as_number": "65000",
        "description": "acme",
    }
    assert north == {
        "vrf": "vpn10200",
        "port": "eth3",
        "gateway": "172.16.1.1/24",
        "rate": "10000",
        "description": "acme site north",
    }
    assert shop == {"vrf": "vpn10200", "port": "eth4", "gateway": "172.16.3.1/24"}
    assert peer == {"vrf": "vpn10200", "as_number": "65000", "neighbor": "100.64.0.2"}
    assert [(m.device, m.port) for m in design.meters] == [
        ("pe1", "eth3"),
        ("pe1", "eth4"),
        ("pe2", "eth3"),
    ]
    assert design.characteristics == {"sites": [NORTH, SHOP, SOUTH], "vni": 10200}


def by_kind(design: Any, kind: str) -> list[proof.Predicate]:
    return [one for one in design.predicates if one.kind == kind]


def test_a_vpn_is_proven_by_its_sessions_its_routes_and_packets_between_its_sites() -> None:
    known = snapshot(
        pe1_eth3=host("a1", "192.168.60.1/24", "172.16.1.10/24"),
        pe2_eth3=host("a2", "192.168.60.2/24", "172.16.2.10/24"),
    )
    design = CATALOGUE.decompose(vpn(NORTH, SOUTH), known, VPN_POOLS)

    sessions = by_kind(design, "bgp-neighbor-established")
    assert [(p.device, p.params["neighbor"]) for p in sessions] == [
        ("pe1", "100.64.0.2"),
        ("pe2", "100.64.0.1"),
    ]
    routes = by_kind(design, "route-present")
    assert [(p.device, p.params["prefix"]) for p in routes] == [
        ("pe1", "172.16.2.0/24"),
        ("pe2", "172.16.1.0/24"),
    ]
    pings = by_kind(design, "ping")
    assert [(p.device, p.params["target"]) for p in pings] == [
        ("a1", "172.16.2.10"),
        ("a2", "172.16.1.10"),
    ]
    assert not any(p.unobservable for p in design.predicates)


def test_without_a_host_in_the_other_lan_its_gateway_is_pinged() -> None:
    known = snapshot(pe1_eth3=host("a1", "172.16.1.10/24"), pe2_eth3=host("a2", "10.0.0.1/24"))
    one, other = by_kind(CATALOGUE.decompose(vpn(NORTH, SOUTH), known, VPN_POOLS), "ping")

    assert (one.device, one.params["target"]) == ("a1", "172.16.2.1")
    assert other.unobservable == "test point a2 at pe2:eth3 has no address in 172.16.2.0/24"
    assert other.need is proof.Need.IF_OBSERVABLE


def test_a_lan_must_not_hide_the_inside_of_the_vpn() -> None:
    asked = vpn(NORTH, {**SOUTH, "address": "100.100.0.1/16"})
    CATALOGUE.check(asked)

    with pytest.raises(errors.OrderRejected, match=r"overlaps 100\.64\.0\.0/10") as refusal:
        CATALOGUE.decompose(asked, snapshot(), VPN_POOLS)

    assert refusal.value.field == f"{CHARACTERISTIC}[sites][1].address"
    assert refusal.value.status == 422


@pytest.mark.parametrize(
    ("port_text", "why"), [("pe9:eth3", "no device pe9"), ("pe2:eth9", "no port eth9")]
)
def test_an_unknown_place_names_the_site(port_text: str, why: str) -> None:
    asked = vpn(NORTH, {**SOUTH, "port": port_text})
    pools = {**VPN_POOLS, "transit.pe9": "100.64.0.9/10"}

    with pytest.raises(errors.OrderRejected, match=why) as refusal:
        CATALOGUE.decompose(asked, snapshot(), pools)

    assert refusal.value.field == f"{CHARACTERISTIC}[sites][1].port"


def test_a_modified_vpn_is_judged_and_designed_as_a_whole() -> None:
    asked = dataclasses.replace(
        vpn(NORTH, {**SOUTH, "bandwidth": 50}, vni=10200), action=views.ItemAction.MODIFY
    )
    CATALOGUE.check(asked)
    design = CATALOGUE.decompose(asked, snapshot(), VPN_POOLS)

    rates = [one.slots.get("rate") for one in design.resources if one.template == "l3vpn-site"]
    assert rates == ["10000", "50000"]
    broken = dataclasses.replace(asked, characteristics={"sites": [NORTH]})
    assert refused(broken).field == f"{CHARACTERISTIC}[sites]"


def test_an_internet_access_announces_its_prefix_and_shares_its_profile() -> None:
    known = snapshot(pe1_eth4=host("b1", "192.168.50.1/24", "203.0.113.2/30"))
    asked = access()
    CATALOGUE.check(asked)
    design = CATALOGUE.decompose(asked, known, {"prefix": "203.0.113.0/30"})

    (made,) = design.resources
    assert (made.template, made.device, made.ports) == ("internet-access", "pe1", ("eth4",))
    assert made.slots == {
        "name": "acme",
        "port": "eth4",
        "gateway": "203.0.113.1/30",
        "profile": "mbps-20",
        "rate": "20000",
        "prefix": "203.0.113.0/30",
        "as_number": "65000",
        "community": "65000:100",
    }
    assert design.characteristics["prefix"] == "203.0.113.0/30"
    (told,) = by_kind(design, "bgp-prefix-advertised")
    assert told.params == {"prefix": "203.0.113.0/30"}
    gateway, reference = by_kind(design, "ping")
    assert (gateway.device, gateway.params["target"]) == ("b1", "203.0.113.1")
    assert reference.unobservable == "the setting catalogue.internet_reference is not set"


def test_the_reference_address_is_pinged_where_one_is_set() -> None:
    told = catalogue.Specifications(
        specification.load(), {**SETTINGS, "internet_reference": "198.51.100.1"}
    )
    known = snapshot(pe1_eth4=host("b1", "203.0.113.2/30"))
    design = told.decompose(access(), known, {"prefix": "203.0.113.0/30"})

    targets = [(p.params["target"], p.unobservable) for p in by_kind(design, "ping")]
    assert targets == [("203.0.113.1", None), ("198.51.100.1", None)]


def test_a_wish_for_a_prefix_goes_to_the_pool() -> None:
    (need,) = CATALOGUE.needs(access(prefix="203.0.113.8/30"))

    assert (need.name, need.pool, need.wanted) == ("prefix", "internet-v4", "203.0.113.8/30")


RT_POOLS = {**VPN_POOLS, "rt": "65000:20000042", "rd.pe1": "65000:1", "rd.pe2": "192.0.2.2:2"}


def targeted(*sites: Any, **more: Any) -> orders.ItemRequest:
    return dataclasses.replace(vpn(*sites, **more), specification_version="1.1")


def test_a_vpn_takes_one_target_which_may_be_named_and_a_distinguisher_per_router() -> None:
    needs = CATALOGUE.needs(targeted(NORTH, SOUTH, routeTarget="65000:20000042"))

    assert [(n.name, n.pool, n.wanted) for n in needs if n.pool in {"vpn-rt", "vpn-rd"}] == [
        ("rt", "vpn-rt", "65000:20000042"),
        ("rd.pe1", "vpn-rd", None),
        ("rd.pe2", "vpn-rd", None),
    ]


def test_every_router_of_a_vpn_exports_and_imports_the_one_target() -> None:
    design = CATALOGUE.decompose(targeted(NORTH, SHOP, SOUTH), snapshot(), RT_POOLS)

    segments = {one.device: one.slots for one in design.resources if one.template == "evpn-segment"}
    assert segments == {
        name: {"vni": "10200", "as_number": "65000", "rd": rd, "rt": "65000:20000042"}
        for name, rd in (("pe1", "65000:1"), ("pe2", "192.0.2.2:2"))
    }
    assert design.characteristics["routeTarget"] == "65000:20000042"
    older = CATALOGUE.decompose(vpn(NORTH, SHOP, SOUTH), snapshot(), VPN_POOLS)
    rest = [one for one in design.resources if one.template != "evpn-segment"]
    assert rest == list(older.resources)


@pytest.mark.parametrize(
    "value", [20000042, "65000", "65000:1\n", "065000:1", "65000:01", "a:1", None]
)
def test_a_route_target_no_router_could_have_is_refused(value: Any) -> None:
    refusal = refused(targeted(NORTH, SOUTH, routeTarget=value))

    assert refusal.field == f"{CHARACTERISTIC}[routeTarget]"


OLD_POOLS = {"core-vni", "vpn-vni", "vpn-transit", "internet-v4"}


def test_who_names_no_version_gets_the_newest_whose_pools_there_are() -> None:
    def got(pools: set[str]) -> str:
        told = catalogue.Specifications(specification.load(), SETTINGS, pools=pools)
        return told.check(vpn(NORTH, SOUTH)).version

    assert got(OLD_POOLS | {"vpn-rd", "vpn-rt"}) == "1.1"
    assert got(OLD_POOLS) == got(OLD_POOLS | {"vpn-rd"}) == "1.0"


def test_a_version_whose_pools_there_are_not_is_refused_with_their_names() -> None:
    told = catalogue.Specifications(specification.load(), SETTINGS, pools=OLD_POOLS | {"vpn-rt"})

    with pytest.raises(errors.OrderRejected) as refusal:
        told.check(targeted(NORTH, SOUTH))
    assert (refusal.value.status, refusal.value.code) == (422, "noSuchPool")
    assert refusal.value.field == f"{PATH}.service.serviceSpecification"
    assert "l3vpn 1.1 takes values from the pool vpn-rd, which" in refusal.value.reason
    assert told.lacking() == {"l3vpn 1.1": ("vpn-rd",)}
    assert told.check(targeted(NORTH, SOUTH), kept=True).version == "1.1"
    for living in (views.ItemAction.MODIFY, views.ItemAction.DELETE):  # also suspend and resume
        mine = dataclasses.replace(targeted(NORTH, SOUTH), action=living)
        assert told.check(mine).version == "1.1"
    assert told.templates() == CATALOGUE.templates() - {"evpn-segment"}
