"""Discovery of thirty real routers in a ring: each link once, agreed by both ends, and what it cost us.

Run: ``scripts/bench ring30``. The lab's ring30 in namespaces (some 4 GB; where that is not possible, the row
says why), imported from its own files, read by SNMP, LLDP and a session each into SQLite, 16 at a time, until
LLDP has told of every link. CPU is this process's; the routers have the rest of the machine. Beside it
net-snmp's snmpbulkwalk asks the same routers for the same tables, 16 at a time, and understands nothing.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import lab.containerlab
from drivers import key_scan
from drivers.snmp import engine
from inventory.devices import devices
from inventory.onboarding import onboarding
from inventory.rows import tables
from lab import convergence, runner
from lab.errors import LabUnavailable
from oss_agent import clock, registry, store
from oss_agent.spi.views import Confidence, LinkView
from tests.bench import table

_ROUTERS = 30
_SETTLE_WITHIN = 600.0
_LINKS_WITHIN = 120.0
_PAUSE = 5.0
_ROOTS = (
    "1.3.6.1.2.1.1",
    "1.3.6.1.2.1.2.2",
    "1.3.6.1.2.1.31.1.1",
    "1.3.6.1.2.1.4",
    "1.0.8802.1.1.2.1",
)
"""System, ports, addresses with ARP and routes' parameters, LLDP."""


def measure() -> Iterator[table.Row]:
    """Every link must be found, and none beside; a device with a reason is told in its row."""
    try:
        with runner.running(lab.containerlab.RING30, name="ring30-bench", say=_say) as network:
            took = convergence.wait(network, within=_SETTLE_WITHIN, say=_say)
            yield table.Row("routing settled after", f"{took:.0f} s")
            yield from _looked_at(network)
            yield _walked(network)
    except LabUnavailable as missing:
        yield table.Row("not measured", "-", missing.reason)


def _say(words: str) -> None:
    print(f"lab: {words}", file=sys.stderr)


def _walked(network: runner.Lab) -> table.Row:
    """By one of the routers, which all others answer on their management addresses."""
    walks = " ".join(f"snmpbulkwalk -v2c -cpublic -On {{}} {root};" for root in _ROOTS)
    addresses = " ".join(network.address(f"r{number + 1}") for number in range(_ROUTERS))
    asked = f"printf '%s\\n' {addresses} | xargs -P16 -I{{}} sh -c '{walks}' >/dev/null"
    started = time.perf_counter()
    said = network.run("r1", "bash", "-c", f"export MIBS=; {asked}; times", within=300.0)
    took = time.perf_counter() - started
    spent = sum(map(_seconds, said.strip().split("\n")[-1].split()))
    each = f"{spent / _ROUTERS * 1_000:.1f} ms CPU a router"
    return table.Row("snmpbulkwalk of the same tables", each, f"{_ROUTERS} in {took:.1f} s")


def _seconds(told: str) -> float:
    """``0m1.250s`` in seconds."""
    minutes, seconds = told.rstrip("s").split("m")
    return int(minutes) * 60 + float(seconds)


def _looked_at(network: runner.Lab) -> list[table.Row]:
    place = network.known_hosts.parent
    files = {path.name: path.read_text() for path in place.iterdir() if path.is_file()}
    with tempfile.TemporaryDirectory() as folder, network.in_mgmt():
        return asyncio.run(_passes(Path(folder), files))


async def _passes(place: Path, files: Mapping[str, str]) -> list[table.Row]:
    time_ = clock.SystemClock()
    async with AsyncExitStack() as stack:
        rows = await stack.enter_async_context(store.open_store(f"sqlite:///{place / 'oss.db'}"))
        await rows.write(tables.METADATA.create_all)
        it = onboarding.StoredOnboarding(
            rows,
            time_,
            devices.StoredDevices(rows, {}),
            registry.installed(),
            await stack.enter_async_context(engine.running(time_)),
            key_scan.scan,
            place / "credentials",
        )
        report = await it.import_lab("default", files)
        assert [one for one in report.devices if one.outcome != "created"] == []
        told = [await _pass(it, "first look")]
        until = time.monotonic() + _LINKS_WITHIN
        while len(found := await _heard(it)) < _ROUTERS and time.monotonic() < until:
            await asyncio.sleep(_PAUSE)
            await it.discover("default")
        _is_the_ring(found)
        told.append(table.Row("links, both ends agree, each once", str(len(found))))
        return [*told, await _pass(it, "look with nothing new")]


async def _pass(it: onboarding.StoredOnboarding, what: str) -> table.Row:
    wall, cpu = time.perf_counter(), time.process_time()
    found = await it.discover("default")
    spent, took = time.process_time() - cpu, time.perf_counter() - wall
    trouble = "; ".join(f"{one.device}: {one.reason}" for one in found if one.reason)
    each = f"{spent / _ROUTERS * 1_000:.1f} ms CPU a router"
    return table.Row(what, each, f"{_ROUTERS} in {took:.1f} s{', ' if trouble else ''}{trouble}")


async def _heard(it: onboarding.StoredOnboarding) -> list[LinkView]:
    """Links on which both ends agree."""
    links = await it.links("default")
    return [link for link in links if link.confidence is Confidence.AGREED]


def _is_the_ring(found: list[LinkView]) -> None:
    ends = {frozenset(((o.a_device, o.a_port), (o.z_device, o.z_port))) for o in found}
    numbers = range(1, _ROUTERS + 1)
    ring = {frozenset(((f"r{n}", "eth1"), (f"r{n % _ROUTERS + 1}", "eth2"))) for n in numbers}
    assert ends == ring, (sorted(map(sorted, ring - ends)), sorted(map(sorted, ends - ring)))
    assert len(found) == _ROUTERS, "a link is told twice"


if __name__ == "__main__":
    table.run("ring30", measure)
