"""Our polls and traps against net-snmp's agent and tools and against pysnmp."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pysnmp.hlapi.v3arch import asyncio as hlapi

from drivers.snmp import engine, receiver
from lab import install, peers
from lab.private_root import PrivateRoot
from oss_agent import clock
from oss_agent.spi import snmp
from tests import lab_or_skip

pytestmark = pytest.mark.peer

_IF_X: snmp.Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_IF: snmp.Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_OR: snmp.Oid = (1, 3, 6, 1, 2, 1, 1, 9, 1)
_LINK_DOWN: snmp.Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)


@pytest.fixture(scope="module")
def agent() -> Iterator[peers.SnmpPeer]:
    with lab_or_skip.needed(), peers.snmpd() as peer:
        yield peer


def _netsnmp(tmp_path: Path, *command: str) -> str:
    """Run one of net-snmp's tools from the lab's layer, without MIB files."""
    stage = tmp_path / "stage"
    stage.mkdir(exist_ok=True)
    root = PrivateRoot(install.ensure(), stage, "tool")
    argv = root.argv(["env", "MIBS=", *command])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=True)
    return done.stdout


async def _poll(peer: peers.SnmpPeer, plan: snmp.PollPlan) -> snmp.Columns:
    target = snmp.Target("peer", peer.host, peer.port, peer.community)
    async with engine.running(clock.SystemClock()) as asking:
        return await asking.poll(target, plan)


def _tools_column(lines: str, oid: snmp.Oid) -> dict[snmp.Oid, str]:
    prefix = "." + ".".join(map(str, oid)) + "."
    pairs = (line.split(" ", 1) for line in lines.splitlines() if line.startswith(prefix))
    return {
        tuple(map(int, name.removeprefix(prefix).split("."))): value.strip('"')
        for name, value in pairs
    }


@pytest.mark.parametrize(
    ("base", "columns"),
    [
        (_IF, (1, 2, 3, 4, 5, 7, 8)),
        (_IF_X, (1, 15, 17, 18, 19)),
        (_OR, (2, 3, 4)),
        ((1, 3, 6, 1, 2, 1, 4, 20, 1), (1, 2, 3)),
    ],
)
def test_reads_what_snmpbulkwalk_reads(
    agent: peers.SnmpPeer, tmp_path: Path, base: snmp.Oid, columns: Sequence[int]
) -> None:
    plan = snmp.PollPlan({str(column): (*base, column) for column in columns})
    ours = asyncio.run(_poll(agent, plan))
    argv = ["-v2c", "-c", agent.community, "-On", "-Oq", "-Oe", "-Ot"]
    theirs = _netsnmp(
        tmp_path,
        "snmpbulkwalk",
        *argv,
        f"{agent.host}:{agent.port}",
        "." + ".".join(map(str, base)),
    )

    assert not ours.partial
    assert ours.index, "the table must not be empty"
    for column in columns:
        cells = dict(zip(ours.index, ours.columns[str(column)], strict=True))
        told = _tools_column(theirs, (*base, column))
        assert set(told) == {i for i, value in cells.items() if value is not None}
        for index, text in told.items():
            assert _same(cells[index], text), (column, index, cells[index], text)


def _same(value: snmp.Value, text: str) -> bool:
    if isinstance(value, tuple):
        return text == "." + ".".join(map(str, value))
    if isinstance(value, int):
        return int(text) == value
    dotted = ".".join(map(str, value or b""))
    return text in {dotted, (value or b"").decode("latin-1")} or bytes.fromhex(text) == value


def test_reads_what_pysnmp_reads(agent: peers.SnmpPeer) -> None:
    oids: list[snmp.Oid] = [(1, 3, 6, 1, 2, 1, 1, n, 0) for n in (1, 2, 4, 5, 6, 99)]

    async def both() -> tuple[tuple[snmp.Value, ...], list[Any]]:
        target = snmp.Target("peer", agent.host, agent.port, agent.community)
        async with engine.running(clock.SystemClock()) as asking:
            ours = await asking.get(target, oids)
        other = hlapi.SnmpEngine()
        _, _, _, theirs = await hlapi.get_cmd(
            other,
            hlapi.CommunityData(agent.community),
            await hlapi.UdpTransportTarget.create((agent.host, agent.port)),
            hlapi.ContextData(),
            *(hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in oids),
            lookupMib=False,
        )
        other.close_dispatcher()
        return ours, [value for _, value in theirs]

    ours, theirs = asyncio.run(both())
    assert ours[-1] is None
    for mine, other in zip(ours[:-1], theirs[:-1], strict=True):
        assert mine == (tuple(other) if isinstance(mine, tuple) else bytes(other))


def test_a_wrong_community_is_silence(agent: peers.SnmpPeer) -> None:
    async def story() -> None:
        target = snmp.Target("peer", agent.host, agent.port, "wrong")
        limits = engine.Limits(first_wait=0.05, repetitions=0)
        async with engine.running(clock.SystemClock(), limits=limits) as asking:
            await asking.get(target, [(1, 3, 6, 1, 2, 1, 1, 3, 0)])

    with pytest.raises(snmp.SnmpTimeout):
        asyncio.run(story())


async def _trap_after(send: Any) -> snmp.Trap:
    with receiver.listening("127.0.0.1", 0, clock.SystemClock()) as got:
        async with asyncio.timeout(300):
            await send(got.port)
            async for batch in got.batches():
                return batch[0]
    raise AssertionError


def test_hears_net_snmps_trap(agent: peers.SnmpPeer, tmp_path: Path) -> None:
    assert agent.port  # the fixture decides whether the tools are there

    async def send(port: int) -> None:
        link_down = "." + ".".join(map(str, _LINK_DOWN))
        index = ".1.3.6.1.2.1.2.2.1.1.7"
        words = ["-v2c", "-c", "public", f"127.0.0.1:{port}", "4711", link_down, index, "i", "7"]
        await asyncio.to_thread(_netsnmp, tmp_path, "snmptrap", *words)

    heard = asyncio.run(_trap_after(send))
    assert (heard.oid, heard.uptime, heard.community) == (_LINK_DOWN, 4711, b"public")
    assert heard.varbinds == (((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 7), 7),)


def test_hears_pysnmps_trap() -> None:
    async def send(port: int) -> None:
        other = hlapi.SnmpEngine()
        kind = hlapi.NotificationType(hlapi.ObjectIdentity(_LINK_DOWN)).add_varbinds(
            ((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 7), hlapi.Integer32(7))
        )
        await hlapi.send_notification(
            other,
            hlapi.CommunityData("public"),
            await hlapi.UdpTransportTarget.create(("127.0.0.1", port)),
            hlapi.ContextData(),
            "trap",
            kind,
        )
        other.close_dispatcher()

    heard = asyncio.run(_trap_after(send))
    assert heard.oid == _LINK_DOWN
    assert ((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 7), 7) in heard.varbinds
