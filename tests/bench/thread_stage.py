"""A daemon, billing and a network to measure on: orders by TMF641, and what it cost, seen from outside.

Waiting reads the file billing writes, and never asks the daemon: its CPU would be ours.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.demo import daemon as demo
from lab.demo import orders
from lab.demo.narrator import Narrator
from lab.demo.networks import Network
from lab.demo.story import Story
from lab.errors import LabError
from oss_agent.testing.daemon import Daemon, tail
from tests.bench import processor

_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Work:
    """What one order took: seconds from POST to completed, and the daemon's CPU seconds meanwhile.

    ``took`` falls into four: until its intent was ``planned`` (the queue, the logins that are not
    open, the look at the devices), until it was ``held`` and the first evidence in, the ``proof`` to
    the last evidence, and ``settled`` (decision, confirmation, read-back, save, report).
    """

    service: str
    took: float
    planned: float
    held: float
    proof: float
    settled: float
    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A daemon that knows a network."""

    network: Network
    daemon: Daemon
    billing: demo.Billing

    def add(self, name: str, a_end: str, z_end: str) -> Work:
        """Have an E-Line ordered and completed."""
        body = orders.Eline(name, "acme", a_end, z_end, 20).body()
        return self._order(body, lambda service: service["name"] == name and _is(service, "active"))

    def end(self, service: str) -> Work:
        """Have a service terminated."""
        return self._order(
            _termination(service), lambda s: s["id"] == service and _is(s, "terminated")
        )

    def told(self, service: str, status: str, since: float) -> float:
        """Wait until billing is told that a service runs or not; seconds after ``since``."""

        def says(event: Any) -> bool:
            return bool(event["id"] == service and event["operatingStatus"] == status)

        at, _ = self._event(says, since)
        return at - since

    def cpu(self) -> float:
        """User and system CPU seconds of the daemon so far."""
        return processor.spent(self.daemon.process.pid)

    def idle(self, seconds: float) -> float:
        """CPU seconds per second without orders: polls, readings, the queue."""
        before = self.cpu()
        time.sleep(seconds)
        return (self.cpu() - before) / seconds

    def _order(self, body: Mapping[str, Any], done: Callable[[Any], bool]) -> Work:
        cpu, began = self.cpu(), time.time()
        key = self.daemon.post(_ORDERS, body)["id"]
        _, service = self._event(done, began)
        cpu, wall = self.cpu() - cpu, time.time() - began
        view = self.daemon.get(f"/api/v1/orders/{key}")
        history = self.daemon.get(f"/api/v1/orders/{key}/explain")["history"]
        planned = next(_at(at) for at, text in history if "planned on" in text)
        first, last = _proof(view)
        end = _at(view["completion_date"])
        parts = (planned - began, first - planned, last - first, end - last)
        return Work(service["id"], end - began, *parts, cpu, wall)

    def _event(self, wanted: Callable[[Any], bool], since: float) -> tuple[float, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for row in self.billing.received():
                service = row["body"].get("event", {}).get("service")
                if row["at"] >= since and service and wanted(service):
                    return row["at"], service
            time.sleep(_PAUSE)
        raise LabError(f"billing was not told within 60 s; the log ends:\n{tail(self.daemon.log)}")


def _at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _proof(view: Mapping[str, Any]) -> tuple[float, float]:
    """When the first and the last evidence was seen."""
    seen = [_at(one["at"]) for item in view["items"] for one in item["evidence"]]
    return min(seen), max(seen)


def _is(service: Mapping[str, Any], state: str) -> bool:
    return bool(service["state"] == state)


def _termination(service: str) -> dict[str, Any]:
    reference = {"id": service, "serviceSpecification": {"id": "eline", "version": "1.0"}}
    return {"serviceOrderItem": [{"id": "1", "action": "delete", "service": reference}]}


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody has now: a demonstration may run beside a benchmark."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def standing(network: Network) -> Iterator[Stage]:
    """Have the demonstration's daemon and billing up for a block, the network discovered."""
    with (
        tempfile.TemporaryDirectory() as place,
        demo.running(network, Path(place), demo.Ports(0, free_port())) as (here, billing),
    ):
        Story(Narrator(sys.stderr, colour=False), network, here, billing).onboard()
        yield Stage(network, here, billing)
