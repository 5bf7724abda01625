"""Edit+commit against ncclient, on one real netconfd in one run. Run: ``scripts/bench netconf``.

Each transaction stages one changed leaf in the candidate (test-then-set) and commits it; every
answer is awaited before the next request, as our transactions do. Process CPU time covers
ncclient's threads too. Wall time is the rate, bounded by the server and what else runs here: trust
the ratios.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drivers.frr_linux.driver import DRIVER
from lab import peers
from oss_agent.spi import device
from oss_agent.spi.tree import Edit, Operation, Step, Tree
from oss_agent.testing import relay
from tests.bench import table

_ENTRY = (Step("services"), Step("eline", (("name", "bench"),)))
_RATE = (*_ENTRY, Step("rate"))
_NAMESPACE = "urn:oss-agent:lab:services"
_LINE = 0.005  # seconds that each answer takes on its way, as from the next town


@dataclass(frozen=True, slots=True)
class Cost:
    """What one client spent; seconds per transaction, transactions per second, seconds to open."""

    cpu: float
    rate: float
    opening: float
    last: str


@dataclass(slots=True)
class Meter:
    """Process CPU and wall time since it was made."""

    cpu: float
    wall: float

    @classmethod
    def started(cls) -> Meter:
        """A meter that runs from now."""
        return cls(time.process_time(), time.perf_counter())

    def stop(self, count: int, opening: float, last: str) -> Cost:
        """The cost of each of ``count`` transactions."""
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return Cost(cpu / count, count / wall, opening, last)


def _endpoint(peer: peers.NetconfPeer) -> device.Endpoint:
    credential = device.Credential(peer.user, peer.password)
    ports = {"netconf": peer.port}
    return device.Endpoint("bench", "frr_linux", peer.host, credential, (peer.host_key,), ports)


async def _prepare(peer: peers.NetconfPeer) -> None:
    slots = {"name": "bench", "vni": "1", "port": "eth1", "rate": "1"}
    tree = DRIVER.instantiate("eline", slots)["netconf"]
    async with DRIVER.session(_endpoint(peer)) as session:
        await session.edit([Edit(Operation.CREATE, _ENTRY, tree.at(_ENTRY))])
        await session.commit()


async def _ours(peer: peers.NetconfPeer, count: int, *, asks: bool = False) -> Cost:
    opening = time.process_time()
    async with DRIVER.session(_endpoint(peer)) as session:
        opened = time.process_time() - opening
        meter = Meter.started()
        for number in range(count):
            leaf = Tree(_RATE[-1], str(number + 1))
            await session.edit([Edit(Operation.REPLACE, _RATE, leaf, leaf)])
            if asks:
                told = await session.predict(_ENTRY)
                assert told is not None, "netconfd has a candidate"
            await session.commit()
        cost = meter.stop(count, opened, "")
        found = (await session.read(_RATE)).at(_RATE)
    return Cost(cost.cpu, cost.rate, cost.opening, "" if found is None else found.value or "")


def _ncclient(peer: peers.NetconfPeer, count: int) -> Cost:
    with warnings.catch_warnings():
        # paramiko imports ciphers that cryptography is about to drop.
        warnings.simplefilter("ignore")
        from ncclient import manager  # noqa: PLC0415 - the import itself warns

        opening = time.process_time()
        session: Any = manager.connect(
            host=peer.host,
            port=peer.port,
            username=peer.user,
            password=peer.password,
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
        )
    with session:
        opened = time.process_time() - opening
        meter = Meter.started()
        for number in range(count):
            session.edit_config(
                target="candidate",
                config=_config(number + 1),
                default_operation="none",
                test_option="test-then-set",
            )
            session.commit()
        return meter.stop(count, opened, "")


def _config(rate: int) -> str:
    return (
        '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" '
        'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">'
        f'<services xmlns="{_NAMESPACE}"><eline><name>bench</name>'
        f'<rate nc:operation="replace">{rate}</rate></eline></services></config>'
    )


async def _far_reads(peer: peers.NetconfPeer, depth: int, count: int) -> Cost:
    async with relay.Relay(peer.host, peer.port, delay=_LINE) as line:
        far = dataclasses.replace(peer, host=line.host, port=line.port)
        return await _reads(far, depth, count)


async def _reads(peer: peers.NetconfPeer, depth: int, count: int) -> Cost:
    async with DRIVER.session(_endpoint(peer)) as session:
        turns = asyncio.Semaphore(depth)

        async def one() -> None:
            async with turns:
                await session.read(_RATE)

        meter = Meter.started()
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one())
        return meter.stop(count, 0.0, "")


def measure() -> Iterator[table.Row]:
    """Both must really have written what they were told."""
    with peers.netconfd() as peer:
        asyncio.run(_prepare(peer))
        _ncclient(peer, 1)  # what it imports at its first connection is not its price
        theirs = _ncclient(peer, 40)
        ours = asyncio.run(_ours(peer, 1000))
        asking = asyncio.run(_ours(peer, 300, asks=True))
        alone, piped = asyncio.run(_reads(peer, 1, 1000)), asyncio.run(_reads(peer, 16, 1000))
        waits, flies = (asyncio.run(_far_reads(peer, depth, 200)) for depth in (1, 16))
    assert ours.last == "1000", ours
    yield _rate("edit+commit, one session", ours.rate, "ncclient", theirs.rate)
    yield table.cost("edit+commit, CPU", ours.cpu, "ncclient", theirs.cpu)
    asked, bare = asking.rate, ours.rate
    yield table.cost("edit+prediction+commit", 1 / asked, "without the prediction", 1 / bare)
    yield table.cost("the same, CPU", asking.cpu, "without the prediction", ours.cpu)
    # ncclient's host key is not checked, ours is
    yield table.cost("opening a session, CPU", ours.opening, "ncclient", theirs.opening)
    yield _rate("reads, 16 at a time", piped.rate, "one at a time", alone.rate)
    yield table.cost("reads, 16 at a time, CPU", piped.cpu, "one at a time", alone.cpu)
    yield _rate("the same, 5 ms away", flies.rate, "one at a time", waits.rate)


def _rate(what: str, ours: float, whose: str, theirs: float) -> table.Row:
    return table.Row(what, f"{ours:.0f}/s", f"{whose} {theirs:.1f}/s", f"{ours / theirs:.1f} x")


if __name__ == "__main__":
    table.run("netconf", measure)
