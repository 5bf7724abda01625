"""Acid test 7: one atomic change over 500 devices, journal and all.

The devices are sessions in this process: 500 SSH servers beside their client would measure the
machine and not the transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from drivers import single
from oss_agent import errors
from oss_agent.fulfilment.record import journal, participant_rows, states, tables
from oss_agent.fulfilment.talk import connections
from oss_agent.fulfilment.transact import hold, settle, vote
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import leases
from oss_agent.spi import device, proof
from oss_agent.spi.tree import EMPTY, Edit, Step, Tree
from oss_agent.spi.tree import Path as TreePath
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
COUNT = 500
NAMES = [f"r{number:03}" for number in range(COUNT)]
ROOT = (Step("eline", (("name", "acme"),)),)
TARGET = Tree(EMPTY.step, None, (Tree(ROOT[0], None, (Tree(Step("vni"), "7"),)),))
OFFERS = frozenset(
    {
        device.Capability.CANDIDATE,
        device.Capability.CONFIRMED_COMMIT,
        device.Capability.PERSIST,
        device.Capability.SIMULATED,
    }
)


@dataclass
class Router:
    """A device that keeps RFC 6241's rules for one manager, and can refuse."""

    name: str
    refuses: bool = False
    running: Tree = EMPTY
    staged: Tree = EMPTY
    backup: Tree | None = None
    token: str | None = None
    calls: list[str] = field(default_factory=list[str])

    @property
    def offers(self) -> frozenset[device.Capability]:
        return OFFERS

    async def lock(self) -> None:
        self.calls.append("lock")
        self.staged = self.running

    async def unlock(self) -> None:
        self.calls.append("unlock")

    async def edit(self, edits: Sequence[Edit]) -> None:
        self.staged = tree.apply(edits, self.running)

    async def validate(self) -> None:
        self.calls.append("validate")

    async def diff(self) -> str:
        return ""

    async def predict(self, path: TreePath) -> Tree:
        return self.staged if self.staged.at(path) is not None else EMPTY

    async def commit(
        self, *, confirm_within: float | None = None, persist: str | None = None
    ) -> None:
        self.calls.append("commit")
        if self.refuses:
            raise errors.ChangeRejected(self.name, "no")
        if confirm_within is not None:
            self.backup, self.token = self.running, persist
        self.running = self.staged

    async def confirm(self, *, persist: str | None = None) -> None:
        self.calls.append("confirm")
        assert persist == self.token
        self.backup = self.token = None

    async def probe_pending(self, *, persist: str | None, confirm_within: float) -> device.Pending:
        del confirm_within
        pending = self.backup is not None and persist == self.token
        return device.Pending.HELD if pending else device.Pending.GONE

    async def cancel(self, *, persist: str | None = None) -> None:
        if self.backup is not None and persist == self.token:
            self.running, self.backup = self.backup, None

    async def discard(self) -> None:
        self.staged = self.running

    async def save(self) -> None:
        self.calls.append("save")

    async def read(self, *paths: TreePath) -> Tree:
        return tree.part(self.running, paths)

    async def snapshot(self) -> str:
        return repr(self.running)

    async def whole(self, datastore: device.Datastore) -> device.Whole | None:
        del datastore
        return device.Whole(repr(self.running))

    async def observe(self, question: proof.Question) -> proof.Observation:
        raise NotImplementedError(question.kind)


@dataclass
class Fleet:
    """Endpoints and driver of all routers."""

    routers: Mapping[str, Router]

    async def endpoint(self, name: str) -> device.Endpoint:
        return device.Endpoint(name, "stub", "192.0.2.1", device.Credential("admin"))

    def driver(self, platform: str) -> Any:
        del platform
        return self

    @contextlib.asynccontextmanager
    async def connect(self, endpoint: device.Endpoint) -> AsyncIterator[device.Connection]:
        yield single.SingleConnection(self._session, endpoint)

    @contextlib.asynccontextmanager
    async def _session(self, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        yield self.routers[endpoint.device]


def plan(connection: sa.Connection, world: World) -> states.Transaction:
    """The intent of one transaction over all routers, with their leases."""
    at = world.clock.now()
    connection.execute(
        tables.transaction.update().values(stage=states.Stage.RUNNING, run=1, touched_at=at)
    )
    mine = journal.adopt(connection, "1-1", at, run=1)
    assert mine is not None
    assert leases.take(connection, mine, NAMES, at) == ()
    rows = tuple(_participant(mine, name, world) for name in NAMES)
    participant_rows.plan(connection, rows)
    return mine


def _participant(mine: states.Transaction, name: str, world: World) -> states.Participant:
    return states.Participant(
        transaction=mine.id,
        attempt=mine.attempt,
        device=name,
        tenant=mine.tenant,
        platform="stub",
        state=states.State.PLANNED,
        since=world.clock.now(),
        token=mine.token,
        persist=f"{mine.id}.{mine.token}",
        before=EMPTY,
        target=TARGET,
        roots=(ROOT,),
        snapshot=repr(EMPTY),
        snapshot_digest="",
    )


@pytest.mark.parametrize("refusing", [None, NAMES[COUNT // 2]])
async def test_acid_7_five_hundred_devices_in_one_atomic_change(
    refusing: str | None, tmp_path: Path
) -> None:
    routers = {name: Router(name, refuses=name == refusing) for name in NAMES}
    fleet = cast("Any", Fleet(routers))
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        mine = await world.rows.write(lambda c: plan(c, world))
        async with connections.Connections(fleet, fleet, world.limits) as lines:
            p = worlds.over(world.parts, fleet, lines)
            await hold.hold(p, mine)
            await vote.vote(p, mine)
            decision = await settle.settle(p, mine)
            assert lines.opened == COUNT
        left = await world.rows.read(lambda c: settle.unsettled(c, mine))

    assert left == ()
    wanted = TARGET if refusing is None else EMPTY
    assert decision.verdict is (states.Verdict.COMMIT if refusing is None else states.Verdict.ABORT)
    assert {name for name, one in routers.items() if one.running != wanted} == set()
    assert not any(one.backup for one in routers.values())
    assert decision.culprit == refusing
