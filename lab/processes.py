"""Decides when a process counts as gone, and finds processes by what only a lab gave them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")


def alive(pid: int) -> bool:
    """Say whether it still runs; a zombie holds nothing and only waits for its parent to look."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def marked(mark: str) -> list[int]:
    """Return the processes that were started with `mark` (NAME=VALUE) in their environment."""
    sought = b"\0" + mark.encode() + b"\0"
    return [pid for pid in _all() if sought in b"\0" + _environ(pid)]


def kill(pids: Iterable[int]) -> None:
    """Send SIGKILL; one that is gone already is fine."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_gone(pids: Iterable[int], within: float) -> list[int]:
    """Wait until they are gone and return those that are not."""
    deadline = time.monotonic() + within
    left = [pid for pid in pids if alive(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.005)
        left = [pid for pid in left if alive(pid)]
    return left


def _all() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _environ(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return b""
