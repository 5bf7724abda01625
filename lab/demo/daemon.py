"""Starts the daemon and its helpers as processes of their own, and knows when they are ready."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lab.demo.networks import Network
from lab.errors import LabError

PORT = 8642
BILLING_PORT = 9642
_READY_WITHIN = 30.0
_STOP_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon, seen from outside."""

    url: str
    place: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str, **params: str) -> Any:
        """GET from the API."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as http:
            answer = http.get(path, params=params)
            answer.raise_for_status()
            return answer.json()

    def post(self, path: str, body: Any) -> Any:
        """POST to the API."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=120) as http:
            answer = http.post(path, json=body)
            answer.raise_for_status()
            return answer.json()

    def billed(self) -> list[dict[str, Any]]:
        """What the billing process has been sent so far."""
        file = self.place / "billing.jsonl"
        if not file.exists():
            return []
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def environment(network: Network, place: Path, fd: int) -> dict[str, str]:
    """Give the daemon's settings for this story, over the defaults."""
    ours = {
        "OSS_AGENT_DATA": str(place / "data"),
        "OSS_AGENT_HTTP__FD": str(fd),
        "OSS_AGENT_HTTP__PORT": str(PORT),
        "OSS_AGENT_BILLING__URL": f"http://127.0.0.1:{BILLING_PORT}/billing",
        "OSS_AGENT_SNMP__POLL_INTERVAL": "2",
        "OSS_AGENT_ASSURANCE__USAGE_INTERVAL": "4",
        "OSS_AGENT_ASSURANCE__VERIFY_AFTER": "10",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OSS_AGENT_")}
    return {**inherited, **ours, **network.daemon_environment}


def listening(port: int) -> socket.socket:
    """Bind loopback here, before the daemon goes where no browser reaches it."""
    here = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        here.bind(("127.0.0.1", port))
    except OSError as taken:
        here.close()
        raise LabError(
            f"127.0.0.1:{port} is in use ({taken.strerror}): stop what listens there, then run again"
        ) from taken
    here.listen(128)
    here.set_inheritable(True)
    return here


@contextlib.contextmanager
def running(network: Network, place: Path) -> Iterator[Daemon]:
    """Have billing and the daemon up for a block."""
    with listening(PORT) as here, contextlib.ExitStack() as stack:
        env = environment(network, place, here.fileno())
        log = place / "daemon.log"
        billing = [sys.executable, "-m", "lab.demo.listener", "--port", str(BILLING_PORT)]
        billing += ["--file", str(place / "billing.jsonl")]
        helper = network.start(billing, env=env, log=place / "billing.log")
        stack.callback(stop, helper)
        program = [sys.executable, "-m", "oss_agent", "run"]
        process = network.start(program, env=env, log=log, fds=[here.fileno()])
        stack.callback(stop, process)
        daemon = Daemon(f"http://127.0.0.1:{PORT}", place, process)
        wait_ready(daemon, log)
        yield daemon


def wait_ready(daemon: Daemon, log: Path) -> None:
    """Wait until it answers ready; says the end of its log when it does not."""
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if daemon.process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            daemon.get("/readyz")
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
    raise LabError(f"the daemon did not become ready; the end of {log}:\n{tail}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process: politely, then not."""
    process.terminate()
    try:
        process.wait(timeout=_STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def submit(daemon: Daemon, body: Mapping[str, Any], key: str) -> Any:
    """Send an order by the BSS, a process of its own; gives its status and body."""
    argv = [sys.executable, "-m", "lab.demo.bss", "--api", daemon.url, "--key", key]
    done = subprocess.run(
        argv, input=json.dumps(body), capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)
