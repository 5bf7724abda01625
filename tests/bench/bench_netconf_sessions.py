"""Edit+commit on 1, 20 and 100 sessions from one process. Run: ``scripts/bench netconf_sessions``.

Against ncclient and scrapli-netconf on the same simulated devices (in a process of their own) and on
netconfd: one, which takes a hundred sessions and serves them in one thread, and ten of them. The servers and who else uses the machine bound the rates; the
client's CPU per transaction is its own. A stub that was starved stood ready without a core: ncclient
has two threads a session and is given more of a busy machine for it. Idle memory is the process's
growth per open session.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from drivers.netconf.driver import NetconfDriver
from lab import peers
from oss_agent.spi import device
from tests.bench import netconf_clients, netconf_stub, table

_CLIENTS: tuple[tuple[str, netconf_clients.Client], ...] = (
    ("ncclient", netconf_clients.ncclient),
    ("scrapli-netconf", netconf_clients.scrapli),
)
_IDLE_OURS, _IDLE_NCCLIENT = 1000, 50
_HOLDING = 20  # devices that hold the idle sessions
_SERVERS = 10


def measure() -> Iterator[table.Row]:
    """Rates, CPU, then memory; every client in the same run."""
    with netconf_stub.devices(100) as stub:
        for sessions, ours, theirs in ((1, 200, 10), (20, 20, 5), (100, 10, 10)):
            at = stub.endpoints[:sessions]
            yield from _compared(f"stub, {sessions} sessions", at, (ours, theirs), stub.pid)
    with ExitStack() as stack:
        servers = [_endpoint(stack.enter_context(peers.netconfd())) for _ in range(_SERVERS)]
        for sessions, ours, theirs in ((1, 200, 15), (20, 15, 5), (100, 4, 3)):
            what = f"netconfd, {sessions} sessions"
            yield from _compared(what, servers[:1] * sessions, (ours, theirs))
        what = f"{_SERVERS} netconfd, 100 sessions"
        yield from _compared(what, servers * (100 // _SERVERS), (10, 5))
    yield from _memory()


def _compared(
    what: str,
    endpoints: Sequence[device.Endpoint],
    counts: tuple[int, int],
    server: int | None = None,
) -> Iterator[table.Row]:
    """``counts``: transactions on each session, of ours and of theirs."""
    ours, theirs = counts
    mine = netconf_clients.ours(endpoints, ours, netconf_clients.Meter(server))
    for name, client in _CLIENTS:
        try:
            other = client(endpoints, theirs, netconf_clients.Meter(server))
        except netconf_clients.Stuck as stuck:
            yield table.Row(what, f"{mine.rate:.0f}/s", f"{name}: {stuck}")
            continue
        yield _rate(what, mine.rate, name, other.rate)
        yield table.cost(f"{what}, CPU", mine.cpu, name, other.cpu)
        if server is not None:
            yield from _at_the_server(what, mine, name, other)


def _at_the_server(
    what: str, mine: netconf_clients.Cost, name: str, other: netconf_clients.Cost
) -> Iterator[table.Row]:
    """Whether a rate is the client's, the server's or the machine's."""
    yield table.cost(f"{what}, the stub's CPU", mine.server, name, other.server)
    starved = f"{name} {other.starved:.0%}"
    yield table.Row(f"{what}, stub starved", f"{mine.starved:.0%}", starved)


def _rate(what: str, ours: float, whose: str, theirs: float) -> table.Row:
    return table.Row(what, f"{ours:.0f}/s", f"{whose} {theirs:.1f}/s", f"{ours / theirs:.1f} x")


def _endpoint(peer: peers.NetconfPeer) -> device.Endpoint:
    credential = device.Credential(peer.user, peer.password)
    ports = {"netconf": peer.port}
    return device.Endpoint("bench", "frr_linux", peer.host, credential, (peer.host_key,), ports)


# --- memory of idle sessions, each client in a fresh process


def _memory() -> Iterator[table.Row]:
    with netconf_stub.devices(_HOLDING) as stub:
        ours, theirs = (
            _idle(name, count, stub.endpoints)
            for name, count in (("ours", _IDLE_OURS), ("ncclient", _IDLE_NCCLIENT))
        )
    beside = f"ncclient {theirs:.0f} kB ({_IDLE_NCCLIENT})"
    yield table.Row(
        f"memory/session, {_IDLE_OURS} idle", f"{ours:.0f} kB", beside, f"1/{theirs / ours:.1f}"
    )


def _idle(client: str, count: int, endpoints: Sequence[device.Endpoint]) -> float:
    """KB of resident memory that each of ``count`` idle sessions costs."""
    places = [(e.address, e.ports["netconf"], e.host_keys[0]) for e in endpoints]
    command = [sys.executable, __file__, client, str(count), json.dumps(places)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _held(client: str, count: int, places: list[tuple[str, int, str]]) -> float:
    credential = device.Credential("admin", "admin")
    endpoints = [
        device.Endpoint(f"d{number}", "sim_netconf", host, credential, (key,), {"netconf": port})
        for number, (host, port, key) in enumerate(places)
    ]
    if client == "ours":
        return asyncio.run(_hold_ours(endpoints, count))
    return _hold_ncclient(endpoints, count)


async def _hold_ours(endpoints: Sequence[device.Endpoint], count: int) -> float:
    async with AsyncExitStack() as stack:
        await _open_ours(stack, endpoints)  # what is loaded at the first is no session's
        before = _resident()
        for _ in range(count // len(endpoints)):
            await _open_ours(stack, endpoints)
        grown = _resident() - before
    return grown / count


async def _open_ours(stack: AsyncExitStack, endpoints: Sequence[device.Endpoint]) -> None:
    for endpoint in endpoints:
        await stack.enter_async_context(NetconfDriver("sim_netconf").session(endpoint))


def _hold_ncclient(endpoints: Sequence[device.Endpoint], count: int) -> float:
    with ExitStack() as stack:
        for endpoint in endpoints:
            stack.enter_context(netconf_clients.open_ncclient(endpoint))
        before = _resident()
        for number in range(count):
            endpoint = endpoints[number % len(endpoints)]
            stack.enter_context(netconf_clients.open_ncclient(endpoint))
        return (_resident() - before) / count


def _resident() -> float:
    """KB."""
    time.sleep(0.2)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(str(_held(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))))
    else:
        table.run("netconf", measure)
