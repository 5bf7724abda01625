"""What net-snmp really answers becomes facts: this machine's own ports, and no LLDP agent."""

from __future__ import annotations

import asyncio
import socket

import pytest

from drivers.snmp import engine as snmp_engine
from inventory.facts import facts, lldp_facts, snmp_facts
from lab import peers
from oss_agent import clock
from oss_agent.spi import snmp
from tests import lab_or_skip


async def _read(peer: peers.SnmpPeer) -> facts.DeviceFacts:
    target = snmp.Target("peer", peer.host, peer.port, peer.community)
    async with snmp_engine.running(clock.SystemClock()) as engine, asyncio.timeout(300):
        answers = snmp_facts.Answers(
            await engine.poll(target, snmp_facts.SYSTEM),
            await engine.poll(target, snmp_facts.ADDRESSES),
            await engine.poll(target, lldp_facts.LOCAL),
            await engine.poll(target, lldp_facts.REMOTE),
        )
    return snmp_facts.read("peer", answers)


@pytest.mark.peer
def test_net_snmp_gives_this_machines_ports() -> None:
    with lab_or_skip.needed(), peers.snmpd() as peer:
        found = asyncio.run(_read(peer))

    assert found.system_name == "peer"
    assert found.interfaces is not None
    names = {port.name: port.index for port in found.interfaces}
    assert names == {name: index for index, name in socket.if_nameindex()}
    assert (found.chassis, found.neighbours) == (None, None)
    assert found.complete
    assert all(fact.address != "127.0.0.1" for fact in found.addresses or ())
