"""The acid tests of the transaction on real routers: 2, 5 and 6, for a VPN of NETCONF and command lines.

NETCONF has a timer, vtysh has none: its lines live at once, one router after another, and the journal
takes them back. Where a test has to act at a moment of an order, the agent stops itself there. Acid
test 1 is in test_internet_access.py.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.runner import Lab
from oss_agent.testing import daemon
from tests.lab import operator_shell, service_stage, thread_agent
from tests.lab.births import Births
from tests.lab.service_stage import Routers, Seen, site
from tests.lab.thread_agent import Agent

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2", "pe3")
HOSTS = {"a1": "172.16.1.10", "a2": "172.16.2.10", "a3": "172.16.3.10"}
SIGKILLED = -9
# Three routers hold their NETCONF part, then the lines follow one by one: the fifth commit is pe2's.
TWO_ROUTERS_HAVE_THEIR_LINES = "device.commit.after@5"
# The customers' pool holds the routers' own loopbacks: an operator's mistake, for acid test 6.
POOLS = [
    {"name": "vpn-vni", "first": 10200, "last": 10299},
    {"name": "vpn-transit", "prefix": "100.64.0.0/24"},
    {"name": "internet-v4", "prefix": "10.255.0.0/24", "length": 30},
]
SETTINGS = {
    "OSS_AGENT_POOLS": json.dumps(POOLS),
    "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "8",
}
UNPROVEN = {
    "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "90",
    "OSS_AGENT_FULFILMENT__PROVE_WITHIN": "45",
}
"""Where the proof must fail, its time is waited out: enough of it for all that holds to show."""
SEEN_AT_ONCE = UNPROVEN | {"OSS_AGENT_FULFILMENT__PROVE_WITHIN": "1"}
"""Where what is wrong is seen by the first look, and told before all that does not show in time."""
CUT = """
add table inet cut
add chain inet cut input { type filter hook input priority -300; }
add rule inet cut input iifname eth0 tcp dport { 22, 830 } drop
"""


@pytest.fixture(scope="module")
def onboarded(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an agent that knows the lab and has done nothing else."""
    there = tmp_path_factory.mktemp("onboarded")
    with thread_agent.running(births, there, **SETTINGS) as agent:
        agent.onboard()
    return there


@pytest.fixture
def place(onboarded: Path, tmp_path: Path) -> Path:
    """A copy of it: what one test breaks, no other one sees."""
    shutil.copytree(onboarded / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture
def routers(telco5: Lab, netconf: thread_agent.NetconfOf) -> Routers:
    for number, host in enumerate(HOSTS, start=1):
        service_stage.mend_route(telco5, host, "172.16.0.0/16", f"172.16.{number}.1")
    return Routers(telco5, netconf)


@contextlib.contextmanager
def agent_in(births: Births, place: Path, *stops: str, **more: str) -> Iterator[Agent]:
    """An agent that stops itself at failpoints; what it left standing is ended at the end."""
    armed = ",".join(f"{one}:stop" for one in stops)
    env = SETTINGS | more | {"OSS_AGENT_FAILPOINT": armed}
    with thread_agent.running(births, place, **env) as agent:
        try:
            yield agent
        finally:
            goes_on(agent)
            agent.clear()


def stands_still(agent: Agent) -> None:
    """Wait until it has stopped itself (proc(5): state T)."""
    stat = Path(f"/proc/{agent.daemon.process.pid}/stat")
    deadline = time.monotonic() + 300
    while stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, daemon.tail(agent.daemon.log)
        time.sleep(0.02)


def goes_on(agent: Agent) -> None:
    agent.daemon.process.send_signal(signal.SIGCONT)


def vpn(name: str, *sites: Mapping[str, Any]) -> dict[str, Any]:
    return service_stage.addition(name, "l3vpn", {"sites": sites})


def all_new(routers: Routers) -> None:
    """Every router has the whole VPN in both its configurations, and packets pass."""
    for seen in routers.seen(*PES).values():
        assert len(re.findall(r"<vrf>", seen.netconf)) == 1, seen
        assert seen.lines.count("router bgp 65000 vrf vpn10200") == 1, seen
        assert len(re.findall(r"neighbor 100\.64\.0\.\d+ remote-as", seen.lines)) == 2, seen
    for here, there in (("a1", "a2"), ("a2", "a3"), ("a3", "a1")):
        assert routers.pings(here, HOSTS[there])


def done(agent: Agent, order: str) -> str:
    """The service of an order that must have completed."""
    view = agent.final(order, within=300)
    assert view["state"] == "completed", (view["error"], agent.explain(order)["history"])
    return str(view["items"][0]["service_id"])


def test_acid_2_killed_between_the_commits_of_the_second_and_the_third(
    births: Births, place: Path, routers: Routers
) -> None:
    before = routers.seen(*PES)
    with thread_agent.dying(births, place, TWO_ROUTERS_HAVE_THEIR_LINES, **SETTINGS) as dying:
        daemon.wait_ready(dying)
        order = Agent(births.network, dying).send(vpn("acid-killed", site(1), site(2), site(3)))
        assert dying.process.wait(300) == SIGKILLED
    lines = [seen.lines.count("router bgp 65000 vrf") for seen in routers.seen(*PES).values()]
    assert lines == [1, 1, 0]

    with agent_in(births, place) as agent:
        service = done(agent, order)  # all-old at the start, then done again
        all_new(routers)
        agent.terminated(service)
        routers.come_to_be(before)


def test_acid_2_a_link_dies_after_the_commit(births: Births, place: Path, routers: Routers) -> None:
    before = routers.seen(*PES)
    with agent_in(births, place, TWO_ROUTERS_HAVE_THEIR_LINES) as agent:
        order = agent.send(vpn("acid-cut", site(1), site(2), site(3)))
        stands_still(agent)
        with cut_off(births.network, "pe2"):
            goes_on(agent)
            agent.waiting(order, "pe2")
            assert agent.final_or_none(order) is None
        service = done(agent, order)
        all_new(routers)
        agent.terminated(service)
        routers.come_to_be(before)


@contextlib.contextmanager
def cut_off(network: Lab, node: str) -> Iterator[None]:
    """A router that forwards, and does not hear its operator."""
    network.run(node, "nft", "-f", "-", stdin=CUT)
    try:
        yield
    finally:
        network.run(node, "nft", "delete", "table", "inet", "cut")


def test_acid_5_an_owned_entry_edited_by_netconf_aborts_with_the_difference(
    births: Births, place: Path, routers: Routers
) -> None:
    before = routers.seen(*PES)
    with agent_in(births, place, "journal.intent.after@2") as agent:
        service = agent.completed(vpn("acid-edited", site(1, 10), site(2, 10)))
        wanted = {"sites": [site(1, 40), site(2, 40)]}
        order = agent.send(service_stage.modification(service, wanted))
        stands_still(agent)
        edited(routers, "pe1", "services", rate(7000))
        by_hand = routers.seen(*PES)
        goes_on(agent)
        view = agent.final(order)
        assert view["state"] == "failed"
        assert "our part changed since it was planned" in view["error"]["message"]
        assert "site[port=eth3]/rate" in view["error"]["message"]
        assert routers.seen(*PES) == by_hand

        edited(routers, "pe1", "services", rate(10000))
        agent.terminated(service)
    routers.come_to_be(before)


def rate(kilobits: int) -> str:
    site = f"<site><port>eth3</port><rate>{kilobits}</rate></site>"
    return f"<vrf><name>vpn10200</name>{site}</vrf>"


def test_acid_5_an_owned_line_taken_away_by_hand_aborts_with_the_difference(
    births: Births, place: Path, routers: Routers
) -> None:
    """Command lines have no lock: somebody else may edit our section while the order is judged."""
    before = routers.seen(*PES)
    with agent_in(births, place, "journal.held.after@3", **SEEN_AT_ONCE) as agent:
        order = agent.send(vpn("acid-typed", site(1), site(2)))
        stands_still(agent)  # pe1's lines live, pe2's are next
        section = ("router bgp 65000 vrf vpn10200", "address-family ipv4 unicast")
        typed(births.network, "pe1", *section, "no redistribute connected")
        goes_on(agent)
        view = agent.final(order)
        assert view["state"] == "failed"
        assert "config-equal on pe1" in view["error"]["message"]
        said = " ".join(
            str(one["transcript"])
            for one in view["items"][0]["evidence"]
            if (one["kind"], one["device"]) == ("config-equal", "pe1")
        )
        assert "redistribute connected" in said
        routers.come_to_be(before)


def test_acid_5_what_is_not_ours_is_untouched_and_there_afterwards(
    births: Births, place: Path, routers: Routers
) -> None:
    before = routers.seen(*PES)
    foreign = ("ip prefix-list FOREIGN seq 5 permit 192.0.2.0/24", "router bgp 65000")
    try:
        with agent_in(births, place, "journal.intent.after", "device.commit.after@3") as agent:
            order = agent.send(vpn("acid-beside", site(1), site(2)))
            stands_still(agent)  # planned
            edited(routers, "pe1", "ports", port("<description>by hand</description>"))
            goes_on(agent)
            stands_still(agent)  # pe1's lines live
            typed(births.network, "pe1", *foreign, "neighbor 192.0.2.9 remote-as 65009")
            goes_on(agent)
            service = done(agent, order)
            there(routers)
            agent.terminated(service)
            there(routers)
    finally:
        edited(routers, "pe1", "ports", port("", gone=True))
        typed(births.network, "pe1", "no ip prefix-list FOREIGN")
        typed(births.network, "pe1", "router bgp 65000", "no neighbor 192.0.2.9")
    routers.come_to_be(before)


def there(routers: Routers) -> None:
    seen = routers.seen("pe1")["pe1"]
    assert "by hand" in seen.netconf
    assert "neighbor 192.0.2.9 remote-as 65009" in seen.lines
    assert "ip prefix-list FOREIGN seq 5 permit 192.0.2.0/24" in seen.lines


def port(settings: str, *, gone: bool = False) -> str:
    operation = ' nc:operation="remove"' if gone else ""
    return f"<port{operation}><name>eth4</name>{settings}</port>"


def edited(routers: Routers, node: str, top: str, entry: str) -> None:
    """Somebody else's commit of a part of the configuration."""
    names = f'xmlns="{thread_agent.SERVICES}" xmlns:nc="{thread_agent.BASE}"'
    config = f"<config><{top} {names}>{entry}</{top}></config>"
    edit = f"<edit-config><target><candidate/></target>{config}</edit-config>"
    for reply in routers.netconf(routers.network, node).ask(edit, "<commit/>"):
        assert "<ok/>" in reply, reply


def typed(network: Lab, node: str, *lines: str) -> None:
    """Somebody else's lines of configuration."""
    with operator_shell.opened(network, node) as shell:
        shell.configure(*lines)


def test_acid_6_an_order_that_breaks_a_neighbour_is_reverted_everywhere(
    births: Births, place: Path, routers: Routers
) -> None:
    """The customer's gateway on pe1 would be pe3's loopback, where the VPN's tunnel ends."""
    before = routers.seen(*PES, "p1")
    with agent_in(births, place, **UNPROVEN) as agent:
        service = agent.completed(vpn("acid-neighbour", site(1), site(2), site(3)))
        standing = routers.seen(*PES, "p1")
        wanted = {"accessPort": "pe1:eth4", "bandwidth": 10, "prefix": "10.255.0.12/30"}
        view = agent.order(service_stage.addition("acid-harm", "internet-access", wanted))
        assert view["state"] == "failed"
        assert view["error"]["code"] == "neighbourHarmed"
        assert "service acid-neighbour" in view["error"]["message"]
        assert "worked before this change and does not inside it" in view["error"]["message"]
        _as_it_stood(routers, standing)
        view = agent.daemon.get(f"/api/v1/services/{service}")
        assert view["state"] == "active"
        agent.terminated(service)
    routers.come_to_be(before)


def _as_it_stood(routers: Routers, standing: Mapping[str, Seen]) -> None:
    """The configuration at once; the packets when routing has come back to it."""
    routers.come_to_be(standing)
    pairs = [(here, there) for here in HOSTS for there in HOSTS.values()]
    deadline = time.monotonic() + 300
    while not all(routers.pings(*pair) for pair in pairs):
        assert time.monotonic() < deadline
