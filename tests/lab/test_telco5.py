"""The network itself: what the design promises of it, seen on real routers."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncssh
import pytest

from lab import commands, convergence, nodes, questions
from lab.runner import Lab
from tests.lab import service_stage

pytestmark = pytest.mark.lab

SERVICES = "urn:oss-agent:lab:services"
LINK_DOWN = bytes.fromhex("2b0601060301010503")  # 1.3.6.1.6.3.1.1.5.3
IF_INDEX = bytes.fromhex("2b0601020102020101")  # 1.3.6.1.2.1.2.2.1.1
READ_SERVICES = (
    "<get-config><source><running/></source>"
    f'<filter><services xmlns="{SERVICES}"/></filter></get-config>'
)


NetconfOf = Callable[[Lab, str], Any]  # conftest's client


def eline(port: str, vni: int, *, name: str = "svc", rate: int = 0, delete: bool = False) -> str:
    base = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="remove"'
    body = f"<vni>{vni}</vni><port>{port}</port>" + (f"<rate>{rate}</rate>" if rate else "")
    entry = f"<eline {base if delete else ''}><name>{name}</name>{'' if delete else body}</eline>"
    return f'<services xmlns="{SERVICES}">{entry}</services>'


def edit(config: str, option: str = "set") -> str:
    tested = f"<test-option>{option}</test-option>"
    return (
        f"<edit-config><target><candidate/></target>{tested}<config>{config}</config></edit-config>"
    )


def until(holds: Callable[[], bool], within: float = 300) -> float:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within:
            pytest.fail(f"not within {within} s")
        time.sleep(0.02)
    return time.monotonic() - began


def pings(network: Lab, source: str, target: str) -> bool:
    network.run(
        source, "ip", "neigh", "flush", "dev", "eth1"
    )  # else ARP's retry second is measured
    return network.execute(source, "ping", "-c1", "-W0.2", target).returncode == 0


def tunnels(network: Lab, node: str) -> list[str]:
    links = json.loads(network.run(node, "ip", "-j", "link", "show", "type", "vxlan"))
    return [link["ifname"] for link in links if link]


@contextmanager
def service(network: Lab, netconf: NetconfOf, vni: int = 10100, rate: int = 0) -> Iterator[None]:
    for node in ("pe1", "pe2"):
        replies = netconf(network, node).ask(edit(eline("eth4", vni, rate=rate)), "<commit/>")
        assert all("<ok/>" in reply for reply in replies), replies
    try:
        yield
    finally:
        for node in ("pe1", "pe2"):
            replies = netconf(network, node).ask(edit(eline("eth4", vni, delete=True)), "<commit/>")
            assert all("<ok/>" in reply for reply in replies), replies
        until(lambda: not tunnels(network, "pe1") and not tunnels(network, "pe2"))


def walk(network: Lab, node: str, oid: str) -> str:
    """Ask from the management namespace, with the client that lies in a node's root."""
    asks = ["snmpwalk", "-v2c", "-c", "public", "-On", network.address(node), oid]
    there = [
        "nsenter",
        "--target",
        str(nodes.first_process(network.topology.name, "p1")),
        "--mount",
    ]
    with network.in_mgmt():
        return commands.run([*there, "env", "MIBS=", "HOME=/root", *asks])


def test_routing_is_settled(telco5: Lab) -> None:
    assert [
        w for node in convergence.routers(telco5) for w in convergence.unsettled(telco5, node)
    ] == []
    summary = json.loads(telco5.run("pe1", "vtysh", "-c", "show bgp summary json"))
    assert set(summary) == {"ipv4Unicast", "l2VpnEvpn"}


def test_links_are_seven_in_the_core_five_to_customers_and_one_to_the_internet(
    telco5: Lab,
) -> None:
    roles = {node.name: node.labels["role"] for node in telco5.topology.nodes}
    ends = [{roles[link.a.node], roles[link.z.node]} for link in telco5.topology.links]
    assert sum(pair <= {"p", "pe"} for pair in ends) == 7
    assert sum("ce" in pair for pair in ends) == 5
    assert sum("internet" in pair for pair in ends) == 1


def test_neighbours_are_seen_by_snmp(telco5: Lab) -> None:
    def cores() -> bool:
        told = walk(telco5, "pe1", "1.0.8802.1.1.2.1.4.1.1.9")
        return '"p1"' in told and '"p2"' in told

    until(cores)
    assert walk(telco5, "pe1", "1.3.6.1.2.1.15.3.1.2").count("INTEGER: 6") == 2  # bgpPeerState
    assert walk(telco5, "pe1", "1.3.6.1.2.1.14.10.1.6").count("INTEGER: 8") == 2  # ospfNbrState


def test_snmp_answers_in_the_management_namespace(telco5: Lab) -> None:
    with telco5.in_mgmt():
        assert questions.answers_snmp(telco5.address("pe3"))
    assert not questions.answers_snmp(telco5.address("pe3"))


def test_an_eline_carries_frames_of_full_size(telco5: Lab, netconf: NetconfOf) -> None:
    with service(telco5, netconf):
        took = until(lambda: pings(telco5, "b1", "192.168.50.2"))
        whole = telco5.execute("b1", "ping", "-c2", "-i0.2", "-s1472", "-Mdo", "192.168.50.2")
        assert whole.returncode == 0, whole.stdout
        entry = json.loads(telco5.run("pe1", "vtysh", "-c", "show evpn vni 10100 json"))
        assert entry["vni"] == 10100
        assert "10.255.0.12" in telco5.run("pe1", "bridge", "fdb", "show", "dev", "vx10100")
    print(f"first ping {took:.2f} s after the commits")
    assert not pings(telco5, "b1", "192.168.50.2")


def test_a_rate_is_kept(telco5: Lab, netconf: NetconfOf) -> None:
    with service(telco5, netconf, rate=10000):
        until(lambda: pings(telco5, "b1", "192.168.50.2"))
        assert service_stage.Routers(telco5, netconf).rate("b1", "b2", "192.168.50.2", 4) < 11.5
    assert "htb" not in telco5.run("pe1", "tc", "qdisc", "show", "dev", "eth4")
    assert "oss_eth4" not in telco5.run("pe1", "nft", "list", "ruleset")


def test_a_confirmed_commit_nobody_confirms_leaves_the_kernel_as_before(
    telco5: Lab, netconf: NetconfOf
) -> None:
    commit = "<commit><confirmed/><confirm-timeout>8</confirm-timeout><persist>t</persist></commit>"
    replies = netconf(telco5, "pe1").ask(edit(eline("eth4", 10050)), commit)
    assert all("<ok/>" in reply for reply in replies), replies
    until(lambda: tunnels(telco5, "pe1") == ["vx10050"])
    took = until(lambda: tunnels(telco5, "pe1") == [])  # quiet: no RPC while the timer runs
    print(f"rolled back {took:.1f} s after the kernel had it")
    assert "10050" not in netconf(telco5, "pe1").ask(READ_SERVICES)[0]
    assert "master" not in telco5.run("pe1", "ip", "link", "show", "eth4")


def test_a_netconfd_that_fell_comes_back_with_what_was_confirmed(
    telco5: Lab, netconf: NetconfOf
) -> None:
    """As a router does that restarts (RFC 6241, 8.4.1): what nobody confirmed is gone."""
    timed = (
        "<commit><confirmed/><confirm-timeout>600</confirm-timeout><persist>t</persist></commit>"
    )

    def answers() -> bool:
        with suppress(OSError, asyncssh.Error, asyncio.IncompleteReadError):
            return SERVICES in netconf(telco5, "pe1").ask(READ_SERVICES)[0]
        return False

    with service(telco5, netconf):
        until(lambda: pings(telco5, "b1", "192.168.50.2"))
        replies = netconf(telco5, "pe1").ask(edit(eline("eth3", 10050, name="timed")), timed)
        assert all("<ok/>" in reply for reply in replies), replies
        until(lambda: sorted(tunnels(telco5, "pe1")) == ["vx10050", "vx10100"])
        fell = telco5.run("pe1", "pidof", "netconfd")
        telco5.run("pe1", "pkill", "-SEGV", "-x", "netconfd")
        until(lambda: telco5.execute("pe1", "pidof", "netconfd").stdout not in {"", fell})
        until(answers)
        assert "10050" not in netconf(telco5, "pe1").ask(READ_SERVICES)[0]
        until(lambda: tunnels(telco5, "pe1") == ["vx10100"])
        until(lambda: pings(telco5, "b1", "192.168.50.2"))
        assert "netconfd fell (SEGV)" in telco5.run("pe1", "cat", "/run/oss-lab/log/kept.log")


def test_pe3_refuses_a_large_vni_when_it_is_committed(telco5: Lab, netconf: NetconfOf) -> None:
    edited, committed, _, running = netconf(telco5, "pe3").ask(
        edit(eline("eth3", 10100)), "<commit/>", "<discard-changes/>", READ_SERVICES
    )
    assert "<ok/>" in edited
    assert "vni out of range" in committed
    assert "<error-app-tag>invalid-value" in committed
    assert "10100" not in running


def test_pe3_refuses_a_large_vni_at_the_edit_when_asked_to_test(
    telco5: Lab, netconf: NetconfOf
) -> None:
    edited, _ = netconf(telco5, "pe3").ask(
        edit(eline("eth3", 10100), "test-then-set"), "<discard-changes/>"
    )
    assert "vni out of range" in edited


def test_two_services_on_one_port_are_refused(telco5: Lab, netconf: NetconfOf) -> None:
    both = eline("eth4", 10001, name="one") + eline("eth4", 10002, name="two")
    _, committed, _ = netconf(telco5, "pe1").ask(edit(both), "<commit/>", "<discard-changes/>")
    assert "data-not-unique" in committed


def test_a_port_is_described_and_shut(telco5: Lab, netconf: NetconfOf) -> None:
    def port(rest: str) -> str:
        return f'<ports xmlns="{SERVICES}"><port {rest}</port></ports>'

    gone = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="remove"'
    try:
        text = "><name>eth3</name><description>to a1</description><enabled>false</enabled>"
        netconf(telco5, "pe1").ask(edit(port(text)), "<commit/>")
        until(lambda: "DOWN" in telco5.run("pe1", "ip", "-br", "link", "show", "eth3"))
        until(lambda: '"to a1"' in walk(telco5, "pe1", "1.3.6.1.2.1.31.1.1.1.18"))
    finally:
        netconf(telco5, "pe1").ask(edit(port(f"{gone}><name>eth3</name>")), "<commit/>")
    until(lambda: "UP" in telco5.run("pe1", "ip", "-br", "link", "show", "eth3"))


def test_a_pulled_cable_is_told_by_a_trap(telco5: Lab) -> None:
    with telco5.in_mgmt():
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("172.20.20.1", 162))
    index = int(telco5.run("pe1", "cat", "/sys/class/net/eth4/ifindex"))
    with listener:
        listener.settimeout(300)
        try:
            telco5.set_link("b1", "eth1", up=False)
            began = time.monotonic()
            while True:
                trap, (sender, _) = listener.recvfrom(4096)
                told = LINK_DOWN in trap and IF_INDEX + bytes([index]) in trap
                if told and sender == telco5.address("pe1"):
                    break
            print(f"linkDown after {time.monotonic() - began:.2f} s")
        finally:
            telco5.set_link("b1", "eth1", up=True)


def test_rerouting_survives_a_flap(telco5: Lab, netconf: NetconfOf) -> None:
    """With kernel nexthop objects the service would stay dead after the link is back."""
    with service(telco5, netconf):
        until(lambda: pings(telco5, "b1", "192.168.50.2"))
        try:
            telco5.set_link("pe1", "eth1", up=False)
            until(lambda: pings(telco5, "b1", "192.168.50.2"))
        finally:
            telco5.set_link("pe1", "eth1", up=True)
        convergence.wait(telco5, within=300)
        until(lambda: pings(telco5, "b1", "192.168.50.2"))


def test_nodes_cannot_set_the_clock_or_reboot(telco5: Lab) -> None:
    bounding = telco5.run("pe1", "sh", "-c", "grep CapBnd /proc/$(pidof netconfd)/status").split()[
        1
    ]
    assert not int(bounding, 16) & (1 << 25 | 1 << 22)


def test_operators_get_vtysh_and_hosts_a_shell(telco5: Lab) -> None:
    async def over_ssh(node: str, user: str, command: str) -> str:
        async with asyncssh.connect(
            telco5.address(node),
            username=user,
            password=user,
            known_hosts=str(telco5.known_hosts),
            client_keys=None,
            config=None,
        ) as connection:
            return str((await connection.run(command, check=True)).stdout)

    with telco5.in_mgmt():
        assert "FRRouting" in asyncio.run(over_ssh("pe1", "admin", "show version"))
        assert asyncio.run(over_ssh("b1", "admin", "id -u")).strip() == "1500"
        assert asyncio.run(over_ssh("pe1", "ops", "id -u")).strip() == "0"


def test_inventory_files_say_where_everything_is(telco5: Lab) -> None:
    data = json.loads((telco5.labdir / "topology-data.json").read_text())
    assert data["nodes"]["pe1"]["mgmt-ipv4-address"] == "172.20.20.21"
    assert data["nodes"]["pe1"]["labels"]["platform"] == "frr_linux"
    end = data["links"][0]["endpoints"]["a"]
    assert (
        end["mac"]
        == telco5.run(end["node"], "cat", f"/sys/class/net/{end['interface']}/address").strip()
    )


def test_a_killed_core_comes_back(telco5: Lab, netconf: NetconfOf) -> None:
    with service(telco5, netconf):
        until(lambda: pings(telco5, "b1", "192.168.50.2"))
        try:
            telco5.kill("p1")
            until(lambda: pings(telco5, "b1", "192.168.50.2"))
        finally:
            telco5.revive("p1")
        convergence.wait(telco5, within=300)
        until(lambda: pings(telco5, "b1", "192.168.50.2"))
