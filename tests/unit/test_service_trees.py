"""What a design is on the lab's routers: the very configuration that NETCONF and vtysh are sent."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from oss_agent import registry
from oss_agent.catalog import catalogue, specification
from oss_agent.fulfilment.intent import plan
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import catalogue as spi_catalogue
from oss_agent.spi import device, ledger, orders, views
from oss_agent.spi.tree import EMPTY, Step, path_text

SETTINGS = {"as_number": "65000", "internet_community": "65000:100"}
CATALOGUE = catalogue.Specifications(specification.load(), SETTINGS)
NAMES = ("pe1", "pe2")
SITES: list[dict[str, Any]] = [
    {"port": "pe1:eth3", "address": "172.16.1.1/24", "bandwidth": 10},
    {"port": "pe1:eth4", "address": "172.16.2.1/24"},
    {"port": "pe2:eth3", "address": "172.16.3.1/24"},
]
VPN_POOLS = {"vni": "10200", "transit.pe1": "100.64.0.1/10", "transit.pe2": "100.64.0.2/10"}


def designed(
    kind: str, characteristics: Mapping[str, Any], pools: Mapping[str, str], name: str = "acme"
) -> spi_catalogue.Design:
    item = orders.ItemRequest(
        "1", views.ItemAction.ADD, kind, None, "s1", name, characteristics, "serviceOrderItem[0]"
    )
    ports = {port: ledger.PortFact(port) for port in ("eth3", "eth4")}
    known = {
        one: ledger.DeviceFact(one, "x", trusted=True, managed=True, ports=ports) for one in NAMES
    }
    CATALOGUE.check(item)
    return CATALOGUE.decompose(item, ledger.Snapshot(known, {}), pools)


def drivers(platform: str) -> dict[str, device.Driver]:
    return dict.fromkeys(NAMES, registry.installed().driver(platform))


def sent(design: spi_catalogue.Design, platform: str = "frr_linux") -> dict[plan.Place, str]:
    """What each store is sent where nothing is yet."""
    those = drivers(platform)
    return {
        (name, store): those[name].render(tree.diff(EMPTY, wanted), store)
        for (name, store), wanted in plan.wanted(design, those).items()
    }


def plain(xml: str) -> str:
    """The leaves of an edit-config's content, in its order."""
    leaves = re.findall(r"<(?:\w+:)?([\w-]+)(?: [^>]*)?>([^<\s][^<]*)</", xml)
    return " ".join(f"{name}={text}" for name, text in leaves)


def test_a_router_of_a_vpn_with_two_sites_gets_one_vrf_and_one_bgp_instance() -> None:
    found = sent(designed("l3vpn", {"sites": SITES}, VPN_POOLS))

    assert set(found) == {(name, store) for name in NAMES for store in ("netconf", "vtysh")}
    assert plain(found["pe1", "netconf"]) == (
        "name=vpn10200 description=acme port=eth3 gateway=172.16.1.1/24 rate=10000 "
        "port=eth4 gateway=172.16.2.1/24 transit=100.64.0.1/10 vni=10200"
    )
    lines = [line.strip() for line in found["pe1", "vtysh"].splitlines()]
    assert lines[:2] == [
        "router bgp 65000 vrf vpn10200",
        "neighbor 100.64.0.2 remote-as 65000",
    ]
    assert "redistribute connected" in lines


def test_internet_access_is_announced_with_the_community_of_its_route_map() -> None:
    wanted = {"accessPort": "pe1:eth4", "bandwidth": 20}
    found = sent(designed("internet-access", wanted, {"prefix": "203.0.113.4/30"}))

    assert plain(found["pe1", "netconf"]) == (
        "name=mbps-20 rate=20000 name=acme gateway=203.0.113.5/30 port=eth4 profile=mbps-20"
    )
    lines = [line.strip() for line in found["pe1", "vtysh"].splitlines()]
    policy = lines.index("route-map OSS-INTERNET permit 10")
    assert policy < lines.index("network 203.0.113.4/30 route-map OSS-INTERNET")
    assert lines[policy + 1] == "set community 65000:100"


def test_a_simulated_router_gets_the_netconf_half_of_either() -> None:
    both = (
        designed("l3vpn", {"sites": SITES}, VPN_POOLS),
        designed(
            "internet-access",
            {"accessPort": "pe1:eth4", "bandwidth": 20},
            {"prefix": "203.0.113.4/30"},
        ),
    )
    for design in both:
        real, simulated = sent(design), sent(design, "sim_netconf")
        assert simulated == {at: text for at, text in real.items() if at[1] == "netconf"}


def test_what_internet_accesses_share_is_what_the_platform_says_may_be_shared() -> None:
    wanted = {"accessPort": "pe1:eth4", "bandwidth": 20}
    one = designed("internet-access", wanted, {"prefix": "203.0.113.0/30"}, "one")
    other = designed(
        "internet-access",
        {**wanted, "accessPort": "pe1:eth3"},
        {"prefix": "203.0.113.4/30"},
        "other",
    )
    driver = drivers("frr_linux")["pe1"]
    shared: set[str] = set()
    for place, mine in plan.wanted(one, drivers("frr_linux")).items():
        theirs = plan.wanted(other, drivers("frr_linux"))[place]
        alike = set(tree.nodes(mine)) & set(tree.nodes(theirs))
        owned = [path for path in alike if driver.shareable(path, place[1])]
        shared |= {path_text(path) for path in owned}

    roots = {path for path in shared if path.count("/") <= 2}
    assert any("rate-profile[name=mbps-20]" in path for path in roots)
    assert any("route-map OSS-INTERNET permit 10" in path for path in shared)
    assert not any("network 203" in path or "internet-access" in path for path in shared)


def test_a_modified_site_changes_its_rate_and_nothing_else() -> None:
    faster = [{**SITES[0], "bandwidth": 50}, *SITES[1:]]
    those = drivers("frr_linux")
    before = plan.wanted(designed("l3vpn", {"sites": SITES}, VPN_POOLS), those)
    after = plan.wanted(designed("l3vpn", {"sites": faster}, VPN_POOLS), those)
    changed = {at: tree.diff(before[at], after[at]) for at in before}

    ((edit,),) = (edits for edits in changed.values() if edits)
    assert edit.path[-1] == Step("rate")
    assert edit.node is not None
    assert edit.node.value == "50000"
    assert dataclasses.replace(edit.node, value="10000") == edit.was
