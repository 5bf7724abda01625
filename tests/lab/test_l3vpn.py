"""A VPN of three sites on real routers: real packets, real rates, changed and gone without a trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from lab.runner import Lab
from tests.lab import service_stage, thread_agent
from tests.lab.births import Births
from tests.lab.service_stage import Routers, site
from tests.lab.thread_agent import Agent

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2", "pe3")
BETWEEN = 20  # Mbit/s: well above 10, well below 40
HOSTS = {"a1": "172.16.1.10", "a2": "172.16.2.10", "a3": "172.16.3.10"}


@pytest.fixture(scope="module")
def agent(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    there = tmp_path_factory.mktemp("agent")
    with thread_agent.running(births, there) as here:
        here.onboard()
        yield here


@pytest.fixture
def routers(telco5: Lab, netconf: thread_agent.NetconfOf) -> Routers:
    for number, host in enumerate(HOSTS, start=1):
        service_stage.mend_route(telco5, host, "172.16.0.0/16", f"172.16.{number}.1")
    return Routers(telco5, netconf)


def test_a_vpn_lives_grows_shrinks_and_leaves_nothing_behind(
    agent: Agent, routers: Routers, telco5: Lab
) -> None:
    before = routers.seen(*PES, "p1", "p2")
    with service_stage.cleared(agent):
        two = [site(1, 10), site(2, 10)]
        order = agent.order(service_stage.addition("acme-vpn", "l3vpn", {"sites": two}, "1.1"))
        assert order["state"] == "completed", order["error"]
        _is_proven(order, sites=2)
        service = str(order["items"][0]["service_id"])
        _have_routes(telco5, "pe1", "pe2")
        assert routers.pings("a1", HOSTS["a2"])
        assert not routers.pings("a1", HOSTS["a3"])
        assert routers.rate("a1", "a2", HOSTS["a2"]) < BETWEEN
        lone = routers.seen(*PES)

        _changes(agent, service, "faster", [site(1, 40), site(2, 40)])
        assert routers.rate("a1", "a2", HOSTS["a2"], above=BETWEEN) < 2 * 40

        _changes(agent, service, "wider", [site(1, 40), site(2, 40), site(3)])
        _have_routes(telco5, *PES)
        for here in HOSTS:
            assert all(routers.pings(here, there) for there in HOSTS.values())

        _changes(agent, service, "as-before", two)
        assert not routers.pings("a1", HOSTS["a3"])
        routers.come_to_be(lone)
        agent.terminated(service)
    routers.come_to_be(before)
    assert not routers.pings("a1", HOSTS["a2"])


def _have_routes(lab: Lab, *names: str) -> None:
    """One target that all export and import, and a distinguisher for each."""
    distinguishers: set[str] = set()
    targets: set[str] = set()
    for name in names:
        text = lab.run(name, "vtysh", "-c", "show running-config")
        lines = [line.strip() for line in text.splitlines()]
        distinguishers |= {line for line in lines if line.startswith("rd 65000:")}
        targets |= {f"{name} {line}" for line in lines if line.startswith("route-target ")}
    (target,) = {one.rpartition(" ")[2] for one in targets}
    both = [f"{name} route-target {way} {target}" for name in names for way in ("import", "export")]
    assert targets == set(both)
    assert len(distinguishers) == len(names)


def _changes(agent: Agent, service: str, which: str, sites: Sequence[object]) -> None:
    order = agent.order(service_stage.modification(service, {"sites": sites}, which))
    assert order["state"] == "completed", order["error"]


def _is_proven(order: dict[str, object], sites: int) -> None:
    items = order["items"]
    assert isinstance(items, list)
    evidence = items[0]["evidence"]
    proven = [e["kind"] for e in evidence if e["outcome"] == "proven"]
    assert len(proven) == len(evidence), evidence
    pairs = sites * (sites - 1)
    assert proven.count("ping") == pairs
    assert proven.count("bgp-neighbor-established") == pairs
    assert proven.count("route-present") == pairs
    assert proven.count("interface-up") == sites


def test_two_vpns_may_use_the_same_addresses_and_do_not_meet(
    agent: Agent, routers: Routers
) -> None:
    before = routers.seen(*PES)
    with service_stage.cleared(agent):
        first = {"sites": [site(1), site(2)]}
        one = agent.completed(service_stage.addition("red-vpn", "l3vpn", first))
        # The other customer's LANs have the numbers of the first; its hosts are not asked.
        second = [
            {"port": "pe1:eth4", "address": "172.16.1.1/24"},
            {"port": "pe2:eth4", "address": "172.16.3.1/24"},
        ]
        other = agent.completed(
            service_stage.addition("blue-vpn", "l3vpn", {"sites": second}, "1.1")
        )
        assert routers.pings("a1", HOSTS["a2"])
        assert not routers.pings("a1", "172.16.3.1")

        agent.terminated(other)
        assert routers.pings("a1", HOSTS["a2"])
        agent.terminated(one)
    routers.come_to_be(before)
