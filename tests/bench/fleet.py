"""One change of many devices at once: through the transaction with its journal, and by hand.

Both log in before their time is taken, open their own sessions, and leave every device with one more
E-Line, confirmed.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from drivers.netconf.driver import NetconfDriver
from oss_agent import registry
from oss_agent.fulfilment.record import journal, participant_rows, states, tables
from oss_agent.fulfilment.talk import connections, contact
from oss_agent.fulfilment.transact import hold, settle, vote
from oss_agent.fulfilment.turn import leases
from oss_agent.spi import device
from oss_agent.spi.tree import EMPTY, Edit, Operation, Step, Tree
from oss_agent.spi.tree import Path as TreePath
from tests.bench import processor
from tests.integration.fulfilment import world as worlds

_DRIVER = NetconfDriver("sim_netconf")
_CONFIRM_WITHIN = 120.0


@dataclass(slots=True)
class Cost:
    """Seconds of wall and of this process's CPU, and of wall by step.

    ``starved``: seconds in which this process or the devices' was ready to run and had no core.
    """

    wall: float = 0.0
    cpu: float = 0.0
    starved: float = 0.0
    steps: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class _Known:
    """A device of which only the endpoint is known (worlds.Reachable)."""

    where: device.Endpoint

    def endpoint(self) -> device.Endpoint:
        """How to reach it."""
        return self.where


def _root(name: str) -> TreePath:
    return (Step("services"), Step("eline", (("name", name),)))


def _target(name: str, number: int) -> Tree:
    slots = {"name": name, "vni": str(10_000 + number), "port": f"eth{number}", "rate": "20"}
    return _DRIVER.instantiate("eline", slots)["netconf"]


class _Meter:
    def __init__(self, stub: int) -> None:
        self.cost = Cost()
        self._watched = (os.getpid(), stub)

    def _waited(self) -> float:
        return sum(processor.use(pid).waited for pid in self._watched)

    async def step(self, name: str, act: Awaitable[object]) -> None:
        waited, cpu, wall = self._waited(), time.process_time(), time.perf_counter()
        await act
        self.cost.starved += self._waited() - waited
        took = time.perf_counter() - wall
        self.cost.steps[name] = took
        self.cost.wall += took
        self.cost.cpu += time.process_time() - cpu


# --- the transaction


async def ours(endpoints: Sequence[device.Endpoint], number: int, stub: int) -> Cost:
    """Leases, intent, gate, commit, vote, decision, confirmation: all of it durable."""
    known = {one.device: _Known(one) for one in endpoints}
    with tempfile.TemporaryDirectory() as place:
        async with worlds.open_world(Path(place)) as world:
            limits = dataclasses.replace(
                world.limits, confirm_within=_CONFIRM_WITHIN, rpc_timeout=60.0, prove_within=30.0
            )
            world.limits = limits
            devices = worlds.KnownDevices(known)
            async with connections.Connections(devices, registry.installed(), limits) as lines:
                world.lines, world.known = lines, devices
                world.build(world.points)
                await world.order()
                await contact.together([_log_in(lines, name) for name in known])
                return await _change(world, tuple(known), number, stub)


async def _log_in(lines: connections.Connections, name: str) -> None:
    async with lines.reading(name):
        pass


async def _change(world: worlds.World, names: Sequence[str], number: int, stub: int) -> Cost:
    meter, p = _Meter(stub), world.parts
    mine = await world.rows.write(lambda c: _adopt(c, world))
    rows = tuple(_participant(mine, name, world, number) for name in names)

    def intend(connection: sa.Connection) -> None:
        assert leases.take(connection, mine, names, world.clock.now()) == ()
        participant_rows.plan(connection, rows)

    await meter.step("intent", world.rows.write(intend))
    await meter.step("hold", hold.hold(p, mine))
    await meter.step("vote", vote.vote(p, mine))
    await meter.step("settle", settle.settle(p, mine))
    assert await world.rows.read(lambda c: settle.unsettled(c, mine)) == ()
    decision = await world.rows.read(lambda c: journal.decision(c, mine))
    assert decision is not None
    assert decision.verdict is states.Verdict.COMMIT, decision
    return meter.cost


def _adopt(connection: sa.Connection, world: worlds.World) -> states.Transaction:
    at = world.clock.now()
    running = tables.transaction.update().values(stage=states.Stage.RUNNING, run=1, touched_at=at)
    connection.execute(running)
    mine = journal.adopt(connection, "1-1", at, run=1)
    assert mine is not None
    return mine


def _participant(
    mine: states.Transaction, name: str, world: worlds.World, number: int
) -> states.Participant:
    service = f"ours-{number}"
    return states.Participant(
        transaction=mine.id,
        attempt=mine.attempt,
        device=name,
        tenant=mine.tenant,
        platform="sim_netconf",
        state=states.State.PLANNED,
        since=world.clock.now(),
        token=mine.token,
        persist=f"{mine.id}.{mine.token}",
        before=EMPTY,
        target=_target(service, number),
        roots=(_root(service),),
        snapshot="",
        snapshot_digest="",
    )


# --- by hand


async def by_hand(endpoints: Sequence[device.Endpoint], number: int, stub: int) -> Cost:
    """Each device for itself: lock, edit, commit, confirm, unlock; nothing is written down."""
    meter = _Meter(stub)
    async with _logged_in(endpoints) as links:
        changes = [_change_one(link, number) for link in links]
        await meter.step("all", contact.together(changes))
    return meter.cost


@contextlib.asynccontextmanager
async def _logged_in(
    endpoints: Sequence[device.Endpoint],
) -> AsyncIterator[Sequence[device.Connection]]:
    async with contextlib.AsyncExitStack() as stack:
        links = [
            await stack.enter_async_context(_DRIVER.connect(endpoint)) for endpoint in endpoints
        ]
        yield links


async def _change_one(link: device.Connection, number: int) -> None:
    name = f"hand-{number}"
    root = _root(name)
    create = Edit(Operation.CREATE, root, _target(name, number).at(root))
    async with link.session() as session:
        await session.lock()
        await session.edit([create])
        await session.commit(confirm_within=_CONFIRM_WITHIN, persist=name)
        await session.confirm(persist=name)
        await session.unlock()


def run(
    change: Callable[[Sequence[device.Endpoint], int, int], Awaitable[Cost]],
    endpoints: Sequence[device.Endpoint],
    number: int,
    stub: int,
) -> Cost:
    """One change in a loop of its own; ``number`` makes its port and VNI its own."""

    async def main() -> Cost:
        return await change(endpoints, number, stub)

    return asyncio.run(main())
