"""A daemon over as many simulated devices as asked: it knows them without having discovered them.

The daemon and the devices are processes of their own. What the orders came to is read from the
daemon's database by another connection, so that to look costs the daemon nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from lab.demo import orders
from lab.errors import LabError
from oss_agent import database
from oss_agent.migrations import upgrade
from oss_agent.spi import device, views
from oss_agent.testing import daemon
from tests.bench import netconf_stub

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
_TENANT, _FIRST_PORT, _FIRST_VNI = "default", 10, 10_000
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_LOOK = 0.5


@dataclass(frozen=True, slots=True)
class Estate:
    """The daemon, its database, and the process of its devices."""

    daemon: daemon.Daemon
    file: Path
    devices: int

    def bodies(self, count: int) -> list[bytes]:
        """So many E-Lines as a BSS would order them: no port twice, hardly a pair of devices twice."""
        return [json.dumps(self._order(number).body()).encode() for number in range(count)]

    def _order(self, number: int) -> orders.Eline:
        turn, place = divmod(2 * number, self.devices)
        other = (place + 1 + 2 * turn) % self.devices
        port = f"eth{_FIRST_PORT + turn}"
        return orders.Eline(f"l{number}", "acme", f"stub{place}:{port}", f"stub{other}:{port}", 20)

    def states(self) -> Counter[str]:
        """How many orders are in which state."""
        rows = self._ask("SELECT state, count(*) FROM ord_order GROUP BY state")
        return Counter(dict(rows))

    def ended(self) -> int:
        """How many orders have ended, in whatever way."""
        return sum(n for state, n in self.states().items() if views.OrderState(state).final)

    def wait(self, count: int, within: float) -> None:
        """Until so many orders have ended. LabError after ``within`` seconds."""
        deadline = time.monotonic() + within
        while self.ended() < count:
            if time.monotonic() > deadline:
                raise LabError(f"{dict(self.states())} after {within:g} s, of {count} orders")
            time.sleep(_LOOK)

    def peak(self) -> int:
        """The most memory that the daemon ever had, in kB (proc(5), VmHWM)."""
        status = Path(f"/proc/{self.daemon.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)

    def _ask(self, query: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as reader:
            return reader.execute(query).fetchall()


@dataclass(frozen=True, slots=True)
class Ground:
    """What daemons of one estate have in common, one after another: devices, data, settings."""

    place: Path
    devices: int
    environment: Mapping[str, str]
    pid: int
    """of the devices"""

    @contextlib.contextmanager
    def alive(self) -> Iterator[Estate]:
        """Have a daemon up on it."""
        with daemon.running(self.place, self.environment) as here:
            yield Estate(here, _file(self.place), self.devices)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Have the devices neither answer nor hang up: no order is done meanwhile."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextlib.contextmanager
def ground(devices: int, count: int) -> Iterator[Ground]:
    """``devices`` devices with ports for ``count`` E-Lines, known to whichever daemon comes."""
    with (
        tempfile.TemporaryDirectory() as name,
        netconf_stub.devices(devices) as stub,
    ):
        place = Path(name)
        _file(place).parent.mkdir()
        _know(_file(place), stub.endpoints, _FIRST_PORT + 2 * count // devices + 1)
        pool = {"name": "core-vni", "first": _FIRST_VNI, "last": _FIRST_VNI + count}
        environment = {"OSS_AGENT_POOLS": json.dumps([pool]), "OSS_AGENT_SNMP__TRAP_PORT": "0"}
        yield Ground(place, devices, environment, stub.pid)


@contextlib.contextmanager
def standing(devices: int, count: int) -> Iterator[Estate]:
    """Have a daemon up that knows ``devices`` devices with ports for ``count`` E-Lines."""
    with ground(devices, count) as here, here.alive() as found:
        yield found


def _file(place: Path) -> Path:
    return place / "data" / "oss-agent.db"


def _know(file: Path, endpoints: Sequence[device.Endpoint], ports: int) -> None:
    url = f"sqlite:///{file}"
    upgrade.migrate(url)
    secret = file.with_name("password")
    secret.write_text("admin", encoding="utf-8")
    secret.chmod(0o600)
    engine = database.writer(database.parse(url))
    try:
        with engine.begin() as connection:
            for number, endpoint in enumerate(endpoints):
                _introduce(connection, number, endpoint, f"file:{secret}", ports)
    finally:
        engine.dispose()


def _introduce(
    connection: sa.Connection, number: int, endpoint: device.Endpoint, secret: str, ports: int
) -> None:
    """A device as an import would have it known, its ports free for customers."""
    name = endpoint.device
    row: dict[str, Any] = {
        "tenant": _TENANT,
        "name": name,
        "source": "bench",
        "kind": "linux",
        "platform": endpoint.platform,
        "managed": True,
        "reason": "",
        "address": endpoint.address,
        "role": "pe",
        "site": "north",
        "username": "admin",
        "password_ref": secret,
        "community_ref": None,
        "ports": dict(endpoint.ports),
        "router_id": f"10.255.{number // 250}.{number % 250 + 1}",
    }
    history.begin(connection, tables.devices, row, _BEGAN)
    key = {"device": name, "key": endpoint.host_keys[0], "fingerprint": "f", "accepted_by": "bench"}
    history.begin(connection, tables.device_keys, {"tenant": _TENANT, **key}, _BEGAN)
    planned = {"tenant": _TENANT, "ledger": tables.PLANNED, "device": name}
    rows = [{**planned, "name": f"eth{port}"} for port in range(_FIRST_PORT, ports)]
    history.begin_all(connection, tables.interfaces, rows, _BEGAN)
