"""Arista EOS through NAPALM: timers, locks that expire, lost answers, and whom the login is shown."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import device_models
from drivers import steps
from drivers.arista_eos import box, driver
from drivers.napalm_adapter.box import NapalmBox
from drivers.napalm_adapter.driver import NapalmDriver
from oss_agent.errors import (
    ChangeRejected,
    CommitUnknown,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
)
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi import device
from oss_agent.spi.device import Pending, Rung, rung
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Step, Tree
from oss_agent.testing.simulated_eapi import SimulatedEos
from tests import leaps

pytestmark = pytest.mark.anyio
EOS = driver.DRIVER


def line(text: str, *below: Tree) -> Tree:
    return Tree(steps.owned(text), children=below)


def within(text: str, *below: Tree) -> Tree:
    return Tree(Step(text), children=below)


def service(vlan: int) -> tuple[Edit, ...]:
    wanted = Tree(
        ROOT,
        children=(
            line(f"vlan {vlan}", line("name acme")),
            within("interface Ethernet3", line(f"switchport access vlan {vlan}")),
            within("interface Vxlan1", line(f"vxlan vlan {vlan} vni 10100")),
            within("router bgp 65000", line(f"vlan {vlan}", line("rd 10.255.0.11:10100"))),
        ),
    )
    return trees.diff(EMPTY, wanted)


@pytest.fixture
async def leaf() -> AsyncIterator[SimulatedEos]:
    async with SimulatedEos("leaf1") as box:
        yield box


def ring(leaf: SimulatedEos) -> None:
    """The commit timer runs out now."""
    for one in leaf.store.sessions.values():
        one.commit_by = 0.0
    leaf.store.expire()


async def held(leaf: SimulatedEos, within_seconds: float = 60) -> None:
    """A timed commit whose session has ended."""
    async with EOS.session(leaf.endpoint()) as session:
        await session.lock()
        await session.edit(service(100))
        await session.commit(confirm_within=within_seconds)


def what(leaf: SimulatedEos) -> list[str]:
    return [what for what, _session in leaf.store.history]


async def test_a_timed_commit_outlives_its_session_and_another_one_confirms_it(
    leaf: SimulatedEos,
) -> None:
    assert rung(EOS.capabilities) is Rung.TIMED
    await held(leaf)
    async with EOS.session(leaf.endpoint()) as session:
        found = await session.probe_pending(persist=None, confirm_within=60)
        await session.confirm()
        gone = await session.probe_pending(persist=None, confirm_within=60)

    assert (found, gone) == (Pending.HELD, Pending.GONE)
    assert what(leaf) == ["opened", "timed", "confirmed"]
    assert leaf.store.startup == leaf.store.running


async def test_nobody_confirms_and_the_device_is_byte_for_byte_as_before(
    leaf: SimulatedEos,
) -> None:
    before = leaf.running
    await held(leaf)
    live = leaf.running
    ring(leaf)
    async with EOS.session(leaf.endpoint()) as session:
        with pytest.raises(ChangeRejected):
            await session.confirm()

    assert live != before
    assert leaf.running == before
    assert what(leaf) == ["opened", "timed", "expired"]


async def test_probing_lets_the_timer_begin_anew(leaf: SimulatedEos) -> None:
    await held(leaf, within_seconds=30)
    (name,) = leaf.store.sessions
    first = leaf.store.sessions[name].commit_by
    async with EOS.session(leaf.endpoint()) as session:
        still = await session.probe_pending(persist=None, confirm_within=300)
        later = leaf.store.sessions[name].commit_by
        await session.cancel()

    assert still is Pending.HELD
    assert later > first + 200
    assert what(leaf)[-1] == "aborted"


async def test_cancel_without_anything_pending_replaces_nothing(leaf: SimulatedEos) -> None:
    # NAPALM's rollback() would now load a copy of startup over running.
    leaf.store.running["hostname other"] = {}
    before = leaf.running
    async with EOS.session(leaf.endpoint()) as session:
        await session.cancel()
        await session.cancel()

    assert leaf.running == before


async def test_somebody_elses_timed_commit_is_told_apart_and_left(leaf: SimulatedEos) -> None:
    leaf.store.open("by-hand").editor.type("hostname x")
    leaf.store.commit("by-hand", timer=60)
    async with EOS.session(leaf.endpoint()) as session:
        found = await session.probe_pending(persist=None, confirm_within=60)
        with pytest.raises(DeviceBusy) as busy:
            await session.lock()
        with pytest.raises(ChangeRejected):
            await session.confirm()
        await session.cancel()

    assert found is Pending.OTHERS
    assert busy.value.holder == "by-hand"
    assert leaf.store.timed() == "by-hand"


async def test_the_session_of_a_dead_holder_keeps_others_away_until_it_expires(
    leaf: SimulatedEos,
) -> None:
    uptime = int(leaf.store.uptime())
    leaf.store.open(f"oss-agent-lock-{uptime + 60}-abc123")
    async with EOS.session(leaf.endpoint()) as session:
        with pytest.raises(DeviceBusy):
            await session.lock()
    leaf.store.abort(f"oss-agent-lock-{uptime + 60}-abc123")
    leaf.store.open(f"oss-agent-lock-{uptime - 1}-abc123")
    async with EOS.session(leaf.endpoint()) as session:
        await session.lock()
        await session.unlock()

    assert leaf.store.sessions == {}


async def test_of_two_that_lock_at_once_at_most_one_holds(leaf: SimulatedEos) -> None:
    leaf.faults.delay = 0.02
    async with EOS.session(leaf.endpoint()) as one, EOS.session(leaf.endpoint()) as other:
        got = await asyncio.gather(one.lock(), other.lock(), return_exceptions=True)
        assert [type(g) for g in got if g is not None], "both held the lock"
        assert all(g is None or isinstance(g, DeviceBusy) for g in got)


async def test_a_foreign_change_while_ours_was_staged_is_not_put_away(leaf: SimulatedEos) -> None:
    async with EOS.session(leaf.endpoint()) as session:
        await session.lock()
        await session.edit(service(100))
        leaf.store.running["hostname by-hand"] = {}
        before = leaf.running
        with pytest.raises(ChangeRejected, match="somebody changed"):
            await session.commit(confirm_within=60)

    assert leaf.running == before
    assert leaf.store.sessions == {}


@pytest.mark.parametrize("timer", [60.0, None])
async def test_a_refused_commit_is_looked_at_before_it_is_called_unchanged(
    leaf: SimulatedEos, timer: float | None
) -> None:
    before = leaf.running
    leaf.faults.refuse_commits = 1
    async with EOS.session(leaf.endpoint()) as session:
        await session.lock()
        await session.edit(service(100))
        with pytest.raises(ChangeRejected, match="needs hardware"):
            await session.commit(confirm_within=timer)
        await session.discard()
        await session.unlock()

    assert leaf.running == before
    assert leaf.store.sessions == {}


@pytest.mark.parametrize("timer", [60.0, None])
async def test_a_lost_answer_is_unknown_and_the_commit_is_not_undone_by_closing(
    leaf: SimulatedEos, timer: float | None
) -> None:
    leaf.faults.lose_answers = 1
    async with EOS.session(leaf.endpoint()) as session:
        await session.lock()
        await session.edit(service(100))
        with pytest.raises(CommitUnknown):
            await session.commit(confirm_within=timer)

    assert "vlan 100" in leaf.running
    assert what(leaf) == ["opened", "timed" if timer else "committed"]


async def overdue_once_timed(leaf: SimulatedEos) -> None:
    async with asyncio.timeout(300):
        while "timed" not in what(leaf):  # noqa: ASYNC110  a device does not call
            await asyncio.sleep(0.01)
    leaps.leap(60)


async def test_a_commit_that_outlives_its_deadline_is_unknown_and_ends_the_session(
    leaf: SimulatedEos, tmp_path: Path
) -> None:
    impatient = variant(tmp_path, "lock_for: 300", "lock_for: 300\n  commit_within: 60")
    leaf.faults.commit_delay = 120.0
    async with impatient.session(leaf.endpoint()) as session:
        await session.lock()
        await session.edit(service(100))
        overdue = asyncio.ensure_future(overdue_once_timed(leaf))
        with pytest.raises(CommitUnknown, match="no answer within"):
            await session.commit(confirm_within=60)
        await overdue
        with pytest.raises(DeviceUnreachable):
            await session.snapshot()

    assert what(leaf) == ["opened", "timed"]


async def test_a_refused_line_leaves_nothing_staged(leaf: SimulatedEos) -> None:
    bad = trees.diff(EMPTY, Tree(ROOT, children=(line("vlan 4095"),)))
    async with EOS.session(leaf.endpoint()) as session:
        await session.lock()
        with pytest.raises(ChangeRejected, match="4095"):
            await session.edit(bad)
        await session.commit()
        await session.unlock()

    assert leaf.store.sessions == {}
    assert what(leaf) == ["opened", "aborted"]


async def test_garbage_is_no_answer(leaf: SimulatedEos) -> None:
    async with EOS.session(leaf.endpoint()) as session:
        leaf.faults.garbage = 1
        with pytest.raises(DeviceUnreachable):
            await session.snapshot()


async def test_another_key_is_refused_before_the_login_is_shown(leaf: SimulatedEos) -> None:
    async with SimulatedEos("other") as stranger:
        wrong = dataclasses.replace(leaf.endpoint(), host_keys=stranger.endpoint().host_keys)
        with pytest.raises(DeviceRefused, match="pinned key"):
            async with EOS.session(wrong):
                pass
        with pytest.raises(DeviceRefused, match="no key is pinned"):
            async with EOS.session(dataclasses.replace(wrong, host_keys=())):
                pass

    assert leaf.login_attempts == []


async def test_a_wrong_password_is_refused_and_nothing_listens_is_unreachable(
    leaf: SimulatedEos,
) -> None:
    wrong = dataclasses.replace(leaf.endpoint(), credential=device.Credential("admin", "no"))
    with pytest.raises(DeviceRefused, match="refuses the login"):
        async with EOS.session(wrong):
            pass
    with pytest.raises(DeviceUnreachable):
        async with EOS.session(dataclasses.replace(leaf.endpoint(), ports={"eapi": 1})):
            pass


async def test_plain_http_stays_on_loopback_unless_the_data_vouch_for_it(tmp_path: Path) -> None:
    plain = variant(tmp_path, "transport: https", "transport: http")
    async with SimulatedEos("leaf1", tls=False) as leaf:
        async with plain.session(leaf.endpoint()) as session:
            assert "hostname leaf1" in await session.snapshot()
        with pytest.raises(DeviceRefused, match="use https"):
            async with plain.session(dataclasses.replace(leaf.endpoint(), address="192.0.2.1")):
                pass


async def test_without_a_timer_it_is_the_replace_rung_and_a_commit_is_for_good(
    leaf: SimulatedEos, tmp_path: Path
) -> None:
    plain = variant(tmp_path, "commit-timer, ", "")
    async with plain.session(leaf.endpoint()) as session:
        assert rung(session.offers) is Rung.REPLACE
        await session.lock()
        await session.edit(service(100))
        await session.commit(confirm_within=1)
        await session.confirm()
        assert await session.probe_pending(persist=None, confirm_within=1) is Pending.GONE
        await session.cancel()

    assert "vlan 100" in leaf.running
    assert what(leaf) == ["opened", "committed"]


async def test_a_line_that_is_there_already_is_refused_before_it_is_sent(
    leaf: SimulatedEos,
) -> None:
    taken = trees.diff(EMPTY, Tree(ROOT, children=(line("hostname leaf1"),)))
    async with EOS.session(leaf.endpoint()) as session:
        with pytest.raises(ChangeRejected) as no:
            await session.edit(taken)

    assert no.value.tag == "data-exists"
    assert what(leaf) == []


def test_what_napalm_itself_offers_is_enough_where_a_platform_brings_nothing() -> None:
    """The common box over NAPALM's own EOS driver: one session from commit to confirm or undo."""

    async def story() -> list[str]:
        async with SimulatedEos("leaf1", tls=False) as leaf:
            await asyncio.to_thread(_drive, leaf)
            return what(leaf)

    assert asyncio.run(story()) == ["opened", "timed", "confirmed", "opened", "timed", "aborted"]


def _drive(leaf: SimulatedEos) -> None:
    from napalm.eos import EOSDriver  # noqa: PLC0415 - a second of imports

    options = {"transport": "http", "port": leaf.port, "lock_disable": True}
    common = NapalmBox(EOSDriver("127.0.0.1", "admin", "sim-secret", 10, options))
    common.open()
    for end in (common.confirm, common.undo):
        common.claim()
        common.load("hostname x" if end == common.confirm else "hostname y")
        assert common.staged
        assert "+hostname" in common.compare()
        common.commit_for(30)
        assert common.pending() is Pending.HELD
        end()
        assert common.pending() is Pending.GONE
    assert "hostname x" in common.running()
    common.close()


def variant(tmp_path: Path, old: str, new: str) -> NapalmDriver:
    """The shipped platform with one word of its data changed."""
    folder = tmp_path / "arista_eos"
    shutil.copytree(Path(device_models.__file__).parent / "arista_eos", folder)
    data = (folder / "platform.yaml").read_text()
    assert old in data
    (folder / "platform.yaml").write_text(data.replace(old, new))
    return NapalmDriver("arista_eos", box.made, data=tmp_path)
