"""The simulated network as the agent sees it: our SNMP engine and inventory's readers against it."""

from __future__ import annotations

import pytest

from drivers.snmp import engine
from inventory.facts import lldp_facts, snmp_facts
from oss_agent.clock import SystemClock
from oss_agent.spi import snmp
from oss_agent.testing.simulated import TELCO5, SimulatedNetwork

pytestmark = pytest.mark.anyio

_PLANS = (snmp_facts.SYSTEM, snmp_facts.ADDRESSES, lldp_facts.LOCAL, lldp_facts.REMOTE)


def target(network: SimulatedNetwork, name: str) -> snmp.Target:
    address = network.devices[name].address
    return snmp.Target(name, address, network.agents[name].port, "public")


async def test_discovery_finds_every_port_and_every_neighbour() -> None:
    async with SimulatedNetwork() as network, engine.running(SystemClock()) as asking:
        for node in TELCO5.nodes:
            answers = [await asking.poll(target(network, node.name), plan) for plan in _PLANS]
            found = snmp_facts.read(node.name, snmp_facts.Answers(*answers))

            assert found.router_id == node.router_id
            assert {port.name for port in found.interfaces or ()} == set(node.ports)
            assert {port.oper_status for port in found.interfaces or ()} == {"up"}
            neighbours = {
                (n.port, n.system_name, n.port_description) for n in found.neighbours or ()
            }
            ends = {(e.a_node, e.a_port, e.z_node, e.z_port) for e in TELCO5.links}
            ends |= {(z, zp, a, ap) for a, ap, z, zp in ends}
            assert neighbours == {(p, z, zp) for a, p, z, zp in ends if a == node.name}
            ids = {one.name: one.router_id for one in TELCO5.nodes}
            for n in found.neighbours or ():
                assert n.address == ids[n.system_name]
                assert n.description == "oss-agent simulated router"
                assert n.capabilities == "bridge router"


async def test_a_pulled_port_is_down_at_the_next_poll() -> None:
    plan = snmp.PollPlan(columns={"oper": (1, 3, 6, 1, 2, 1, 2, 2, 1, 8)})
    async with SimulatedNetwork() as network, engine.running(SystemClock()) as asking:
        network.pull("pe1", "eth4")
        polled = await asking.poll(target(network, "pe1"), plan)

    assert list(polled.columns["oper"]) == [1, 1, 1, 2]


async def test_a_silent_agent_times_out() -> None:
    limits = engine.Limits()
    async with (
        SimulatedNetwork() as network,
        engine.running(SystemClock(), limits=limits) as asking,
    ):
        network.agents["p1"].silent = True
        with pytest.raises(snmp.SnmpTimeout):
            await asking.get(target(network, "p1"), [(1, 3, 6, 1, 2, 1, 1, 3, 0)])

    assert network.agents["p1"].requests > 0
