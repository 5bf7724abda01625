"""An order from POST to completed, and a pulled cable to billing, through a real daemon.

Run: ``scripts/bench thread``. On five real routers in namespaces (where that is possible), then on
simulated ones; SQLite, and the demonstration's intervals. The order's time is held against that of
its devices alone: the same NETCONF operations on both routers at once, over open sessions, without an
agent. "Our own" is what is neither that nor the evidence while the change is held (pings, where
packets move): queue, planning, journal, and the reads by which nothing is believed unseen. CPU is the
daemon's own, above what it spends without orders.
"""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

from lab import convergence, runner
from lab.demo import networks
from lab.errors import LabUnavailable
from tests.bench import devices_alone, table, thread_stage
from tests.bench.devices_alone import Alone
from tests.bench.thread_stage import Stage, Work

_PAIRS = (("pe1:eth3", "pe2:eth3"), ("pe1:eth4", "pe2:eth4"))
_REAL, _SIMULATED, _CUTS = 5, 20, 3
_ALONE_VNI = 10_990
"""Far from what the few orders here get of the pool."""


def measure() -> Iterator[table.Row]:
    """The real routers first; without them, the simulated ones and the reason."""
    try:
        yield from _on_routers()
    except LabUnavailable as missing:
        yield table.Row("routers: not measured", "-", missing.reason)
    with (
        tempfile.TemporaryDirectory() as place,
        networks.simulated(Path(place), thread_stage.free_port(socket.SOCK_DGRAM)) as network,
        thread_stage.standing(network) as stage,
    ):
        yield from _orders("simulated", stage, _SIMULATED, None)
        yield _billing_told("simulated", stage)


def _on_routers() -> Iterator[table.Row]:
    with runner.running(networks.TELCO5, name="telco5-bench", say=_say) as lab:
        convergence.wait(lab)
        tries = [devices_alone.seconds(lab, _ALONE_VNI + n) for n in range(_REAL)]
        alone = Alone(*(statistics.median(x) for x in zip(*map(astuple, tries), strict=True)))
        with thread_stage.standing(networks.Routers(lab)) as stage:
            yield from _orders("routers", stage, _REAL, alone)
            yield _billing_told("routers", stage)


def _orders(where: str, stage: Stage, count: int, alone: Alone | None) -> Iterator[table.Row]:
    idle = stage.idle(5)
    cold = stage.add("bench-cold", *_PAIRS[0])  # it logs in; the others find the logins open
    stage.end(cold.service)
    added, ended = zip(*(_add_and_end(stage, n) for n in range(count)), strict=True)
    took = _median(added, "took")
    what = f"{where}: POST to completed, of {count}"
    if alone is None:
        yield table.Row(what, table.milliseconds(took))
    else:
        yield table.cost(what, took, "devices alone", alone.change)
        ours = took - _median(added, "proof") - alone.change
        devices = f"devices: login {table.milliseconds(alone.login)}, not in it"
        yield table.Row(f"{where}: our own, without the proof", table.milliseconds(ours), devices)
    yield _split(where, added)
    yield table.Row(f"{where}: first of all, logging in", table.milliseconds(cold.took))
    took = _median(ended, "took")
    yield table.Row(f"{where}: delete, POST to completed", table.milliseconds(took))
    cpu = sum(work.cpu - idle * work.wall for work in added) / count
    rest = f"without orders {idle:.1%} of a core"
    yield table.Row(f"{where}: daemon CPU per order", table.milliseconds(cpu), rest)


def _split(where: str, works: Sequence[Work]) -> table.Row:
    """Where the time went: the evidence in the middle column, what is around it beside."""
    planned, held, settled = (_median(works, part) for part in ("planned", "held", "settled"))
    around = ", ".join(
        f"{name} {table.milliseconds(seconds)}"
        for name, seconds in (("plan", planned), ("hold", held), ("settle", settled))
    )
    proof = table.milliseconds(_median(works, "proof"))
    return table.Row(f"{where}: of it gathering evidence", proof, around)


def _median(works: Sequence[Work], part: str) -> float:
    return float(statistics.median(getattr(work, part) for work in works))


def _add_and_end(stage: Stage, number: int) -> tuple[Work, Work]:
    added = stage.add(f"bench-{number}", *_PAIRS[number % len(_PAIRS)])
    return added, stage.end(added.service)


def _billing_told(where: str, stage: Stage) -> table.Row:
    a_end, z_end = _PAIRS[1]
    service = stage.add("bench-cut", a_end, z_end).service
    down, up = zip(*(_cut(stage, service, a_end) for _ in range(_CUTS)), strict=True)
    healed = f"plugged again, running {table.milliseconds(statistics.median(up))}"
    took = table.milliseconds(statistics.median(down))
    return table.Row(f"{where}: cable pulled, billing told", took, healed)


def _cut(stage: Stage, service: str, port: str) -> tuple[float, float]:
    device, _, name = port.partition(":")
    began = time.time()
    stage.network.cable(device, name, plugged=False)
    down = stage.told(service, "failed", began)
    began = time.time()
    stage.network.cable(device, name, plugged=True)
    return down, stage.told(service, "running", began)


def _say(words: str) -> None:
    print(f"lab: {words}", file=sys.stderr)


if __name__ == "__main__":
    table.run("thread", measure)
