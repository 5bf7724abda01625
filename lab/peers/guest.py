"""Decides how a server is started in a private root on this machine's loopback, and how it ends."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import processes
from lab.errors import LabUnavailable
from lab.layer import Layer
from lab.private_root import Bind, PrivateRoot

_PREFIX = "oss-lab-peer-"
_SCRIPTS = Path(__file__).parent
_NODE = _SCRIPTS.parent / "node"
_LOWEST, _PORTS = 10_000, 20_000
_numbers = itertools.count(os.getpid() * 97)


@dataclass(frozen=True, slots=True)
class Guest:
    """A running server; `shared` is its /run/oss-lab, where it keeps what tests may look at."""

    process: subprocess.Popen[bytes]
    shared: Path
    log: Path

    def words(self) -> str:
        """Return the end of what it logged, for error messages."""
        logs = [self.log, *sorted(self.shared.glob("*.log"))]
        return "\n".join(log.read_text(errors="replace")[-800:] for log in logs if log.exists())


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a loopback port that was free a moment ago, and that nobody gets by asking for any.

    A server takes a second to start: by then the kernel may have given a port of its own range
    (from 32768 on) to somebody else. Each process begins elsewhere below that range.
    """
    while True:
        port = _LOWEST + next(_numbers) % _PORTS
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def folder() -> Iterator[Path]:
    """Make a private scratch directory with an empty stage and a shared part; remove it after."""
    _sweep()
    top = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        (top / "stage").mkdir()
        (top / "shared").mkdir(mode=0o755)
        yield top
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _sweep() -> None:
    """Remove what a killed starter could not: its servers ended, its directory stayed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = path.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not processes.alive(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(
    layer: Layer, top: Path, script: str, words: Sequence[str], binds: Sequence[Bind] = ()
) -> Iterator[Guest]:
    """Run one of the scripts beside this file in a private root until the block ends."""
    fixed = (
        Bind(_NODE, "/opt/oss-lab/lab/node"),
        Bind(_SCRIPTS, "/opt/oss-peers"),
        Bind(top / "shared", "/run/oss-lab", "rw"),
    )
    root = PrivateRoot(layer, top / "stage", "peer", (*fixed, *binds))
    with (top / "log").open("wb") as log:
        process = subprocess.Popen(
            root.argv(["bash", f"/opt/oss-peers/{script}", *words]),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Guest(process, top / "shared", top / "log")
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a private root: its processes and mounts are gone when this returns."""
    firsts = processes.children(process.pid)
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
    processes.wait_gone(firsts, within=60)


def wait_ready(guest: Guest, ready: Callable[[], bool], what: str, within: float = 300.0) -> None:
    """Wait until `ready` says so; a server that ended or is late is LabUnavailable, with its log."""
    deadline = time.monotonic() + within
    while not ready():
        if guest.process.poll() is not None:
            raise LabUnavailable(f"{what} ended while starting: {guest.words()}")
        if time.monotonic() > deadline:
            raise LabUnavailable(f"{what} not ready within {within:.0f} s: {guest.words()}")
        time.sleep(0.02)
