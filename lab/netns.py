"""Decides how this process itself looks into a named network namespace (sockets made there stay there)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError

NAMES = Path("/run/netns")
_NEWNET = 0x40000000


@contextmanager
def entered(name: str) -> Iterator[None]:
    """Put the calling thread, and it alone, into a named namespace until the block ends.

    Threads and processes started inside stay inside.
    """
    back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(NAMES / name)
        try:
            yield
        finally:
            _set(back, "the namespace it came from")
    finally:
        os.close(back)


def _enter(path: Path) -> None:
    try:
        there = os.open(path, os.O_RDONLY)
    except OSError as missing:
        raise LabError(f"there is no network namespace {path.name}") from missing
    try:
        _set(there, path.name)
    finally:
        os.close(there)


def _set(descriptor: int, name: str) -> None:
    # os.setns came with Python 3.12
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _NEWNET) != 0:
        raise LabError(f"cannot enter {name}: {os.strerror(ctypes.get_errno())}")
