"""Orders on a device that undoes by a commit timer (TIMED), or is swapped whole (REPLACE): EOS, simulated.

The shipped EOS data have no templates yet; these tests bring a small one for an E-Line.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from device_models import loader
from drivers.arista_eos import box as eos_box
from drivers.napalm_adapter.driver import NapalmDriver
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.transact import progress, vote
from oss_agent.spi import views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import Faults as NetconfFaults
from oss_agent.testing.simulated_eapi import SimulatedEos
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.ladder import Others
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
COMPLETED, FAILED = views.OrderState.COMPLETED, views.OrderState.FAILED
ENDS = {"aEnd": "pe1:eth4", "zEnd": "leaf1:Ethernet4"}
BARE = """\
hostname {name}
interface Ethernet1
   description core
interface Ethernet4
interface Vxlan1
   vxlan source-interface Loopback0
router bgp 65000
   router-id 10.255.0.11
"""
ELINE = """\
slots:
  name: {type: name}
  vni: {type: uint, minimum: 1, maximum: 16777215}
  port: {type: ifname}
  rate: {type: uint, optional: true}
  description: {type: description, optional: true}
stores:
  running-config:
    - line: [{text: vrf instance}, {slot: name}]
      children:
        - line: [{text: description}, {slot: description}]
    - section: [{text: interface}, {slot: port}]
      children:
        - line: [{text: description}, {slot: description}]
    - section: [{text: interface Vxlan1}]
      children:
        - line: [{text: vxlan vrf}, {slot: name}, {text: vni}, {slot: vni}]
"""


class Fabric:
    """pe1 (PERSIST, NETCONF) and leaf1 (EOS), and the agent between them."""

    def __init__(self, world: World, leaf: SimulatedEos, before: dict[str, str]) -> None:
        self.world = world
        self.leaf = leaf
        self.before = before

    @property
    def happened(self) -> list[str]:
        """What was done with configuration sessions, but for their opening and the locks."""
        kinds = [what for what, _ in self.leaf.store.history]
        return [what for what in kinds if what in {"timed", "committed", "confirmed", "expired"}]

    async def agree(self) -> views.OrderState:
        """All new, or all as before: running and, what nobody saved, startup."""
        await self.world.run_to_the_end()
        state = (await self.world.get("1")).state
        now = await self.world.snapshots()
        if state is COMPLETED:
            assert all("acme" in text for text in now.values())
            assert self.leaf.store.startup == self.leaf.store.running
        else:
            assert now == self.before
        assert self.leaf.store.timed() is None
        assert not any(one.datastores.pending for one in self.world.devices.values())
        assert not self.world.alarms.open
        return state


@contextlib.contextmanager
def eos(folder: Path, rung: Rung) -> Iterator[NapalmDriver]:
    """The shipped data and a template; without its commit timer it stands on REPLACE."""
    shutil.copytree(loader.SHIPPED / "arista_eos", folder / "arista_eos")
    (folder / "arista_eos" / "templates").mkdir()
    (folder / "arista_eos" / "templates" / "eline.yaml").write_text(ELINE)
    shutil.copy(loader.SHIPPED / "sim_cli" / "observe.yaml", folder / "arista_eos")
    file = folder / "arista_eos" / "platform.yaml"
    said = file.read_text()
    # A dead holder's lock is to expire while a test waits for it; no packet moves here.
    changes = {"lock_for: 300": "lock_for: 1", "config-replace]": "config-replace, simulated]"}
    if rung is Rung.REPLACE:
        changes["commit-timer, "] = ""
    for old, new in changes.items():
        assert old in said
        said = said.replace(old, new)
    file.write_text(said)
    yield NapalmDriver("arista_eos", eos_box.made, data=folder)


@contextlib.asynccontextmanager
async def fabric(where: Path, rung: Rung = Rung.TIMED) -> AsyncIterator[Fabric]:
    async with contextlib.AsyncExitStack() as stack:
        driver = stack.enter_context(eos(where / "models", rung))
        leaf = await stack.enter_async_context(SimulatedEos("leaf1", configuration_text=BARE))
        opened = worlds.open_world(
            where, names=("pe1",), others={"leaf1": leaf}, drivers=Others({"arista_eos": driver})
        )
        world = await stack.enter_async_context(opened)
        port = {"ledger": inventory_tables.PLANNED, "device": "leaf1", "name": "Ethernet4"}
        row, at = {"tenant": worlds.TENANT, **port}, world.clock.now()
        await world.rows.write(lambda c: history.begin(c, inventory_tables.interfaces, row, at))
        yield Fabric(world, leaf, await world.snapshots())


@pytest.fixture(params=[Rung.TIMED, Rung.REPLACE], ids=["timed", "replace"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Fabric]:
    async with fabric(tmp_path, request.param) as opened:
        yield opened


@pytest.fixture
async def timed(tmp_path: Path) -> AsyncIterator[Fabric]:
    async with fabric(tmp_path) as opened:
        yield opened


async def test_an_order_completes(either: Fabric) -> None:
    key = await ladder.eline(either.world, ENDS)
    state = await either.agree()
    assert state is COMPLETED, (await either.world.get(key)).error
    rung = (await either.world.participants(key))["leaf1"].rung
    assert rung is not None
    assert either.happened == (["timed", "confirmed"] if rung.timed else ["committed"])


async def test_a_refused_commit_leaves_both_as_before(either: Fabric) -> None:
    either.leaf.faults.refuse_commits = 1
    key = await ladder.eline(either.world, ENDS)
    assert await either.agree() is FAILED
    error = (await either.world.get(key)).error
    assert error is not None
    assert (error.code, error.reference) == ("changeRejected", "leaf1")


async def test_a_proof_that_fails_elsewhere_takes_it_back(either: Fabric) -> None:
    either.world.devices["pe1"].faults = NetconfFaults(ok_changes_nothing=True)
    await ladder.eline(either.world, ENDS)
    assert await either.agree() is FAILED
    assert "vrf instance acme" not in either.leaf.running


async def test_a_session_that_would_change_otherwise_is_never_committed(either: Fabric) -> None:
    either.leaf.faults.ignores = "vxlan vrf"
    await ladder.eline(either.world, ENDS)
    assert await either.agree() is FAILED
    error = (await either.world.get("1")).error
    assert error is not None
    assert (error.code, error.reference) == ("changeRejected", "leaf1")
    assert "would change otherwise than planned" in error.message
    assert either.happened == []


async def test_a_commit_that_did_nothing_is_seen(either: Fabric) -> None:
    either.leaf.faults.silent_commits = 1
    await ladder.eline(either.world, ENDS)
    assert await either.agree() is FAILED
    error = (await either.world.get("1")).error
    assert error is not None
    assert error.reference == "leaf1"


async def test_a_commit_whose_answer_was_lost_is_held_and_not_sent_again(either: Fabric) -> None:
    either.leaf.faults.lose_answers = 1
    await ladder.eline(either.world, ENDS)
    assert await either.agree() is COMPLETED
    live = [one for one in either.happened if one in {"timed", "committed"}]
    assert len(live) == 1


async def test_a_commit_that_never_arrived_is_sent_again_once_our_own_lock_is_old(
    either: Fabric,
) -> None:
    either.leaf.faults.lose_requests = 1
    await ladder.eline(either.world, ENDS)
    await either.world.run()
    await asyncio.sleep(2.0)  # the device's own clock decides
    assert await either.agree() is COMPLETED
    live = [one for one in either.happened if one in {"timed", "committed"}]
    assert len(live) == 1


async def test_no_answer_to_the_confirm_is_waited_for(timed: Fabric) -> None:
    await timed.world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await ladder.eline(timed.world, ENDS)
    with pytest.raises(failpoints.Crash):
        await timed.world.run()
    timed.leaf.faults.lose_answers = 1
    await timed.world.start()
    assert await timed.agree() is COMPLETED
    assert timed.happened == ["timed", "confirmed"]


POINTS = [
    ("timed", "device.commit.after@2"),
    ("timed", "journal.held.after@2"),
    ("timed", "journal.decision.after"),
    ("timed", "device.confirm.after@2"),
    ("timed", "journal.done.before@2"),
    ("replace", "device.commit.after@2"),
    ("replace", "journal.held.after@2"),
    ("replace", "journal.decision.after"),
]


@pytest.mark.parametrize(("rung", "point"), POINTS)
async def test_after_a_crash_both_are_new(rung: str, point: str, tmp_path: Path) -> None:
    async with fabric(tmp_path, Rung[rung.upper()]) as one:
        await one.world.start(failpoints.Failpoints({point: "raise"}))
        await ladder.eline(one.world, ENDS)
        with pytest.raises(failpoints.Crash):
            await one.world.run()
        await one.world.start()
        assert await one.agree() is COMPLETED


@pytest.mark.parametrize(
    ("rung", "point"), [("timed", "device.cancel.after@2"), ("replace", "device.push.after")]
)
async def test_after_a_crash_in_an_abort_both_are_as_before(
    rung: str, point: str, tmp_path: Path
) -> None:
    async with fabric(tmp_path, Rung[rung.upper()]) as one:
        one.world.devices["pe1"].faults = NetconfFaults(ok_changes_nothing=True)
        await one.world.start(failpoints.Failpoints({point: "raise"}))
        await ladder.eline(one.world, ENDS)
        with pytest.raises(failpoints.Crash):
            await one.world.run()
        await one.world.start()
        assert await one.agree() is FAILED


def ring(leaf: SimulatedEos) -> None:
    """The commit timer runs out now."""
    for one in leaf.store.sessions.values():
        one.commit_by = 0.0
    leaf.store.expire()


@pytest.mark.parametrize("far", [True, False])
async def test_its_timer_fires_before_the_decision(
    timed: Fabric, monkeypatch: pytest.MonkeyPatch, *, far: bool
) -> None:
    """The vote looks just before it decides: what undid itself is no ground for a commit."""
    rung = list[str]()

    def late(one: progress.Progress) -> bool:
        if one.one.device == "leaf1" and not rung:
            rung.append("leaf1")
            ring(timed.leaf)
        return far

    monkeypatch.setattr(vote, "_far", late)
    key = await ladder.eline(timed.world, ENDS)
    await timed.world.run()
    wait = (await timed.world.get(key)).items[0].wait
    assert wait is not None
    assert "its unconfirmed commit is gone" in wait.reason
    assert await timed.world.snapshots() == timed.before
    assert await timed.agree() is COMPLETED


@pytest.mark.parametrize(
    ("point", "pushed"), [("journal.held.after@2", False), ("journal.decision.after", True)]
)
async def test_the_agent_is_dead_while_its_timer_fires(
    point: str,
    pushed: bool,  # noqa: FBT001  a parameter of pytest's
    timed: Fabric,
) -> None:
    await timed.world.start(failpoints.Failpoints({point: "raise"}))
    await ladder.eline(timed.world, ENDS)
    with pytest.raises(failpoints.Crash):
        await timed.world.run()
    await timed.world.stop()
    ring(timed.leaf)
    assert "vrf instance acme" not in timed.leaf.running
    await timed.world.start()
    assert (await timed.world.participants("1"))["leaf1"].pushed is pushed
    assert await timed.agree() is COMPLETED
