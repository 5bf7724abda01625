"""How tests have agents born in the lab: forked from the nursery, and seen like any process of ours."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.runner import Lab
from oss_agent.testing import daemon
from tests.lab import nursery

_BORN_WITHIN = 300.0


@dataclass(slots=True)
class Born:
    """An agent, by the names that subprocess gives to a process."""

    pid: int
    _log: Path
    _told: socket.socket
    _code: int | None = field(default=None, init=False)

    def poll(self) -> int | None:
        """The exit code, -9 for SIGKILL; None while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; subprocess.TimeoutExpired when there is none in time.

        NotReady where nobody is left who could tell how it ended: its keeper was ended, and it with that.
        """
        if self._code is None:
            self._told.settimeout(timeout)
            try:
                told = self._told.recv(16)
            except (TimeoutError, BlockingIOError) as late:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from late
            if not told:
                raise daemon.NotReady(_unkept(f"agent {self.pid}", self._log))
            self._code = int(told)
            self._told.close()
        return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it lives: only who was told of the end knows that the pid is nobody's."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Births:
    """Where agents of a lab come from."""

    network: Lab
    _nursery: socket.socket

    def birth(self, log: Path, env: Mapping[str, str], listening: socket.socket) -> Born:
        """Have an agent in the lab's management namespace."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = json.dumps({"log": str(log), "env": dict(env)}).encode()
        assert len(message) < nursery.LARGEST
        with theirs:
            socket.send_fds(self._nursery, [message], [listening.fileno(), theirs.fileno()])
        ours.settimeout(_BORN_WITHIN)
        told = ours.recv(16)
        if not told:
            raise daemon.NotReady(_unkept("an agent that was to be born", log))
        return Born(int(told), log, ours)


def _unkept(who: str, log: Path) -> str:
    said = daemon.tail(log) if log.exists() else "(nothing)"
    return f"{who}: its keeper, or the nursery, was ended and told nothing; its log ends:\n{said}"


@contextlib.contextmanager
def opened(network: Lab) -> Iterator[Births]:
    """Have a nursery for a block; with it go all that were born there."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-m", nursery.__name__, str(theirs.fileno())]
    with ours:
        with theirs, network.in_mgmt():
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        try:
            yield Births(network, ours)
        finally:
            ours.close()
            process.wait(300)
