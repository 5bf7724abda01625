"""A network, a billing system and an agent to be killed: each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import httpx
import sqlalchemy as sa

from oss_agent.fulfilment import failpoints
from oss_agent.migrations import upgrade
from oss_agent.testing import daemon as product
from tests import with_tables
from tests.crash import network, victims

ROOT = Path(__file__).parents[2]
ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
FINAL = frozenset({"completed", "failed", "rejected", "cancelled", "partial"})
READY_WITHIN = 600.0
DISCOVERED_WITHIN = 600.0
SENT_WITHIN = 600.0
"""Seconds until an order is taken: through several births, where an agent dies again and again."""
_ANSWER_WITHIN = 300.0
"""Seconds for one answer of anybody, or for his end: a test that goes on without it means nothing."""
_NOTHING: Mapping[str, str] = MappingProxyType({})
FAST = {
    "OSS_AGENT_FULFILMENT__RETRY": "0.3",
    "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "5",
    "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "60",
    "OSS_AGENT_FULFILMENT__PROVE_WITHIN": "1",
    "OSS_AGENT_FULFILMENT__DEVICE_DEADLINE": "60",
    "OSS_AGENT_FLOW__POLL": "0.2",
    "OSS_AGENT_SNMP__TRAP_PORT": "0",
    "OSS_AGENT_SNMP__POLL_INTERVAL": "3600",
    "OSS_AGENT_SNMP__TIMEOUT": "10",
    "OSS_AGENT_DISCOVERY__INTERVAL": "0",
    "OSS_AGENT_ASSURANCE__USAGE_INTERVAL": "86400",
    "OSS_AGENT_ASSURANCE__VERIFY_AFTER": "86400",
    "OSS_AGENT_POOLS": '[{"name": "core-vni", "first": 10100, "last": 12999, "quarantine": 1},'
    '{"name": "vpn-vni", "first": 13000, "last": 13999, "quarantine": 1},'
    '{"name": "vpn-transit", "prefix": "100.64.0.0/10", "quarantine": 1}]',
}
"""Short pauses, long polls: the machine's time is for orders and kills."""


class NotReady(Exception):
    """A process did not become what it should; holds the end of its log."""


class Child:
    """A program of ours that answers a JSON line with a JSON line, one thread's after another's."""

    def __init__(self, *argv: str) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
        )

    def heard(self) -> Any:
        """The next line; NotReady when it ended."""
        out: IO[str] | None = self._process.stdout
        line = out.readline() if out else ""
        if not line:
            raise NotReady(f"{self._process.args!r} ended")
        return json.loads(line)

    def ask(self, **order: Any) -> Any:
        """Tell it something; what it answers."""
        into = self._process.stdin
        if into is None:
            raise NotReady("it has no standard input")
        with self._turn:
            into.write(json.dumps(order) + "\n")
            into.flush()
            return self.heard()

    def close(self) -> None:
        """End it: it ends with its input."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.communicate(timeout=_ANSWER_WITHIN)


@dataclass(slots=True)
class Victim:
    """A daemon that was started; ``pid`` is not our child, so its end is seen by a pidfd."""

    pid: int
    log: Path
    begun: float
    _fd: int = field(init=False)
    _ended: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        try:
            self._fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._fd, self._ended = -1, True

    def ended(self, within: float = 0.0) -> bool:
        """Has it ended, or does it within so many seconds?"""
        if not self._ended:
            self._ended = bool(select.select([self._fd], [], [], within)[0])
        return self._ended

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if not self.ended():
            signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.gone()

    def gone(self, within: float = 300.0) -> None:
        """Wait for its end."""
        if not self.ended(within):
            raise NotReady(f"pid {self.pid} does not end\n{product.tail(self.log)}")
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def stopped(self) -> bool:
        """Has it come to a failpoint that stops it?"""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"


class World:
    """The network with its billing; ``start`` brings an agent to life on the same data."""

    def __init__(
        self, place: Path, nursery: Child, *, store: str = "", env: Mapping[str, str] = _NOTHING
    ) -> None:
        self.place = place
        self._env = env
        self.store = store
        self.nursery = nursery
        self.network = Child("tests.crash.network", str(place / "lab"))
        self.sender: list[dict[str, Any]] = []
        self.kills: list[str] = []
        self.ready_after: list[float] = []
        self.victim: Victim | None = None
        self._ports = (_reserved(), _reserved())
        self._billing_port, self._port = (held.getsockname()[1] for held in self._ports)
        self._billing = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lab.demo.listener",
                "--port",
                str(self._billing_port),
                "--file",
                str(place / "billing.jsonl"),
            ],
            cwd=ROOT,
        )
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=_ANSWER_WITHIN)
        self.network.heard()

    @property
    def url(self) -> str:
        """Where every agent of this world listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def store_url(self) -> str:
        """The database of the agent's rows."""
        return self.store or f"sqlite:///{(self.place / 'data' / 'oss-agent.db').absolute()}"

    def env(self, **more: str) -> dict[str, str]:
        """The agent's settings."""
        where = {"OSS_AGENT_STORE__URL": self.store} if self.store else {}
        return {
            **FAST,
            **where,
            **self._env,
            "OSS_AGENT_DATA": str(self.place / "data"),
            "OSS_AGENT_HTTP__PORT": str(self._port),
            "OSS_AGENT_BILLING__URL": f"http://127.0.0.1:{self._billing_port}/billing",
            **more,
        }

    def start(
        self, armed: str = "", *, wait: bool = True, env: Mapping[str, str] = _NOTHING
    ) -> Victim:
        """Bring an agent to life, perhaps with failpoints armed (``NAME[@N]:ACTION``)."""
        env = self.env(**{failpoints.VARIABLE: armed}, **env)
        log = self.place / "daemon.log"
        begun = time.monotonic()
        pid = int(self.nursery.ask(env=env, log=str(log)))
        self.victim = Victim(pid, log, begun)
        if wait and not self.wait_ready():
            raise NotReady(f"the agent ended\n{product.tail(log)}")
        return self.victim

    def wait_ready(self, stood: Callable[[], None] = lambda: None) -> bool:
        """Wait until it answers ready (True) or has ended (False); note how long it took.

        ``stood`` is called when it stands at a failpoint before: it has to let it go on.
        """
        victim = self.alive
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if self.http.get("/readyz").is_success:
                    self.ready_after.append(time.monotonic() - victim.begun)
                    return True
            if victim.ended(0.02):
                return False
            if victim.stopped:
                stood()
        raise NotReady(f"not ready after {READY_WITHIN} s\n{product.tail(victim.log)}")

    @property
    def alive(self) -> Victim:
        """The agent of now."""
        if self.victim is None:
            raise NotReady("no agent was started")
        return self.victim

    def kill(self, why: str) -> None:
        """Kill -9, noted for whoever reads a failure."""
        self.alive.kill()
        self.kills.append(why)

    def onboard(self) -> None:
        """Let the agent know its network, all of it: on a busy machine a router may answer too late."""
        there = self.place / "lab"
        files = {file.name: file.read_text(encoding="utf-8") for file in there.iterdir()}
        self.http.post("/api/v1/import", json={"files": files}).raise_for_status()
        missing = dict.fromkeys(network.PORTS, "nobody asked it")
        asked: list[str | None] = [None]
        if not self.until(lambda: self._discovered(missing, asked), DISCOVERED_WITHIN):
            raise NotReady(f"not discovered: {missing}\n{product.tail(self.alive.log)}")

    def _discovered(self, missing: dict[str, str], asked: list[str | None]) -> bool:
        """Ask all, then those that lack: who was once read to the end lacks no more."""
        for device in asked:
            body = {"device": device}
            answer = self.http.post("/api/v1/discover", json=body, timeout=DISCOVERED_WITHIN)
            for one in answer.raise_for_status().json():
                name, ports = one["device"], one["interfaces"]
                missing[name] = one["reason"] or f"{ports} ports"
                if not one["reason"] and ports >= network.PORTS[name]:
                    del missing[name]
        asked[:] = missing
        return not missing

    def send(
        self,
        body: Mapping[str, Any],
        key: str = "",
        *,
        headers: Mapping[str, str] = _NOTHING,
        within: float = SENT_WITHIN,
    ) -> str:
        """Order until it is acknowledged, with one key over all tries; the order's id."""
        key = key or secrets.token_hex(8)
        headers = {**headers, "Idempotency-Key": key}
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                answer = self.http.post(ORDERS, json=body, headers=headers)
                if answer.status_code in {200, 201}:
                    order = str(answer.json()["id"])
                    self.sender.append({"key": key, "order": order, "at": time.time()})
                    return order
                if answer.status_code < 500 and answer.status_code != 409:
                    raise NotReady(f"order refused: {answer.status_code} {answer.text}")
            time.sleep(0.02)
        raise NotReady(f"nobody took an order for {within} s\n{product.tail(self.alive.log)}")

    def order(self, key: str) -> Any:
        """An order as the agent tells it."""
        return self.http.get(f"/api/v1/orders/{key}").raise_for_status().json()

    def rest(self, within: float = 600.0) -> bool:
        """Wait until nothing is under way and everything is told; False when that never comes."""
        return self.until(lambda: not any(self.scalar(asked) for asked in _UNDER_WAY), within)

    def until(self, look: Callable[[], bool], within: float = 300.0) -> bool:
        """Look until it is so; False when it never is."""
        deadline = time.monotonic() + within
        while not look():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def open_orders(self) -> list[str]:
        """Orders whose work is not closed, as the database has it."""
        asked = sa.text("SELECT DISTINCT order_id FROM ord_transaction WHERE stage <> 'closed'")
        engine = sa.create_engine(self.store_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return [str(order) for order in connection.execute(asked).scalars()]

    def scalar(self, asked: str, **values: str) -> Any:
        """One value out of the agent's database."""
        engine = sa.create_engine(self.store_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return connection.execute(sa.text(asked), values).scalar_one()

    def close(self) -> None:
        """End every process of this world."""
        if self.victim is not None and not self.victim.ended():
            self.victim.signal(signal.SIGCONT)
            self.victim.kill()
        self.http.close()
        self.network.close()
        product.stop(self._billing)
        for held in self._ports:
            held.close()


_UNDER_WAY = (
    "SELECT count(*) FROM ord_transaction WHERE stage <> 'closed'",
    "SELECT count(*) FROM out_event WHERE NOT spread",
    "SELECT count(*) FROM out_delivery WHERE state = 'pending'",
)


def _reserved() -> socket.socket:
    """A port that is nobody else's while an agent is dead: bound here, who comes listens there.

    A port that is only looked up is given to the next one who asks the kernel for any. Linux lets
    a second socket listen where the first does not, if both say SO_REUSEADDR, as servers do.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _prepare(data: Path) -> None:
    """Have the tables there before the first start: to make them costs each world 0.4 s of CPU.

    Not on a disk that can be cut off: there only what the agent itself has synced may be.
    """
    if not data.exists():
        data.mkdir(mode=0o700)
        with_tables.copied_of(upgrade.migrate, data / "oss-agent.db")


@contextlib.contextmanager
def nursery() -> Iterator[Child]:
    """The process that victims are forked from."""
    child = Child(victims.__name__)
    try:
        yield child
    finally:
        child.close()


@contextlib.contextmanager
def opened(
    place: Path, births: Child, *, store: str = "", env: Mapping[str, str] = _NOTHING
) -> Iterator[World]:
    """A world whose agent knows its network and is alive."""
    place.mkdir(parents=True, exist_ok=True)
    if not store:
        _prepare(place / "data")
    world = World(place, births, store=store, env=env)
    try:
        world.start()
        world.onboard()
        yield world
    finally:
        world.close()
