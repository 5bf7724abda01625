"""Many orders over 200 simulated devices, from the first POST to the last completed.

Run: ``scripts/bench drain [ORDERS]``; 300 unless said, 10,000 is the number to know. Each is an E-Line
on two devices of its own choice, ordered over 16 connections at once; the devices are a process of
their own. CPU is the daemon's, from the first POST on; memory the most it ever had.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from tests.bench import estate, keepalive, processor, table

_DEVICES, _CONNECTIONS = 200, 16
_PATIENCE = 5.0
"""Seconds an order may take on the average before the measurement gives up."""


def measure(count: int) -> Iterator[table.Row]:
    """One run."""
    with estate.standing(_DEVICES, count) as here:
        pid, bodies = here.daemon.process.pid, here.bodies(count)
        idle, began = processor.spent(pid), time.perf_counter()
        burst = keepalive.post(here.daemon.url + estate.ORDERS, bodies, _CONNECTIONS)
        here.wait(count, within=60 + _PATIENCE * count)
        wall, cpu = time.perf_counter() - began, processor.spent(pid) - idle
        what = f"{count} orders, {_DEVICES} devices"
        yield table.Row(what, f"{wall:.0f} s", f"{count / wall:.1f}/s, taken in {burst.wall:.0f} s")
        yield table.Row(f"{what}: CPU per order", table.milliseconds(cpu / count))
        yield table.Row(f"{what}: most memory", f"{here.peak() / 1024:.0f} MB")
        ends = ", ".join(f"{n} {state}" for state, n in here.states().most_common())
        yield table.Row(f"{what}: became", "", ends)


if __name__ == "__main__":
    ordered = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    table.run("drain", lambda: measure(ordered))
