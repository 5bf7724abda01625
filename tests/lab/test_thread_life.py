"""One service's whole life on real routers: ordered, proven, billed, broken, healed, terminated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.runner import Lab
from tests.lab import thread_agent
from tests.lab.thread_agent import Agent, Billing, Witness, eline

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2")
WANTED = {  # every predicate of the specification, at both ends
    *((kind, pe) for kind in ("config-equal", "interface-up", "evpn-remote-vtep") for pe in PES),
    ("ping", "b1"),
    ("ping", "b2"),
}


@pytest.fixture(scope="module")
def billing(telco5: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Billing]:
    with thread_agent.billing(telco5, tmp_path_factory.mktemp("billing")) as there:
        yield there


@pytest.fixture(scope="module")
def agent(
    telco5: Lab, billing: Billing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Agent]:
    del billing  # up first
    with thread_agent.started(telco5, tmp_path_factory.mktemp("agent")) as here:
        here.onboard()
        yield here


@pytest.fixture
def witness(telco5: Lab, netconf: thread_agent.NetconfOf) -> Iterator[Witness]:
    seer = Witness(telco5, netconf)
    yield seer
    seer.heal("pe1", "pe2", "pe3")


def test_a_service_lives_and_leaves_nothing_behind(
    agent: Agent, billing: Billing, witness: Witness
) -> None:
    before = witness.state(*PES)

    order = agent.order(eline("acme-life", "pe1:eth4", "pe2:eth4"))

    assert order["state"] == "completed", order["error"]
    item = order["items"][0]
    assert {(e["kind"], e["device"]) for e in item["evidence"]} == WANTED
    assert {e["outcome"] for e in item["evidence"]} == {"proven"}
    assert all(e["transcript"] for e in item["evidence"] if e["kind"] == "ping")
    assert all(witness.has(pe, "acme-life") for pe in PES)
    assert witness.pings("b1", "192.168.50.2")
    service = item["service_id"]
    try:
        _is_billed(agent, billing, service)
        _breaks_and_heals(agent, billing, service)
    finally:
        agent.terminated(service)

    witness.settles(before)
    witness.nothing_held(*PES)
    assert not witness.pings("b1", "192.168.50.2")
    assert agent.daemon.get(f"/api/v1/services/{service}")["state"] == "terminated"
    agent.daemon.until(lambda: billing.about(service, '"terminated"'))


def _is_billed(agent: Agent, billing: Billing, service: str) -> None:
    agent.daemon.until(lambda: billing.about("ServiceStateChangeEvent", service, '"active"'))
    ping = ["ping", "-c", "100", "-i", "0.01", "-s", "1200", "-q", "192.168.50.2"]
    agent.network.run("b1", *ping)

    def carried() -> bool:
        records = billing.about("usageCharacteristic", service)
        return sum(_octets(record, "octetsIn") for record in records) >= 100 * 1200

    agent.daemon.until(carried)


def _octets(record: dict[str, list[dict[str, object]]], name: str) -> int:
    pairs = {p["name"]: p["value"] for p in record["usageCharacteristic"]}
    return int(str(pairs.get(name) or 0))


def _breaks_and_heals(agent: Agent, billing: Billing, service: str) -> None:
    def status() -> str:
        return str(agent.daemon.get(f"/api/v1/services/{service}")["operating_status"])

    traps = agent.traps()
    agent.network.set_link("b1", "eth1", up=False)
    try:
        alarm = agent.daemon.until(lambda: agent.alarm("pe1:eth4"))
        assert service in alarm["affected_services"]
        agent.daemon.until(lambda: agent.traps() > traps)
        agent.daemon.until(lambda: billing.about(service, '"failed"'))
    finally:
        agent.network.set_link("b1", "eth1", up=True)
    agent.daemon.until(lambda: agent.alarm("pe1:eth4", cleared=True))
    agent.daemon.until(lambda: status() == "running")


def test_a_router_that_refuses_leaves_both_byte_for_byte_as_before(
    agent: Agent, witness: Witness
) -> None:
    before = witness.state("pe1", "pe3")

    order = agent.order(eline("acme-refused", "pe1:eth3", "pe3:eth3"))

    assert order["state"] == "failed"
    assert "pe3" in order["error"]["message"]
    assert "vni out of range" in order["error"]["message"]
    assert order["error"]["message"].count("byte for byte as before") == 2
    assert witness.state("pe1", "pe3") == before
    witness.nothing_held("pe1", "pe3")
    again = agent.order(eline("acme-instead", "pe1:eth3", "pe2:eth3"))
    assert again["state"] == "completed", again["error"]
    agent.terminated(again["items"][0]["service_id"])
