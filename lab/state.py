"""Decides what is remembered of a lab outside the process that made it: enough to remove it by name.

Written before anything is made, so that a killed run leaves a list of what it may have left.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabBusy

HOME = Path("/run/oss-agent-lab")
MARK = "OSS_LAB"


@dataclass(frozen=True, slots=True)
class State:
    """What exists of a lab: namespaces to delete, files to remove, nodes to enter."""

    name: str
    file: str
    labdir: str
    namespaces: tuple[str, ...]
    mgmt_namespace: str
    nodes: tuple[str, ...]
    owned: bool
    ready: bool = False

    @property
    def mark(self) -> str:
        """What every process of the lab has in its environment."""
        return f"{MARK}={self.name}"


def folder(name: str) -> Path:
    """Return where a lab keeps its stages, logs and this state."""
    return HOME / "labs" / name


def write(state: State) -> None:
    """Remember; the file is whole or not there."""
    place = folder(state.name)
    place.mkdir(parents=True, exist_ok=True)
    draft = place / "state.json.new"
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(place / "state.json")


def read(name: str) -> State | None:
    """Return what is remembered of a lab, or nothing."""
    try:
        fields = json.loads((folder(name) / "state.json").read_text())
    except FileNotFoundError:
        return None
    fields["namespaces"] = tuple(fields["namespaces"])
    fields["nodes"] = tuple(fields["nodes"])
    return State(**fields)


def forget(name: str) -> None:
    """Remove all that is kept of a lab."""
    shutil.rmtree(folder(name), ignore_errors=True)
    for place in (HOME / "labs", HOME):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def names() -> list[str]:
    """Name the labs something is remembered of."""
    return sorted(path.parent.name for path in (HOME / "labs").glob("*/state.json"))


@contextmanager
def held(name: str, *, wait: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a lab's name against everyone else on this machine."""
    deadline, told = time.monotonic() + wait, False
    while (lock := _try_lock(name)) is None:
        if time.monotonic() >= deadline:
            raise LabBusy(f"lab {name} is in someone else's hands")
        if not told:
            say(f"waiting for whoever has lab {name}, at most {wait:.0f} s")
            told = True
        time.sleep(0.2)
    try:
        yield
    finally:
        _lock_path(name).unlink(missing_ok=True)
        os.close(lock)
        forget_empty()


def forget_empty() -> None:
    """Remove the home directory when the last lab is gone."""
    if HOME.is_dir() and not any(HOME.iterdir()):
        HOME.rmdir()


def _lock_path(name: str) -> Path:
    return HOME / f"{name}.lock"


def _try_lock(name: str) -> int | None:
    HOME.mkdir(parents=True, exist_ok=True, mode=0o755)
    lock = os.open(_lock_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # the holder before us may have removed the file we locked
        same = _lock_path(name).stat().st_ino == os.fstat(lock).st_ino
    except (BlockingIOError, FileNotFoundError):
        same = False
    if same:
        return lock
    os.close(lock)
    return None
