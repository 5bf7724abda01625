"""A real daemon as a process of its own, for tests that kill it and start it again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

READY_WITHIN = 300.0
ANSWER_WITHIN = 300.0
"""Seconds: a request that takes in a whole network is one too."""
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: loopback speaks plain HTTP, and to read every authority costs a client 35 ms."""


class Process(Protocol):
    """What a daemon's process can be asked, by subprocess.Popen's names."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def poll(self) -> int | None:
        """Its exit code; None while it lives."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code at its end; subprocess.TimeoutExpired when there is none in time."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """Send it SIGTERM."""

    def kill(self) -> None:
        """Send it SIGKILL."""


Birth = Callable[[Path, Mapping[str, str], socket.socket], Process]
"""Starts a daemon: its log, all its OSS_AGENT_ settings, the socket it listens on."""


class NotReady(Exception):
    """The daemon ended or stayed silent; holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon, seen from outside: its URL, its log, its process."""

    url: str
    log: Path
    process: Process

    def get(self, path: str, **params: str) -> Any:
        """GET and decode; an error status raises httpx.HTTPStatusError."""
        return self.request("GET", path, params=params).raise_for_status().json()

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """POST JSON and decode; an error status raises httpx.HTTPStatusError."""
        return self.request("POST", path, json=body, headers=headers).raise_for_status().json()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, whatever comes back."""
        with httpx.Client(
            base_url=self.url, trust_env=False, verify=NOBODY, timeout=ANSWER_WITHIN
        ) as http:
            return http.request(method, path, **options)

    def until(self, look: Callable[[], Any], *, within: float = 300.0) -> Any:
        """Look until there is something to see; NotReady with the log's end otherwise."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if seen := look():
                    return seen
            time.sleep(0.05)
        raise NotReady(f"nothing to see after {within} s; the log ends:\n{tail(self.log)}")

    def kill(self) -> None:
        """SIGKILL, as a crash does it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def tail(log: Path, lines: int = 40) -> str:
    """Return the end of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def listening(port: int = 0) -> socket.socket:
    """Bind loopback here (0: a free port), so that the daemon may live in another namespace."""
    here = socket.socket()
    here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        here.bind(("127.0.0.1", port))
    except OSError as taken:
        here.close()
        raise NotReady(f"127.0.0.1:{port}: {taken.strerror}; stop what listens there") from taken
    here.listen(64)
    here.set_inheritable(True)
    return here


@contextlib.contextmanager
def running(
    directory: Path,
    env: Mapping[str, str],
    *,
    within: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
    port: int = 0,
    wait: bool = True,
    program: Sequence[str] = (sys.executable, "-m", "oss_agent", "run"),
    birth: Birth | None = None,
) -> Iterator[Daemon]:
    """Have a daemon up for a block; ``env`` holds OSS_AGENT_ settings, ``within`` its namespace.

    ``program`` is run, unless ``birth`` has another way.

    The block may kill it. At the end it is stopped politely, then not.
    """
    with listening(port) as here:
        log, ours = directory / "daemon.log", {"OSS_AGENT_DATA": str(directory / "data"), **env}
        process = (birth or _starting(within, program))(log, ours, here)
        address = here.getsockname()
        daemon = Daemon(f"http://{address[0]}:{address[1]}", log, process)
        try:
            if wait:
                wait_ready(daemon)
            yield daemon
        finally:
            stop(process)


def _starting(within: Callable[[], AbstractContextManager[Any]], program: Sequence[str]) -> Birth:
    def start(log: Path, env: Mapping[str, str], here: socket.socket) -> Process:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("OSS_AGENT_")}
        ours = {"OSS_AGENT_HTTP__FD": str(here.fileno())}
        with log.open("ab") as out, within():
            return subprocess.Popen(  # noqa: S603  (arguments of the test's own, no shell)
                program,
                env=clean | ours | dict(env),
                pass_fds=[here.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    return start


def wait_ready(daemon: Daemon) -> None:
    """Wait until it answers ready; NotReady with the end of its log when it does not."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and daemon.process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if daemon.request("GET", "/readyz").is_success:
                return
        time.sleep(0.05)
    raise NotReady(f"not ready (exit {daemon.process.poll()}); the log ends:\n{tail(daemon.log)}")


def stop(process: Process, grace: float = 20.0) -> None:
    """SIGTERM, then SIGKILL after ``grace`` seconds."""
    process.terminate()
    try:
        process.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
