"""CPU of a poll against pysnmp's, on one real net-snmp agent in one run. Run: ``scripts/bench snmp``.

The agent holds 10 columns x 48 rows, as an interface table of a full access switch does; both
clients ask packed GETBULKs of 10 columns x 10 rows in one process, and process CPU time is
compared. CPU and not wall time: the agent itself is the slow part.
"""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

from pysnmp.hlapi.v3arch import asyncio as hlapi

from drivers.snmp import engine
from lab import peers
from oss_agent import clock
from oss_agent.spi import snmp
from tests.bench import table

_TABLE = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 77, 1)
_COLUMNS = 10
_ROWS = 48
_VARBINDS = _COLUMNS * _ROWS + 1
_PLAN = snmp.PollPlan(columns={f"c{i}": (*_TABLE, i) for i in range(1, _COLUMNS + 1)})


def _agent_configuration() -> str:
    lines = [
        f"override .{'.'.join(map(str, (*_TABLE, column, row)))} counter {column * 1_000_000 + row}"
        for column in range(1, _COLUMNS + 1)
        for row in range(1, _ROWS + 1)
    ]
    return "\n".join(lines) + "\n"


async def _ours(peer: peers.SnmpPeer, polls: int) -> tuple[float, int]:
    target = snmp.Target("bench", peer.host, peer.port, peer.community)
    async with engine.running(clock.SystemClock()) as polling:
        columns = await polling.poll(target, _PLAN)
        began = time.process_time()
        for _ in range(polls):
            columns = await polling.poll(target, _PLAN)
        spent = time.process_time() - began
    cells = sum(value is not None for values in columns.columns.values() for value in values)
    return spent / polls, cells


async def _pysnmp(peer: peers.SnmpPeer, polls: int) -> tuple[float, int]:
    engine_ = hlapi.SnmpEngine()
    transport = await hlapi.UdpTransportTarget.create((peer.host, peer.port))
    community = hlapi.CommunityData(peer.community)
    cells = await _pysnmp_poll(engine_, community, transport)
    began = time.process_time()
    for _ in range(polls):
        cells = await _pysnmp_poll(engine_, community, transport)
    spent = time.process_time() - began
    engine_.close_dispatcher()
    return spent / polls, cells


async def _pysnmp_poll(engine_: Any, community: Any, transport: Any) -> int:
    """Ten columns, ten rows a time, until the first column ends: what its users write."""
    prefix = hlapi.ObjectIdentity(_TABLE)
    at = [(*_TABLE, column) for column in range(1, _COLUMNS + 1)]
    cells = 0
    while True:
        binds = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in at]
        error, status, _, found = await hlapi.bulk_cmd(
            engine_, community, transport, hlapi.ContextData(), 0, 10, *binds, lookupMib=False
        )
        assert not error, error
        assert not status, prefix
        rows = [tuple(name) for name, _ in found]
        for place, oid in enumerate(rows):
            cells += oid[: len(_TABLE) + 1] == (*_TABLE, place % _COLUMNS + 1)
        at = rows[-_COLUMNS:]
        if at[0][: len(_TABLE) + 1] != (*_TABLE, 1):
            return cells


def _memory(peer: peers.SnmpPeer) -> int:
    tracemalloc.start()
    asyncio.run(_ours(peer, 2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure() -> Iterator[table.Row]:
    """Both must read the whole table."""
    with peers.snmpd(configuration=_agent_configuration()) as peer:
        theirs, their_cells = asyncio.run(_pysnmp(peer, 5))
        ours, our_cells = asyncio.run(_ours(peer, 100))
        peak = _memory(peer)
    assert our_cells == their_cells == _COLUMNS * _ROWS, (our_cells, their_cells)
    yield table.cost(f"poll of {_VARBINDS} varbinds, CPU", ours, "pysnmp", theirs)
    yield table.Row("poll, peak of our memory", f"{peak / 1024:.0f} KiB")


if __name__ == "__main__":
    table.run("snmp", measure)
