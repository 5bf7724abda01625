"""What a plan of an item reads of the network, among few devices and among many.

Run: ``scripts/bench plans [DEVICES]``; 10,000 unless said, beside a tenth of them. Two devices of 48
ports in a ring of devices that hear each other by LLDP; CPU of the reads, on SQLite. Beside it, in the
same run, what it cost while each plan read who every device is.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

from inventory.devices import device_words
from inventory.planning import snapshot
from inventory.rows import history, tables
from oss_agent import database
from tests import weighed_devices
from tests.bench import table

_AT = datetime(2026, 11, 22, tzinfo=UTC)
_TENANT = "default"
_PORTS = 48
_TIMES = 5


def measure(devices: int) -> Iterator[table.Row]:
    """A tenth of the devices, then all."""
    for count in (devices // 10, devices):
        with tempfile.TemporaryDirectory() as place:
            engine = database.writer(database.parse(f"sqlite:///{Path(place) / 'plans.db'}"))
            with engine.begin() as connection:
                tables.METADATA.create_all(connection)
                _know(connection, count)
            with engine.connect() as connection:
                ours = _cpu(connection)
                with mock.patch.object(device_words, "near", weighed_devices.near):
                    before = _cpu(connection)
            engine.dispose()
        yield table.cost(f"two devices among {count}", ours, "weighing every device", before)


def _cpu(connection: sa.Connection) -> float:
    """Seconds of CPU of one plan's reads, the median of several."""
    took: list[float] = []
    for _ in range(_TIMES):
        began = time.process_time()
        found = snapshot.around(connection, _TENANT, ["r1", "r2"], "none")
        took.append(time.process_time() - began)
        if "linked to r2" not in found.devices["r1"].ports["ge0"].use:
            sys.exit("plans: the link between the two devices is not seen")
    return statistics.median(took)


def _know(connection: sa.Connection, count: int) -> None:
    names = [f"r{number}" for number in range(count)]
    rows = [_device(name, number) for number, name in enumerate(names)]
    history.begin_all(connection, tables.devices, rows, _AT)
    states = [
        {"device": name, "chassis": _chassis(number), "offers": ["configure"], "system_name": name}
        for number, name in enumerate(names)
    ]
    history.begin_all(connection, tables.device_states, [_mine(row) for row in states], _AT)
    words = [{"device": name, "word": name, "tenant": _TENANT} for name in names]
    connection.execute(sa.insert(tables.device_words), words)
    for start in range(0, count, 1000):
        few = range(start, min(start + 1000, count))
        ports = [_mine(row) for number in few for row in _ports(number)]
        history.begin_all(connection, tables.interfaces, ports, _AT)
    heard = [_mine(row) for number in range(count) for row in _neighbours(number, count)]
    history.begin_all(connection, tables.neighbours, heard, _AT)


def _mine(row: dict[str, Any]) -> dict[str, Any]:
    return {"tenant": _TENANT, **row}


def _device(name: str, number: int) -> dict[str, Any]:
    words = ("source", "kind", "platform", "reason", "role", "site", "username")
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    row = {"name": name, "address": address, "managed": True, "ports": {}}
    return _mine({**row, **dict.fromkeys(words, "")})


def _ports(number: int) -> Iterator[dict[str, Any]]:
    for port in range(_PORTS):
        mac = f"02:01:{number >> 8:02x}:{number & 255:02x}:00:{port:02x}"
        device = {"ledger": tables.OBSERVED, "device": f"r{number}", "name": f"ge{port}"}
        yield {**device, "ifindex": port, "oper_status": "up", "mac": mac}


def _neighbours(number: int, count: int) -> Iterator[dict[str, Any]]:
    """The next one on the first port, the one before on the second."""
    for port, (far, far_port) in enumerate((((number + 1), 1), ((number - 1), 0))):
        heard = {"device": f"r{number}", "port": f"ge{port}", "chassis": _chassis(far % count)}
        said = {"port_subtype": 5, "port_id": f"ge{far_port}", "port_description": ""}
        yield {**heard, **said, "system_name": f"r{far % count}"}


def _chassis(number: int) -> str:
    return f"4:{0x020000000000 + number:012x}"


def main() -> None:
    """Measure and print."""
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000
    table.run("plans", lambda: measure(count))


if __name__ == "__main__":
    main()
