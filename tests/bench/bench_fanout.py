"""One atomic change over 500 devices, and what it costs beside the devices' own time.

Run: ``scripts/bench fanout [DEVICES]``. The devices are simulated, in a process of their own, all
logged in to before. Beside ours: the same lock, edit, commit and confirmation in a plain gather, a
device each for itself, with nothing written down. Then both again on 2 and 20 devices whose commit
takes a second: what is above the commits is our own. Starved: how long our process or the devices'
stood ready without a core, because others use the machine; of the wall time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from oss_agent.spi import device
from tests.bench import fleet, netconf_stub, table

_SLOW = (2, 20)
_COMMIT = 1.0
_COMMITS = 2
"""Of a device, ours and by hand: the confirmed one and the one that confirms it."""


def measure(count: int) -> Iterator[table.Row]:
    """Many quick devices, then few slow ones."""
    with netconf_stub.devices(count) as stub:
        ours, theirs = _both(stub, stub.endpoints, 10)
        yield from _rows(f"one change over {count} devices", ours, theirs)
    with netconf_stub.devices(max(_SLOW), commit_takes=_COMMIT) as stub:
        for number, slow in enumerate(_SLOW, start=1):
            ours, theirs = _both(stub, stub.endpoints[:slow], 10 * number)
            what = f"{slow} devices, commit {_COMMIT:g} s"
            yield from _rows(what, ours, theirs)
            yield _above(what, ours.wall, theirs.wall)


def _both(
    stub: netconf_stub.Stub, endpoints: Sequence[device.Endpoint], number: int
) -> tuple[fleet.Cost, fleet.Cost]:
    """Ours and the plain gather's; the ports ``eth<number>`` and the next are theirs."""
    theirs = fleet.run(fleet.by_hand, endpoints, number, stub.pid)
    return fleet.run(fleet.ours, endpoints, number + 1, stub.pid), theirs


def _rows(what: str, ours: fleet.Cost, theirs: fleet.Cost) -> Iterator[table.Row]:
    yield table.cost(what, ours.wall, "plain gather", theirs.wall)
    yield table.cost(f"{what}, CPU", ours.cpu, "plain gather", theirs.cpu)
    steps = ", ".join(f"{name} {table.milliseconds(took)}" for name, took in ours.steps.items())
    yield table.Row(f"{what}, of it", "", steps)
    starved = f"plain gather {theirs.starved / theirs.wall:.0%}"
    yield table.Row(f"{what}, starved", f"{ours.starved / ours.wall:.0%}", starved)


def _above(what: str, ours: float, theirs: float) -> table.Row:
    """What came on top of the devices' own commits, which they make all at once."""
    own = _COMMITS * _COMMIT
    beside = f"plain gather {theirs - own:.2f} s, both of {own:g} s"
    return table.Row(
        f"{what}, above it", f"{ours - own:.2f} s", beside, f"{(ours - own) / own:.0%}"
    )


if __name__ == "__main__":
    devices = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    table.run("fanout", lambda: measure(devices))
