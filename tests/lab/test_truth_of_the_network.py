"""What happens to the network shows within one cycle of looks as the right case, and nothing else does.

The last of the lab's tests: net-snmp goes on showing for minutes a port that was taken away here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.runner import Lab
from tests.lab import service_stage, thread_agent
from tests.lab.births import Births
from tests.lab.service_stage import Routers
from tests.lab.thread_agent import Agent

pytestmark = pytest.mark.lab

Case = tuple[str, str]  # kind, subject
SPARE = "eth4"
"""A customer's port that no other test leaves in use."""
CORE = "p2"
"""A router that never had a service: net-snmp shows for minutes what services left behind."""
SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
LINE = {"aEnd": f"pe1:{SPARE}", "zEnd": f"pe2:{SPARE}", "bandwidth": 10}


@pytest.fixture(scope="module")
def agent(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    # What other tests left behind net-snmp shows for minutes; among it bridges with their ports' addresses.
    for node in ("pe1", "pe2", "pe3"):
        _snmp_anew(births.network, node)
    with thread_agent.running(births, tmp_path_factory.mktemp("agent")) as here:
        here.onboard()
        assert _cycle(here) == set()
        yield here


@pytest.fixture
def routers(telco5: Lab, netconf: thread_agent.NetconfOf) -> Routers:
    return Routers(telco5, netconf)


def test_a_port_that_was_renamed_is_told_as_the_same_port(agent: Agent, telco5: Lab) -> None:
    with _renamed(telco5, "pe1", SPARE, "lan8"):
        _until(agent, {("port-renamed", "pe1:lan8")})
        _accept(agent)
        assert _cycle(agent) == set()
    _until(agent, {("port-renamed", f"pe1:{SPARE}")})
    _accept(agent)
    assert _cycle(agent) == set()


def test_a_pulled_cable_is_told_until_it_is_back(agent: Agent, telco5: Lab) -> None:
    telco5.set_link("pe1", "eth2", up=False)
    try:
        _until(agent, {("link-stale", "p2:eth2")})
        _until(agent, {("link-missing", "p2:eth2")})
    finally:
        telco5.set_link("pe1", "eth2", up=True)
    _until(agent, set())
    assert ("p2:eth2", "pe1:eth2") in _agreed(agent)


def test_another_box_at_the_address_is_not_believed(agent: Agent, telco5: Lab) -> None:
    with _another_box(telco5, CORE):
        _until(agent, {("chassis-swapped", CORE)})
    _until(agent, set())


def test_an_edit_by_hand_is_told_and_put_back(agent: Agent, routers: Routers) -> None:
    before = routers.seen("pe1", "pe2")
    with service_stage.cleared(agent):
        service = agent.completed(service_stage.addition("by-hand", "eline", LINE))
        assert _drift(agent, "pe1") == []
        _by_hand(routers, "pe1", "by-hand")
        (case,) = _drift(agent, "pe1")
        assert case["kind"] == "drift-changed"
        assert "admin from" in case["cause"] or "does not say" in case["cause"], case["cause"]
        agent.daemon.post(f"/api/v1/cases/{case['id']}/decision", {"decision": "revert"})
        agent.daemon.until(lambda: _drift(agent, "pe1") == [], within=300)
        agent.terminated(service)
    routers.come_to_be(before)


def test_a_port_that_got_another_number_is_no_news(agent: Agent, telco5: Lab) -> None:
    before = _number(telco5, SPARE)
    _remade(telco5, "pe1", SPARE, SPARE)
    assert _number(telco5, SPARE) != before
    assert _cycle(agent) == set()


def test_a_port_with_a_service_that_is_gone_is_told(agent: Agent, telco5: Lab) -> None:
    """It is made anew under another name; net-snmp shows once what was taken away, as switched off."""
    with service_stage.cleared(agent):
        service = agent.completed(service_stage.addition("gone", "eline", LINE))
        _remade(telco5, "pe1", SPARE, "lan9")
        try:
            gone = f"pe1:{SPARE}"
            _until(agent, {("port-switched-off", gone)}, {("port-missing", gone)})
        finally:
            _remade(telco5, "pe1", "lan9", SPARE)
        _until(agent, set())
        agent.terminated(service)


def _cycle(agent: Agent) -> set[Case]:
    agent.daemon.post("/api/v1/discover", {"device": None})
    return _cases(agent)


def _cases(agent: Agent) -> set[Case]:
    """Of devices and of ports that a cable is in: what services made, net-snmp remembers for minutes."""
    told = {(one["kind"], one["subject"]) for one in agent.daemon.get("/api/v1/cases")}
    return {one for one in told if one[1].partition(":")[2][:3] in {"", "eth", "lan"}}


def _drift(agent: Agent, device: str) -> list[Any]:
    """What differs, compared now."""
    agent.daemon.post("/api/v1/drift/check", {"target": device})
    return [one for one in agent.daemon.get("/api/v1/cases") if one["kind"].startswith("drift")]


def _until(agent: Agent, *expected: set[Case]) -> None:
    """One of these after a cycle, or after as many as the devices' own agents are behind."""
    deadline = time.monotonic() + 300
    while (told := _cycle(agent)) not in expected:
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def _accept(agent: Agent) -> None:
    """A person looks at what is told, and finds it right."""
    for case in agent.daemon.get("/api/v1/cases"):
        agent.daemon.post(f"/api/v1/cases/{case['id']}/decision", {"decision": "accept"})


def _agreed(agent: Agent) -> set[tuple[str, ...]]:
    return {
        tuple(f"{one[f'{end}_device']}:{one[f'{end}_port']}" for end in "az")
        for one in agent.daemon.get("/api/v1/topology")
        if one["confidence"] == "agreed"
    }


def _number(network: Lab, port: str) -> str:
    return network.run("pe1", "cat", f"/sys/class/net/{port}/ifindex")


def _remade(network: Lab, node: str, port: str, name: str) -> None:
    """Take the cable to b1 away with both its ports, and make it anew: all but the numbers as it was."""
    near_mac, far_mac = _mac(network, node, port), _mac(network, "b1", "eth1")
    address = network.run("b1", "ip", "-br", "-4", "address", "show", "eth1").split()[2]
    here, there = network.namespace(node), network.namespace("b1")
    peer = f"peer name eth1 address {far_mac} netns {there}"
    network.ip.batch([f"link del {port}"], namespace=here)
    network.ip.batch([f"link add {name} address {near_mac} netns {here} type veth {peer}"])
    network.ip.batch([f"link set {name} up"], namespace=here)
    network.ip.batch([f"address add {address} dev eth1", "link set eth1 up"], namespace=there)


@contextlib.contextmanager
def _renamed(network: Lab, node: str, port: str, name: str) -> Iterator[None]:
    _rename(network, node, port, name)
    try:
        yield
    finally:
        _rename(network, node, name, port)


def _rename(network: Lab, node: str, port: str, name: str) -> None:
    """As it is done on Linux; net-snmp learns names only when it starts."""
    lines = [f"link set {port} down", f"link set {port} name {name}", f"link set {name} up"]
    network.ip.batch(lines, namespace=network.namespace(node))
    _snmp_anew(network, node)


def _snmp_anew(network: Lab, node: str) -> None:
    """Its SNMP agent is started again by the line that it was started by."""
    number = network.run(node, "cat", "/run/snmpd.pid").strip()
    line = network.run(node, "xargs", "-0", "-a", f"/proc/{number}/cmdline", "echo")
    network.run(node, "kill", number)
    gone = f"while kill -0 {number} 2>/dev/null; do sleep 0.1; done"
    network.run(node, "sh", "-c", f"{gone}; MIBS= {line} >/dev/null 2>&1 </dev/null")
    until = time.monotonic() + 300
    walk = f"snmpget -v2c -cpublic -t1 -r0 127.0.0.1 {SYS_UPTIME} >/dev/null 2>&1 && echo yes || :"
    while "yes" not in network.run(node, "sh", "-c", walk):
        assert time.monotonic() < until, "net-snmp does not answer"
        time.sleep(0.1)


@contextlib.contextmanager
def _another_box(network: Lab, node: str) -> Iterator[None]:
    """Nothing stays that tells a box: neither its MAC addresses nor its chassis id."""
    macs = {f"eth{number}": _mac(network, node, f"eth{number}") for number in range(5)}
    box = {port: f"02:99:{mac[6:]}" for port, mac in macs.items()}
    try:
        with _unseen(network, node):
            network.run(node, "lldpcli", "configure", "system", "chassisid", "another-box")
            _is(network, node, box)
        yield
    finally:
        with _unseen(network, node):
            network.run(node, "lldpcli", "unconfigure", "system", "chassisid")
            _is(network, node, macs)


@contextlib.contextmanager
def _unseen(network: Lab, node: str) -> Iterator[None]:
    """A box that is being swapped does not answer: no look may meet half of each."""
    drop = "add table inet away; add chain inet away in { type filter hook input priority 0; }; "
    network.run(node, "nft", drop + "add rule inet away in iifname eth0 udp dport 161 drop")
    try:
        yield
    finally:
        network.run(node, "nft", "delete table inet away")


def _is(network: Lab, node: str, macs: Mapping[str, str]) -> None:
    """Give ports these MAC addresses; neighbours forget the old ones, and its own agent tells of them.

    A box that is swapped is never half the old one, as net-snmp's memory of some seconds would have it.
    """
    lines = [f"link set {port} address {mac}" for port, mac in macs.items()]
    network.ip.batch(lines, namespace=network.namespace(node))
    for near in (network.mgmt_namespace, *map(network.namespace, ("p1", "pe1", "pe2", "pe3"))):
        network.ip.batch(["neigh flush all"], namespace=near)
    # In hex always: an address of printable octets would be shown as text.
    walk = ("snmpwalk", "-v2c", "-cpublic", "-Oqvnx", "127.0.0.1", "1.3.6.1.2.1.2.2.1.6")
    spaced = [mac.replace(":", " ").upper() for mac in macs.values()]
    deadline = time.monotonic() + 300
    while not all(mac in network.run(node, *walk) for mac in spaced):
        assert time.monotonic() < deadline, f"net-snmp does not tell {spaced}"
        time.sleep(0.5)


def _mac(network: Lab, node: str, port: str) -> str:
    return network.run(node, "cat", f"/sys/class/net/{port}/address").strip()


def _by_hand(routers: Routers, node: str, service: str) -> None:
    """Somebody changes the rate that a customer bought, past the agent."""
    entry = (
        f'<services xmlns="{thread_agent.SERVICES}"><eline>'
        f"<name>{service}</name><rate>77000</rate></eline></services>"
    )
    edit = "<edit-config><target><candidate/></target><config>" + entry + "</config></edit-config>"
    replies = routers.netconf(routers.network, node).ask(edit, "<commit/>")
    assert all("<ok/>" in one for one in replies), replies
