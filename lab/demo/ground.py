"""Decides what a run of the demonstration owns: its directory, held by a lock, and marked processes.

A run that was killed leaves both; the next one removes what carries the mark, and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import processes
from lab.errors import LabBusy, LabError

MARK = "OSS_DEMO"
_SECONDS = 5.0


@contextmanager
def held(place: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Have ``place`` empty and to ourselves; LabBusy while another run is alive in it.

    Processes started in the block carry the mark. The kernel gives the lock back when we die.
    """
    place.mkdir(mode=0o700, exist_ok=True)
    directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(directory, place)
        _remove_processes(place, say)
        _empty(place)
        os.environ[MARK] = str(place.resolve())
        yield
    finally:
        os.environ.pop(MARK, None)
        os.close(directory)


def _lock(directory: int, place: Path) -> None:
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        raise LabBusy(f"another demo runs in ./{place}: end it with Ctrl-C first") from taken


def _remove_processes(place: Path, say: Callable[[str], None]) -> None:
    left = processes.marked(f"{MARK}={place.resolve()}")
    if not left:
        return
    processes.kill(left)
    if still := processes.wait_gone(left, within=_SECONDS):
        raise LabError(f"processes {still} of an earlier demo do not end: kill them by hand")
    say(f"{len(left)} processes of a demo that was killed")


def _empty(place: Path) -> None:
    for entry in place.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
