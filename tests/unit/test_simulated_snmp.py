"""The simulated agent, judged by pysnmp: an SNMP stack we did not write."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysnmp.hlapi.v3arch import asyncio as pysnmp

from oss_agent.testing.simulated import SimulatedNetwork
from oss_agent.testing.simulated_snmp import ber, mib
from oss_agent.testing.simulated_snmp.agent import LINK_DOWN, LINK_UP, SimulatedAgent

pytestmark = pytest.mark.anyio

IF_NAME = (*mib.IF_X_ENTRY, 1)
HC_IN = (*mib.IF_X_ENTRY, 6)


class Ticking:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Sink(asyncio.DatagramProtocol):
    """Collects datagrams with their sender."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.got.put_nowait((data, addr))


@asynccontextmanager
async def asking(agent: SimulatedAgent, address: str) -> AsyncIterator[Any]:
    engine = pysnmp.SnmpEngine()
    target = await pysnmp.UdpTransportTarget.create((address, agent.port), timeout=60, retries=0)

    async def ask(command: Any, *args: Any) -> Any:
        return await command(
            engine, pysnmp.CommunityData("public"), target, pysnmp.ContextData(), *args
        )

    try:
        yield ask
    finally:
        engine.close_dispatcher()


def objects(*oids: Sequence[int]) -> list[Any]:
    return [pysnmp.ObjectType(pysnmp.ObjectIdentity(tuple(oid))) for oid in oids]


async def test_getbulk_by_pysnmp_walks_the_whole_view_in_order() -> None:
    async with SimulatedNetwork() as network:
        agent = network.agents["pe1"]
        expected = [oid for oid, _ in mib.view(agent.router)]
        found: list[tuple[int, ...]] = []
        async with asking(agent, "127.20.20.21") as ask:
            at: tuple[int, ...] = (1, 0)
            for _ in itertools.repeat(None, 50):
                error, status, _index, rows = await ask(pysnmp.bulk_cmd, 0, 20, *objects(at))
                assert (error, int(status)) == (None, 0)
                live = [tuple(oid) for oid, value in rows if not isinstance(value, _END)]
                found += live
                if len(live) < len(rows):
                    break
                at = found[-1]

    assert found == expected


_END = pysnmp.EndOfMibView


async def test_get_by_pysnmp_reads_values_and_exceptions() -> None:
    async with SimulatedNetwork() as network:
        wanted = objects((*IF_NAME, 5), (*IF_NAME, 99), (1, 3, 6, 1, 99, 0))
        async with asking(network.agents["pe1"], "127.20.20.21") as ask:
            error, status, _index, rows = await ask(pysnmp.get_cmd, *wanted)

    assert (error, int(status)) == (None, 0)
    assert bytes(rows[0][1]) == b"eth4"
    assert type(rows[1][1]).__name__ == "NoSuchInstance"
    assert type(rows[2][1]).__name__ == "NoSuchObject"


async def test_octets_move_while_a_port_is_up_and_stand_while_it_is_down() -> None:
    clock = Ticking()
    network = SimulatedNetwork(monotonic=clock)
    router = network.agents["pe1"].router

    def octets() -> int:
        found = dict(mib.view(router))[*HC_IN, 5].content
        assert isinstance(found, int)
        return found

    clock.seconds += 10
    first = octets()
    network.pull("pe1", "eth4")
    clock.seconds += 10
    second = octets()
    network.heal("pe1", "eth4")
    clock.seconds += 10

    assert first == second == 125_000
    assert octets() == 250_000


async def test_a_pulled_core_link_takes_both_ends_and_their_neighbours_down() -> None:
    network = SimulatedNetwork()

    network.pull("p1", "eth2")
    down = {
        name: [
            oid[-1]
            for oid, value in mib.view(agent.router)
            if oid[:-1] == mib.IF_OPER_STATUS and value.content == 2
        ]
        for name, agent in network.agents.items()
    }

    assert down == {"p1": [3], "p2": [], "pe1": [2], "pe2": [], "pe3": []}
    assert len(neighbours(network, "p1")) == 3
    assert len(neighbours(network, "pe1")) == 1


def neighbours(network: SimulatedNetwork, name: str) -> list[ber.Value]:
    column = (*mib.LLDP_REMOTE, 9)
    view = mib.view(network.agents[name].router)
    return [value for oid, value in view if oid[: len(column)] == column]


async def test_pull_and_heal_send_link_traps_from_the_routers_own_address() -> None:
    loop = asyncio.get_running_loop()
    transport, sink = await loop.create_datagram_endpoint(Sink, local_addr=("127.0.0.1", 0))
    port = int(transport.get_extra_info("sockname")[1])
    try:
        async with SimulatedNetwork(trap_sink=("127.0.0.1", port)) as network:
            network.pull("pe1", "eth4")
            network.heal("pe1", "eth4")
            async with asyncio.timeout(300):
                traps = [await sink.got.get() for _ in range(2)]
    finally:
        transport.close()

    pdus = [ber.decode(data).pdu for data, _ in traps]
    assert [source for _, (source, _) in traps] == ["127.20.20.21"] * 2
    assert [pdu.bindings[1][1].content for pdu in pdus] == [LINK_DOWN, LINK_UP]
    assert pdus[0].bindings[2] == ((*mib.IF_INDEX, 5), ber.Value(ber.Tag.INTEGER, 5))


async def test_a_port_disabled_in_running_is_down_to_snmp() -> None:
    network = SimulatedNetwork()
    network.devices["pe1"].change_by_hand(
        '<ports xmlns="urn:oss-agent:lab:services"><port><name>eth4</name>'
        "<description>to b1</description><enabled>false</enabled></port></ports>"
    )
    view = dict(mib.view(network.agents["pe1"].router))

    assert view[*mib.IF_ADMIN_STATUS, 5].content == 2
    assert view[*mib.IF_OPER_STATUS, 5].content == 2
    assert view[*mib.IF_X_ENTRY, 18, 5].content == b"to b1"


@given(st.binary(max_size=200))
def test_no_datagram_breaks_the_agent(data: bytes) -> None:
    agent = SimulatedNetwork().agents["p1"]

    assert agent.answer(data) is None or data


_ARCS = st.integers(0, 2**32 - 1)
_OIDS = st.tuples(st.just(1), st.integers(0, 39), _ARCS, _ARCS)
_VALUES = st.one_of(
    st.builds(ber.Value, st.just(ber.Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.builds(ber.Value, st.just(ber.Tag.COUNTER64), st.integers(0, 2**64 - 1)),
    st.builds(ber.Value, st.just(ber.Tag.OCTETS), st.binary(max_size=300)),
    st.builds(ber.Value, st.just(ber.Tag.OID), _OIDS),
    st.builds(ber.Value, st.just(ber.Tag.NULL)),
)


@given(st.lists(st.tuples(_OIDS, _VALUES), max_size=8), st.integers(0, 2**31 - 1))
def test_what_is_encoded_decodes_to_itself(
    bindings: list[tuple[ber.Oid, ber.Value]], request: int
) -> None:
    message = ber.Message(b"public", ber.Pdu(ber.Tag.RESPONSE, request, tuple(bindings)))

    assert ber.decode(ber.encode(message)) == message


def test_a_wrong_community_gets_silence() -> None:
    agent = SimulatedNetwork().agents["p1"]
    question = ber.Pdu(ber.Tag.GET, 1, ((mib.SYS_UP_TIME, ber.Value(ber.Tag.NULL)),))

    assert agent.answer(ber.encode(ber.Message(b"private", question))) is None
    assert agent.answer(ber.encode(ber.Message(b"public", question))) is not None


@pytest.mark.parametrize("size", [1, 25, 200])
def test_a_bulk_answer_never_exceeds_a_datagram(size: int) -> None:
    agent = SimulatedNetwork().agents["p1"]
    bulk = ber.Pdu(ber.Tag.GET_BULK, 1, (((1, 3), ber.Value(ber.Tag.NULL)),), 0, size)
    answer = agent.answer(ber.encode(ber.Message(b"public", bulk)))

    assert answer is not None
    assert len(answer) <= 1472
