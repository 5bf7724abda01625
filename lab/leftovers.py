"""Decides what belongs to a lab and removes it: processes, namespaces, files. Only by name."""

from __future__ import annotations

import time
from pathlib import Path

from lab import inventory_files, netns, processes, state
from lab.errors import LabError
from lab.iproute import Ip
from lab.state import State

_SECONDS = 120.0


def remove(left: State, ip: Ip) -> None:
    """Take a lab away, however much of it there is; a second call finds nothing to do."""
    deadline = time.monotonic() + _SECONDS
    while pids := _processes(left, ip):
        processes.kill(pids)
        if processes.wait_gone(pids, within=2) and time.monotonic() > deadline:
            raise LabError(f"processes {pids} of lab {left.name} do not end")
    here = [name for name in left.namespaces if (netns.NAMES / name).exists()]
    if here:
        ip.batch([f"netns delete {name}" for name in here])
    inventory_files.remove(Path(left.labdir))
    state.forget(left.name)


def _processes(left: State, ip: Ip) -> list[int]:
    """Find all processes of a lab: by its mark, and by being in one of its nodes.

    What only looks into the management namespace is somebody else's: it keeps running.
    """
    found = set(processes.marked(left.mark))
    for name in left.namespaces:
        if name != left.mgmt_namespace and (netns.NAMES / name).exists():
            found.update(int(word) for word in ip.ask("netns", "pids", name).split())
    return sorted(pid for pid in found if processes.alive(pid))
