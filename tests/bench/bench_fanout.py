"""One atomic change over 500 devices, and what it costs beside the devices' own time.

Run: ``scripts/bench fanout [DEVICES]``. The devices are simulated, in a process of their own, all
logged in to before. Beside ours: the same lock, edit, commit and confirmation in a plain gather, a
device each for itself, with nothing written down. Then both again on 20 devices whose commit takes
a second: what is more than theirs is the gate, the vote and the journal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench import fleet, netconf_stub, table

_SLOW, _SLOW_COMMIT = 20, 1.0


def measure(count: int) -> Iterator[table.Row]:
    """Many quick devices, then few slow ones."""
    with netconf_stub.devices(count) as stub:
        theirs = fleet.run(fleet.by_hand, stub.endpoints, 10)
        ours = fleet.run(fleet.ours, stub.endpoints, 11)
        yield from _rows(f"one change over {count} devices", ours, theirs)
    with netconf_stub.devices(_SLOW, commit_takes=_SLOW_COMMIT) as stub:
        theirs = fleet.run(fleet.by_hand, stub.endpoints, 10)
        ours = fleet.run(fleet.ours, stub.endpoints, 11)
        yield from _rows(f"{_SLOW} devices, commit {_SLOW_COMMIT:g} s", ours, theirs)


def _rows(what: str, ours: fleet.Cost, theirs: fleet.Cost) -> Iterator[table.Row]:
    yield table.cost(what, ours.wall, "plain gather", theirs.wall)
    yield table.cost(f"{what}, CPU", ours.cpu, "plain gather", theirs.cpu)
    steps = ", ".join(f"{name} {table.milliseconds(took)}" for name, took in ours.steps.items())
    yield table.Row(f"{what}, of it", "", steps)


if __name__ == "__main__":
    devices = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    table.run("fanout", lambda: measure(devices))
