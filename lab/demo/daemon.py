"""Starts the daemon and billing as processes of their own, and reads what billing was told."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.demo.networks import Network
from oss_agent.testing import daemon


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on 127.0.0.1: the API (0 lets the kernel choose) and billing."""

    api: int = 8642
    billing: int = 9642


STORY = Ports()


@dataclass(frozen=True, slots=True)
class Billing:
    """The billing process, seen through the file it writes."""

    file: Path

    def received(self) -> list[dict[str, Any]]:
        """What it has been sent so far."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]


def environment(network: Network, ports: Ports = STORY) -> dict[str, str]:
    """Give the daemon's settings for this story, over the defaults."""
    return {
        "OSS_AGENT_BILLING__URL": f"http://127.0.0.1:{ports.billing}/billing",
        "OSS_AGENT_SNMP__POLL_INTERVAL": "8",
        "OSS_AGENT_DISCOVERY__INTERVAL": "0",  # the story asks when it is its turn
        "OSS_AGENT_ASSURANCE__USAGE_INTERVAL": "8",
        "OSS_AGENT_ASSURANCE__VERIFY_AFTER": "10",
        **network.daemon_environment,
    }


@contextlib.contextmanager
def running(
    network: Network, place: Path, ports: Ports = STORY
) -> Iterator[tuple[daemon.Daemon, Billing]]:
    """Have billing and the daemon up for a block."""
    billing = Billing(place / "billing.jsonl")
    with (
        _listener(network, billing.file, ports.billing),
        daemon.running(
            place, environment(network, ports), within=network.inside, port=ports.api
        ) as here,
    ):
        yield here, billing


@contextlib.contextmanager
def _listener(network: Network, file: Path, port: int) -> Iterator[None]:
    argv = [sys.executable, "-m", "lab.demo.listener"]
    argv += ["--port", str(port), "--file", str(file)]
    with network.inside():
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        daemon.stop(process)


def submit(here: daemon.Daemon, body: Mapping[str, Any], key: str) -> Any:
    """Send an order by the BSS, a process of its own; gives its status and body."""
    argv = [sys.executable, "-m", "lab.demo.bss", "--api", here.url, "--key", key]
    done = subprocess.run(
        argv, input=json.dumps(body), capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)
