"""VPNs and Internet access by hand: ports by NETCONF, routes by the command line, real packets."""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from lab.runner import Lab
from tests.lab import operator_shell

pytestmark = pytest.mark.lab

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"
SERVICES = "urn:oss-agent:lab:services"
PES = ("pe1", "pe2", "pe3")
TRANSIT = {"pe1": "100.64.0.7", "pe2": "100.64.0.8", "pe3": "100.64.0.9"}
GATEWAY = {"pe1": "172.16.1.1/24", "pe2": "172.16.2.1/24", "pe3": "172.16.3.1/24"}
HOST = {"a1": "172.16.1.10", "a2": "172.16.2.10", "a3": "172.16.3.10"}
GOLD = "<rate-profile><name>gold</name><rate>8000</rate></rate-profile>"

BLAST = """
import socket, sys, time
out, end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), time.monotonic() + 1
while time.monotonic() < end:
    out.sendto(bytes(1400), (sys.argv[1], 9))
    time.sleep(0.0002)
"""

MARK = "=====\n"
LOOK = f"; echo {MARK.strip()}; ".join(
    [
        "ip -d -j address show",
        "vtysh -c 'show running-config'",
        "ip netns list",
        "ip route show proto kernel",
        "nft list ruleset",
        "tc qdisc show",
    ]
)

NetconfOf = Callable[[Lab, str], Any]  # conftest's client


def edit(services: str = "", profiles: str = "") -> str:
    trees = {"services": services, "profiles": profiles}
    config = "".join(
        f'<{name} xmlns="{SERVICES}" xmlns:nc="{NETCONF}">{tree}</{name}>'
        for name, tree in trees.items()
        if tree
    )
    tested = "<test-option>test-then-set</test-option>"
    target = "<target><candidate/></target>"
    return f"<edit-config>{target}{tested}<config>{config}</config></edit-config>"


def gone(entry: str) -> str:
    """The edit that deletes a list entry, of which only the key is given."""
    return re.sub(r"^<([\w-]+)>", r'<\1 nc:operation="delete">', entry)


def site(port: str, gateway: str, rate: int = 0) -> str:
    limit = f"<rate>{rate}</rate>" if rate else ""
    return f"<site><port>{port}</port><gateway>{gateway}</gateway>{limit}</site>"


def vrf(node: str, vni: int, *sites: str) -> str:
    leaves = f"<vni>{vni}</vni><transit>{TRANSIT[node]}/10</transit>"
    return f"<vrf><name>vpn{vni}</name>{leaves}{''.join(sites)}</vrf>"


def access(port: str, gateway: str) -> str:
    leaves = f"<port>{port}</port><gateway>{gateway}</gateway><profile>gold</profile>"
    return f"<internet-access><name>acme</name>{leaves}</internet-access>"


def routed(node: str, vni: int) -> tuple[str, ...]:
    others = (address for other, address in TRANSIT.items() if other != node)
    neighbours = (f"neighbor {address} remote-as 65000" for address in others)
    family = ("address-family ipv4 unicast", "redistribute connected")
    return (f"router bgp 65000 vrf vpn{vni}", *neighbours, *family)


class Operator:
    """Configures by hand, and knows what there was before."""

    def __init__(self, network: Lab, netconf: NetconfOf) -> None:
        self.network = network
        self._netconf = netconf

    def commit(self, node: str, services: str = "", profiles: str = "") -> None:
        for reply in self._netconf(self.network, node).ask(edit(services, profiles), "<commit/>"):
            assert "<ok/>" in reply, reply

    def type(self, node: str, *lines: str) -> None:
        with operator_shell.opened(self.network, node) as shell:
            shell.configure(*lines)

    def state(self, node: str) -> list[str]:
        """All that a service could leave behind: both configurations and the kernel."""
        read = "<get-config><source><running/></source></get-config>"
        running = self._netconf(self.network, node).ask(read)[0]
        links, *rest = self.network.run(node, "sh", "-c", LOOK).split(MARK)
        # netconfd keeps the containers of what it deleted, empty
        leaves = re.findall(r"<[\w-]+>[^<\s]+<", running)
        words = [*leaves, *sorted(map(_link, json.loads(links))), *"".join(rest).split("\n")]
        return [f"{node}: {line}" for line in words]

    def links(self, node: str) -> list[str]:
        """The interfaces of a router and what they belong to."""
        said = self.network.run(node, "ip", "-d", "-j", "address", "show")
        return sorted(map(_link, json.loads(said)))

    def pings(self, source: str, target: str) -> bool:
        return self.network.execute(source, "ping", "-c1", "-W0.2", target).returncode == 0

    def until_pings(self, source: str, target: str, within: float = 300) -> None:
        until(lambda: self.pings(source, target), f"{source} reaches {target}", within)

    def until_policed(self, node: str, port: str) -> None:
        """The policer is the last the applier makes."""
        rules = ("nft", "list", "ruleset")
        until(lambda: f"oss_{port}" in self.network.run(node, *rules), f"{node} limits {port}")

    def received(self, source: str, target: str, host: str, above: float = -1) -> float:
        """Octets a second that a host's port receives, of a second's flood towards an address.

        Of a policed flood that is twice the rate: nft's bucket holds a second, and no less. What the
        machine was too busy to send is tried again until more than ``above`` comes through.
        """
        deadline = time.monotonic() + 300
        while (octets := self._received(source, target, host)) <= above:
            assert time.monotonic() < deadline, octets
        return octets

    def _received(self, source: str, target: str, host: str) -> float:
        before, began = self._quiet(host), time.monotonic()
        self.network.run(source, "python3", "-c", BLAST, target)
        return (self._octets(host) - before) / (time.monotonic() - began)

    def _quiet(self, host: str) -> int:
        """Let a shaper's queue of an earlier flood run empty."""
        octets = self._octets(host)
        while (now := self._wait_octets(host)) - octets > 2000:
            octets = now
        return now

    def _wait_octets(self, host: str) -> int:
        time.sleep(0.1)
        return self._octets(host)

    def _octets(self, host: str) -> int:
        return int(self.network.run(host, "cat", "/sys/class/net/eth1/statistics/rx_bytes"))


def _link(link: dict[str, Any]) -> str:
    addresses = [f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", [])]
    return f"{link['ifname']} {link.get('master')} {link.get('mtu')} {sorted(addresses)}"


def until(holds: Callable[[], bool], what: str, within: float = 300) -> None:
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"not within {within} s: {what}")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def untouched(telco5: Lab, netconf: NetconfOf) -> list[str]:
    """What the routers have before anybody configures them."""
    one = Operator(telco5, netconf)
    return [line for node in PES for line in one.state(node)]


@pytest.fixture
def operator(telco5: Lab, netconf: NetconfOf, untouched: list[str]) -> Iterator[Operator]:
    """Somebody who must leave the routers as they were."""
    one = Operator(telco5, netconf)
    yield one
    end = time.monotonic() + 300
    while (remains := _left(one, untouched)) and time.monotonic() < end:
        time.sleep(0.2)
    assert remains == []


def _left(operator: Operator, before: list[str]) -> list[str]:
    now = [line for node in PES for line in operator.state(node)]
    return [x for x in difflib.unified_diff(before, now, lineterm="", n=0) if x[0] in "+-"]


@contextmanager
def vpn(operator: Operator, vni: int, sites: dict[str, str]) -> Iterator[None]:
    """A VPN on some routers; on every second one the command line is first, on and off."""
    try:
        for turn, (node, ports) in enumerate(sites.items()):
            edge = Edge(operator, node, vni)
            _both(turn, partial(edge.attach, ports), edge.route)
        yield
    finally:
        for turn, node in enumerate(sites):
            edge = Edge(operator, node, vni)
            _both(turn, edge.unroute, edge.detach)


@dataclass(frozen=True, slots=True)
class Edge:
    """A VPN's part of one router."""

    operator: Operator
    node: str
    vni: int

    def attach(self, ports: str) -> None:
        self.operator.commit(self.node, vrf(self.node, self.vni, ports))

    def route(self) -> None:
        self.operator.type(self.node, *routed(self.node, self.vni))

    def unroute(self) -> None:
        self.operator.type(self.node, f"no router bgp 65000 vrf vpn{self.vni}")

    def detach(self) -> None:
        self.operator.commit(self.node, gone(f"<vrf><name>vpn{self.vni}</name></vrf>"))


def _both(turn: int, one: Callable[[], None], other: Callable[[], None]) -> None:
    for step in (one, other) if turn % 2 else (other, one):
        step()


def test_three_sites_of_a_vpn_reach_one_another(operator: Operator) -> None:
    with vpn(operator, 10200, {pe: site("eth3", GATEWAY[pe]) for pe in PES}):
        for source in HOST:
            for target in set(HOST) - {source}:
                operator.until_pings(source, HOST[target])
        whole = ["ping", "-c2", "-i0.2", "-s1472", "-Mdo", HOST["a3"]]
        assert operator.network.execute("a1", *whole).returncode == 0
        table = operator.network.run("pe1", "vtysh", "-c", "show ip route json")
        assert not [prefix for prefix in json.loads(table) if prefix.startswith("172.16.")]
    assert not operator.pings("a1", HOST["a2"])


def test_vpns_with_the_same_addresses_stay_apart(operator: Operator) -> None:
    own = {"b1": "172.16.1.10/24", "b2": "172.16.2.10/24"}
    two = ("pe1", "pe2")
    try:
        for host, address in own.items():
            gateway = address.replace(".10/24", ".1")
            operator.network.run(host, "ip", "address", "add", address, "dev", "eth1")
            operator.network.run(host, "ip", "route", "add", "172.16.0.0/16", "via", gateway)
        with vpn(operator, 10200, {pe: site("eth3", GATEWAY[pe]) for pe in two}):
            with vpn(operator, 10201, {pe: site("eth4", GATEWAY[pe]) for pe in two}):
                for source, right, wrong in (("a1", "a2", "b2"), ("b1", "b2", "a2")):
                    operator.until_pings(source, HOST["a2"])
                    operator.received(source, HOST["a2"], right, above=1_000_000)
                    assert operator.received(source, HOST["a2"], wrong) < 10_000
            operator.until_pings("a1", HOST["a2"])
            assert not operator.pings("b1", HOST["a2"])
    finally:
        for host, address in own.items():
            operator.network.run(host, "ip", "address", "del", address, "dev", "eth1")


def test_a_site_is_shaped_and_another_added_while_the_vpn_forwards(operator: Operator) -> None:
    def session() -> Any:
        shown = "show bgp vrf vpn10200 summary json"
        peers = json.loads(operator.network.run("pe1", "vtysh", "-c", shown))
        return peers["ipv4Unicast"]["peers"][TRANSIT["pe2"]]["connectionsEstablished"]

    pair = {"pe1": site("eth3", GATEWAY["pe1"]), "pe2": site("eth3", GATEWAY["pe2"], 8000)}
    with vpn(operator, 10200, pair):
        operator.until_pings("a1", HOST["a2"])
        assert operator.received("a1", HOST["a2"], "a2", above=500_000) < 1_200_000, (
            "shaped towards it"
        )
        change = vrf("pe1", 10200, site("eth3", GATEWAY["pe1"], 2000))
        operator.commit("pe1", change)
        operator.until_policed("pe1", "eth3")
        assert operator.received("a1", HOST["a2"], "a2", above=125_000) < 600_000, "policed from it"
        try:
            operator.network.run("b1", "ip", "address", "add", "172.16.4.10/24", "dev", "eth1")
            back = ["172.16.2.0/24", "via", "172.16.4.1"]
            operator.network.run("b1", "ip", "route", "add", *back)
            operator.commit("pe1", vrf("pe1", 10200, site("eth4", "172.16.4.1/24")))
            operator.until_pings("a2", "172.16.4.10")
        finally:
            operator.network.run("b1", "ip", "address", "del", "172.16.4.10/24", "dev", "eth1")
        assert session() == 1, "nothing else was touched"


def test_a_customer_reaches_the_internet_at_the_rate_of_its_profile(operator: Operator) -> None:
    network = operator.network
    family = ("router bgp 65000", "address-family ipv4 unicast")
    announce = "network 203.0.113.0/30 route-map OSS-INTERNET"
    shown = ("vtysh", "-c", "show bgp ipv4 unicast 203.0.113.0/30")
    try:
        tagged = ("route-map OSS-INTERNET permit 10", "set community 65000:100", "exit")
        operator.type("pe1", *tagged, *family, announce)
        assert "not in table" in network.execute("p1", *shown).stdout, "no port has it yet"
        operator.commit("pe1", access("eth4", "203.0.113.1/30"), GOLD)
        operator.until_pings("b1", "198.51.100.1")
        operator.until_pings("i1", "203.0.113.2")
        assert "Community: 65000:100" in network.run("p1", *shown)
        assert operator.received("i1", "203.0.113.2", "b1", above=500_000) < 1_200_000
        assert operator.received("b1", "198.51.100.1", "i1", above=500_000) < 2_400_000
        # from the customer's side there is no way into the management network
        network.run("b1", "ip", "route", "add", "172.20.20.22", "via", "203.0.113.1")
        assert not operator.pings("b1", "172.20.20.22")
    finally:
        network.execute("b1", "ip", "route", "del", "172.20.20.22")
        operator.type("pe1", *family, f"no {announce}", "exit", "exit", "no route-map OSS-INTERNET")
        profile = gone("<rate-profile><name>gold</name></rate-profile>")
        entry = gone("<internet-access><name>acme</name></internet-access>")
        operator.commit("pe1", entry, profile)
    assert not operator.pings("b1", "198.51.100.1")


def test_no_limit_is_made_anew_for_another_that_is_gone_or_its_own_change(
    operator: Operator,
) -> None:
    """A policer made anew has a full bucket: made every second, it limits nothing."""
    entry = gone("<internet-access><name>acme</name></internet-access>")
    profile = gone("<rate-profile><name>gold</name></rate-profile>")
    shown = ("nft", "-a", "list", "ruleset")
    operator.commit("pe1", access("eth4", "203.0.113.1/30"), GOLD)
    operator.until_policed("pe1", "eth4")
    operator.network.run("pe1", "tc", "qdisc", "del", "dev", "eth4", "root")
    with vpn(operator, 10200, {"pe1": site("eth3", GATEWAY["pe1"], 2000)}):
        operator.commit("pe1", entry, profile)
        operator.until_policed("pe1", "eth3")
        until(lambda: "oss_eth4" not in operator.network.run("pe1", *shown), "eth4 is free")
        # nor does one that is changed in place
        operator.commit("pe1", vrf("pe1", 10200, site("eth3", GATEWAY["pe1"], 3000)))
        classes = ("tc", "class", "show", "dev", "eth3")
        until(lambda: "rate 3Mbit" in operator.network.run("pe1", *classes), "eth3 is faster")
        made = operator.network.run("pe1", *shown)
        time.sleep(2.5)
        assert operator.network.run("pe1", *shown) == made


def test_a_vpn_nobody_confirms_goes_from_the_kernel_too(
    operator: Operator, netconf: NetconfOf
) -> None:
    timed = "<commit><confirmed/><confirm-timeout>8</confirm-timeout><persist>t</persist></commit>"
    wanted = edit(vrf("pe1", 10200, site("eth3", GATEWAY["pe1"], 8000)))
    replies = netconf(operator.network, "pe1").ask(wanted, timed)
    assert all("<ok/>" in reply for reply in replies), replies
    until(lambda: "htb" in operator.network.run("pe1", "tc", "qdisc"), "the kernel has it")
    # quiet: no RPC while the timer runs
    listed = ("ip", "netns", "list")
    until(lambda: operator.network.run("pe1", *listed) == "", "rolled back")


def test_twenty_rounds_kill_no_daemon_and_leave_nothing(
    operator: Operator, netconf: NetconfOf
) -> None:
    network = operator.network
    daemons = ("pidof", "zebra", "bgpd", "netconfd")
    before = network.run("pe1", *daemons)
    with (
        netconf(network, "pe1").session() as talk,
        operator_shell.opened(network, "pe1") as shell,
    ):
        for turn in range(20):
            vni = 10200 + turn % 3
            made = edit(vrf("pe1", vni, site("eth3", GATEWAY["pe1"], 8000)))
            unmade = edit(gone(f"<vrf><name>vpn{vni}</name></vrf>"))
            for config, lines in (
                (made, routed("pe1", vni)),
                (unmade, (f"no router bgp 65000 vrf vpn{vni}",)),
            ):
                if turn % 2:
                    shell.configure(*lines)
                assert "<ok/>" in talk.ask(config)
                assert "<ok/>" in talk.ask("<commit/>")
                if not turn % 2:
                    shell.configure(*lines)
                time.sleep(turn % 4 * 0.05)  # the applier is caught at every stage of its work
    assert network.run("pe1", *daemons) == before


def test_a_port_carries_one_service_and_a_profile_in_use_stays(
    operator: Operator, netconf: NetconfOf
) -> None:
    ask = netconf(operator.network, "pe1").ask
    operator.commit("pe1", access("eth4", "203.0.113.1/30"), GOLD)
    try:
        taken = edit(vrf("pe1", 10200, site("eth4", GATEWAY["pe1"])))
        line = edit("<eline><name>x</name><vni>10001</vni><port>eth4</port></eline>")
        used = edit(profiles=gone("<rate-profile><name>gold</name></rate-profile>"))
        for change, word in ((taken, "port-in-use"), (line, "port-in-use"), (used, "in")):
            refused, discarded = ask(change, "<discard-changes/>")
            assert "<rpc-error>" in refused
            assert word in refused
            assert "<ok/>" in discarded
    finally:
        entry = gone("<internet-access><name>acme</name></internet-access>")
        operator.commit("pe1", entry, gone("<rate-profile><name>gold</name></rate-profile>"))


def test_what_an_operator_writes_to_memory_is_kept_as_frrs_own(operator: Operator) -> None:
    network = operator.network
    kept = ("cat", "/etc/frr/frr.conf")
    with operator_shell.opened(network, "pe3") as shell:
        shell.configure("route-map OSS-KEPT permit 10", "set community 65000:100")
        assert "[OK]" in shell.ask("write memory")
        assert "route-map OSS-KEPT permit 10" in network.run("pe3", *kept)
        shell.configure("no route-map OSS-KEPT")
        assert "[OK]" in shell.ask("write memory")
    assert "OSS-KEPT" not in network.run("pe3", *kept)
    assert network.run("pe3", "stat", "-c", "%U:%G %a", kept[1]).strip() == "frr:frr 640"


def test_an_applier_that_was_away_mends_what_was_damaged(operator: Operator) -> None:
    network = operator.network
    applier = ("-f", "lab.node.applie[r]")
    with vpn(operator, 10200, {"pe1": site("eth3", GATEWAY["pe1"])}):
        bridged = "eth3 site-eth3 "  # the last link it makes
        until(lambda: any(x.startswith(bridged) for x in operator.links("pe1")), "it is made")
        whole = operator.links("pe1")
        try:
            network.run("pe1", "pkill", "-STOP", *applier)
            network.run("pe1", "ip", "link", "del", "leg-eth3")
            network.run("pe1", "ip", "link", "del", "vx10200")
            assert operator.links("pe1") != whole
        finally:
            network.run("pe1", "pkill", "-KILL", *applier)  # and it is started again
        until(lambda: operator.links("pe1") == whole, "mended")
