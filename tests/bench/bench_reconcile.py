"""Comparing the three ledgers of 10,000 services: time, CPU and memory, beside a query per service.

Run: ``scripts/bench reconcile [SERVICES]``. E-Lines, two ports each, 100 of them on a router, every one
in order but one in a hundred whose configuration is gone. Ours is the role's whole pass over the real
store (SQLite): first with everything to open, then with nothing new. Beside it what one writes first: a
loop over the services that asks for the claims, the configuration and the ports of each, and writes
nothing.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from inventory.ledgers import reconciler
from inventory.rows import history, tables
from oss_agent import clock, database, store
from tests.bench import table

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_A_DEVICE, _AMISS = 100, 100
_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the wall and of CPU, and what was found."""

    wall: float
    cpu: float
    found: int


def measure(count: int) -> Iterator[table.Row]:
    """A first pass, one with nothing new, and the loop."""
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{Path(place) / 'agent.db'}"
        # In a process of its own: the most that this one ever had is what the comparison took.
        with ProcessPoolExecutor(1) as apart:
            apart.submit(_filled, url, count).result()
        before = _peak()
        first, again = asyncio.run(_ours(url))
        grown = _peak() - before
        engine = database.writer(database.parse(url))
        with engine.connect() as connection:
            naive = _spent(lambda: _one_by_one(connection))
        engine.dispose()
    what = f"{count} services"
    yield _row(f"{what}: {first.found} cases opened", first, naive)
    yield _row(f"{what}: nothing new", again, naive)
    yield table.Row(f"{what}: memory grown by", f"{grown / 1024:.0f} MiB")
    if first.found != naive.found or again.found:
        sys.exit(f"found {first.found} and {again.found}, the loop {naive.found}")


def _row(what: str, ours: Cost, naive: Cost) -> table.Row:
    beside = f"a query per service {naive.wall:.1f} s, {naive.cpu:.1f} s CPU"
    return table.Row(
        what, f"{ours.wall:.1f} s, {ours.cpu:.1f} s CPU", beside, f"1/{naive.cpu / ours.cpu:.1f}"
    )


def _peak() -> int:
    """KiB this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def _ours(url: str) -> tuple[Cost, Cost]:
    async with store.open_store(url) as rows:
        role = reconciler.Reconciler(rows, clock.SystemClock(), lambda _: ())
        costs: list[Cost] = []
        for _ in range(2):
            began, cpu = time.perf_counter(), time.process_time()
            moved = await role.look()
            wall, spent = time.perf_counter() - began, time.process_time() - cpu
            opened = await rows.read(_opened) if moved else 0
            costs.append(Cost(wall, spent, opened))
        return costs[0], costs[1]


def _opened(connection: sa.Connection) -> int:
    query = sa.select(sa.func.count()).where(history.current(tables.cases))
    return int(connection.execute(query).scalar_one())


def _spent(work: Callable[[], int]) -> Cost:
    began, cpu = time.perf_counter(), time.process_time()
    found = work()
    return Cost(time.perf_counter() - began, time.process_time() - cpu, found)


def _one_by_one(connection: sa.Connection) -> int:
    """How many places an active service has nothing at, or a port that is not up."""
    amiss = 0
    for (service,) in connection.execute(_of(tables.services, "id", state="active")).all():
        claims: Any = connection.execute(_of(tables.port_claims, "device", "port", service=service))
        back = connection.execute(_of(tables.configured, "device", service=service))
        there = {device for (device,) in back}
        for device, port in claims.all():
            seen = _of(tables.interfaces, "oper_status", device=device, name=port)
            up = connection.execute(seen).scalar_one() == "up"
            amiss += (device not in there) + (not up)
    return amiss


def _of(of: sa.Table[Any], *columns: str, **which: str) -> Any:
    same = [of.c[name] == value for name, value in which.items()]
    return sa.select(*(of.c[name] for name in columns)).where(history.current(of), *same)


def _filled(url: str, count: int) -> None:
    engine = database.writer(database.parse(url))
    with engine.begin() as connection:
        _fill(connection, count)
    engine.dispose()


def _fill(connection: sa.Connection, count: int) -> None:
    tables.METADATA.create_all(connection)
    ends = [(number, end) for number in range(count) for end in (0, 1)]
    names = sorted({_device(number, end) for number, end in ends})
    _begin(connection, tables.devices, [_box(name) for name in names])
    seen = [{"device": one, "last_seen": _BEGAN, "ports_at": _BEGAN} for one in names]
    connection.execute(sa.insert(tables.sightings), [{"tenant": _TENANT, **one} for one in seen])
    _begin(connection, tables.services, [_service(number) for number in range(count)])
    places = [
        {"service": f"s{number}", "device": _device(number, end), "port": f"eth{number}"}
        for number, end in ends
    ]
    _begin(connection, tables.port_claims, [{**one, "order_id": "1"} for one in places])
    _begin(connection, tables.service_resources, [{**one, "meter": True} for one in places])
    _begin(connection, tables.interfaces, [_port(one["device"], one["port"]) for one in places])
    owned = [
        {"service": one["service"], "device": one["device"], "store": "netconf", "order_id": "1"}
        for one in places
    ]
    paths = [
        {**one, "path": f"/s[name={one['service']}]/{leaf}"} for one in owned for leaf in "abcde"
    ]
    _begin(connection, tables.ownership, paths)
    read = [
        {"service": one["service"], "device": one["device"], "store": "netconf", "tree": {"a": 1}}
        for one in places
    ]
    _begin(connection, tables.configured, [one for n, one in enumerate(read) if n % (2 * _AMISS)])
    connection.exec_driver_sql("ANALYZE")


def _begin(connection: sa.Connection, of: sa.Table[Any], rows: Sequence[dict[str, Any]]) -> None:
    history.begin_all(connection, of, [{"tenant": _TENANT, **row} for row in rows], _BEGAN)


def _device(number: int, end: int) -> str:
    return f"pe{2 * (number // _A_DEVICE) + end}"


def _box(name: str) -> dict[str, Any]:
    words = dict.fromkeys(("source", "kind", "reason", "address", "role", "site", "username"), "")
    secret = {"password_ref": None, "community_ref": None, "router_id": None}
    return {**words, **secret, "name": name, "platform": "frr_linux", "managed": True, "ports": {}}


def _port(device: str, name: str) -> dict[str, Any]:
    up = {"admin_status": "up", "oper_status": "up", "identity": f"{device}:{name}"}
    return {"ledger": tables.OBSERVED, "device": device, "name": name, **up}


def _service(number: int) -> dict[str, Any]:
    return {
        "id": f"s{number}",
        "name": f"acme-{number}",
        "category": "CFS",
        "specification_id": "eline",
        "specification_version": "1.0",
        "specification_name": "E-Line",
        "characteristics": {},
        "customer": "acme",
        "order_id": "1",
        "parent": None,
        "state": "active",
        "operating_status": "running",
        "cause": None,
        "status_since": _BEGAN,
        "service_date": _BEGAN,
    }


if __name__ == "__main__":
    services = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    table.run("reconcile", lambda: measure(services))
