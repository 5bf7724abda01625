"""A driver's laws run on a device that is read-only: kept, broken, refused; what is around stays."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent import clock, errors, registry, store
from oss_agent.platforms import proofs, proving, trial
from oss_agent.spi import audit
from oss_agent.spi.device import Endpoint, Rung
from oss_agent.spi.logins import Asker
from oss_agent.spi.standing import Identity
from oss_agent.testing import contract
from oss_agent.testing.contract import Check, committing, trusting
from oss_agent.testing.contract.peer import clean
from oss_agent.testing.simulated import SimulatedDevice

pytestmark = pytest.mark.anyio

_KEPT = (
    trusting.another_host_key_is_refused_before_any_login,
    committing.a_commit_is_live_and_read_back,
    committing.a_refused_change_leaves_running_as_before,
    committing.a_prediction_is_what_a_commit_leaves,
)
_PROFILES = (
    '<profiles xmlns="urn:oss-agent:lab:services"><rate-profile><name>gold</name>'
    "<rate>5000</rate></rate-profile></profiles>"
)


def _these(*found: trial.Trial) -> Callable[[str], tuple[trial.Trial, ...]]:
    def trials(platform: str) -> tuple[trial.Trial, ...]:
        assert platform == "sim_netconf"
        return found

    return trials


class _Lease:
    """The one lease there is: an order's, a run's, or nobody's."""

    def __init__(self, holder: str = "") -> None:
        self.holder = holder
        self.run = ""

    def take(
        self, connection: sa.Connection, run: str, tenant: str, device: str, at: datetime
    ) -> None:
        del connection, at
        assert (tenant, device) == ("default", "sim1")
        if self.holder:
            raise errors.OrderRejected(f"{self.holder} has it", field="device", status=409)
        self.holder, self.run = "a run", run

    def free(self, connection: sa.Connection, run: str, at: datetime) -> None:
        del connection, at
        if run == self.run:
            self.holder = ""


@dataclass
class Keeper:
    """How the one device stands."""

    stands: str = "read-only"
    version: str = "9"
    passes: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    def now(self, connection: sa.Connection, tenant: str, device: str) -> tuple[Identity, str]:
        del connection, tenant, device
        return Identity("sim_netconf", "Sim", self.version), self.stands

    def passed(
        self, connection: sa.Connection, device: str, laws: Any, *, by: str, at: datetime
    ) -> Identity:
        assert (device, by, at.tzinfo is not None) == ("sim1", "op", True)
        self.passes.append(tuple(laws))
        return self.now(connection, "", device)[0]


@dataclass
class World:
    box: SimulatedDevice
    ways: proving.Ways
    keeper: Keeper
    deeds: list[audit.Deed]

    async def snapshot(self) -> str:
        driver = self.ways.drivers.driver("sim_netconf")
        async with driver.session(self.box.endpoint()) as session:
            return await session.snapshot()

    async def prove(self, confirmed: str = "sim1", **changes: Any) -> Any:
        runner = proving.LawRunner(dataclasses.replace(self.ways, **changes))
        return await runner.prove("default", "sim1", confirmed=confirmed, by="op")


@dataclass
class Devices:
    """The inventory, as far as one device."""

    at: Endpoint

    async def endpoint(self, device: str) -> Endpoint:
        assert device == self.at.device
        return self.at

    by_address: Any = None
    pollable: Any = None


@dataclass
class Slow(Devices):
    """The same, while the inventory is waited for."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def endpoint(self, device: str) -> Endpoint:
        assert not self.asked.is_set(), "a second run was admitted"
        self.asked.set()
        await self.go.wait()
        return await super().endpoint(device)


@pytest.fixture
async def it(database_url: str) -> AsyncIterator[World]:
    keeper, deeds, shown = Keeper(), list[audit.Deed](), proofs.InstalledProofs()
    lease = _Lease()
    async with store.open_store(database_url) as rows, SimulatedDevice("sim1") as box:
        box.change_by_hand(_PROFILES)

        def checks(rung: Rung, *, excludes: bool) -> tuple[Check, ...]:
            assert (rung, excludes) == (Rung.PERSIST, True)
            return _KEPT

        ways = proving.Ways(
            store=rows,
            clock=clock.SystemClock(),
            devices=Devices(box.endpoint()),
            drivers=registry.installed(),
            keeper=keeper,
            proofs=shown,
            trials=shown.trials,
            lease=lease.take,
            freed=lease.free,
            audit=lambda _, deed: deeds.append(deed),
            checks=checks,
        )
        yield World(box, ways, keeper, deeds)
        assert lease.holder == "", "it was given back"


async def test_laws_that_are_kept_prove_it_and_leave_nothing(it: World) -> None:
    before = await it.snapshot()
    report = await it.prove()

    assert [(one.store, one.outcome) for one in report.laws] == [("netconf", "kept")] * len(_KEPT)
    assert (report.proven, report.left, report.version) == (True, "", "9")
    assert await it.snapshot() == before, "the profile beside the trial is there, the trial is not"
    (passed,) = it.keeper.passes
    assert passed[0] == "netconf: another_host_key_is_refused_before_any_login"
    (deed,) = it.deeds
    assert (deed.action, deed.subject, deed.actor) == ("prove", "device:sim1", "op")
    assert deed.detail["proven"] is True


async def test_a_broken_law_leaves_it_read_only_and_ends_the_run(it: World) -> None:
    before = await it.snapshot()
    (told,) = it.ways.trials("sim_netconf")
    wrong = told.model_copy(update={"refused": told.samples[0]})  # which it does not refuse
    report = await it.prove(trials=_these(wrong))

    assert [one.outcome for one in report.laws] == ["kept", "kept", "broken", "not run"]
    assert "ChangeRejected" in report.laws[2].reason
    assert (report.proven, it.keeper.passes) == (False, [])
    assert it.deeds[0].detail["broken"] == ["netconf: a_refused_change_leaves_running_as_before"]
    assert await it.snapshot() == before


async def test_one_that_was_upgraded_meanwhile_is_not_proven(it: World) -> None:
    def checks(rung: Rung, *, excludes: bool) -> tuple[Check, ...]:
        del rung, excludes
        it.keeper.version = "10"
        return _KEPT[:1]

    report = await it.prove(checks=checks)
    assert (report.proven, it.keeper.passes) == (False, [])


@pytest.mark.parametrize(
    ("stands", "holder", "confirmed", "words"),
    [
        ("read-only", "", "other", "this commits on sim1: confirm it with its name"),
        ("proven", "", "sim1", "sim1 is proven, and laws are run on a read-only device alone"),
        ("unproven", "", "sim1", "sim1 is unproven"),
        ("listed", "", "sim1", "sim1 is listed"),
        ("read-only", "order 17", "sim1", "order 17 has it"),
    ],
)
async def test_it_is_refused_before_anything_is_sent(
    it: World, stands: str, holder: str, confirmed: str, words: str
) -> None:
    it.keeper.stands = stands
    with pytest.raises(errors.OrderRejected, match=words):
        await it.prove(confirmed, lease=_Lease(holder).take)
    assert it.box.login_attempts == ()


async def test_of_two_requests_at_once_one_runs(it: World) -> None:
    slow = Slow(it.box.endpoint())
    runner = proving.LawRunner(dataclasses.replace(it.ways, devices=slow))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(runner.prove("default", "sim1", confirmed="sim1", by="op"))
        await slow.asked.wait()
        with pytest.raises(errors.OrderRejected, match="a run has it"):
            await runner.prove("default", "sim1", confirmed="sim1", by="op")
        slow.go.set()
    assert first.result().proven


def _only(*laws: Check) -> Callable[..., tuple[Check, ...]]:
    def checks(rung: Rung, *, excludes: bool) -> tuple[Check, ...]:
        del rung, excludes
        return laws

    return checks


async def _staged(peer: contract.Peer) -> None:
    async with peer.session() as session:
        await peer.put(session, peer.samples[0])


async def test_a_defect_in_a_law_leaves_nothing_on_the_device(it: World) -> None:
    before = await it.snapshot()

    async def odd(peer: contract.Peer) -> None:
        await _staged(peer)
        raise LookupError("a defect")

    report = await it.prove(checks=_only(odd, *_KEPT))
    assert (report.proven, report.left) == (False, "")
    assert [one.outcome for one in report.laws] == ["broken", *["not run"] * len(_KEPT)]
    assert report.laws[0].reason.startswith("LookupError: a defect (a defect;")
    assert await it.snapshot() == before
    assert it.deeds[0].detail["left"] == ""


async def test_a_run_that_is_ended_takes_away_what_it_tried(it: World) -> None:
    before = await it.snapshot()
    there = asyncio.Event()

    async def endless(peer: contract.Peer) -> None:
        await _staged(peer)
        there.set()
        await asyncio.Event().wait()

    run = asyncio.create_task(it.prove(checks=_only(endless)))
    await there.wait()
    assert await it.snapshot() != before
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await it.snapshot() == before
    assert it.keeper.passes == []


async def test_a_run_that_is_ended_while_it_takes_away_what_it_tried_goes_on_with_that(
    it: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await it.snapshot()
    begun = asyncio.Event()

    async def first_for_ever(peer: contract.Peer) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        await clean(peer)

    monkeypatch.setattr(proving, "clean", first_for_ever)
    run = asyncio.create_task(it.prove(checks=_only(_staged)))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await it.snapshot() == before


async def test_each_store_is_emptied_also_where_another_could_not_be(
    it: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await it.snapshot()
    asked: list[str] = []

    async def second_alone(peer: contract.Peer) -> None:
        asked.append(peer.store)
        if len(asked) == 1:
            raise contract.BrokenContract("it does not go")
        await clean(peer)

    monkeypatch.setattr(proving, "clean", second_alone)
    (told,) = it.ways.trials("sim_netconf")
    report = await it.prove(trials=_these(told, told), checks=_only(_staged))
    assert report.left == "what was tried in netconf may still be there: it does not go"
    assert len(asked) == 2
    assert await it.snapshot() == before


async def test_a_lease_is_given_back_as_soon_as_the_database_takes_writes(
    it: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "_AGAIN", 0.0)
    away = [True, True]

    def freed(connection: sa.Connection, run: str, at: datetime) -> None:
        if away:
            away.pop()
            raise errors.StoreUnavailable("the database takes no writes")
        it.ways.freed(connection, run, at)

    assert (await it.prove(freed=freed)).proven
    assert not away


async def test_who_is_told_to_stop_waits_for_no_database(it: World) -> None:
    begun, tries = asyncio.Event(), list[str]()

    async def endless(_: contract.Peer) -> None:
        begun.set()
        await asyncio.Event().wait()

    def freed(connection: sa.Connection, run: str, at: datetime) -> None:
        tries.append(run)
        it.ways.freed(connection, run, at)
        raise errors.StoreUnavailable("the store is closed")

    run = asyncio.create_task(it.prove(checks=_only(endless), freed=freed))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert len(tries) == 1


async def test_what_could_not_be_taken_away_is_said_where_it_is(it: World) -> None:
    async def dies(peer: contract.Peer) -> None:
        await _staged(peer)
        await it.box.__aexit__(None, None, None)

    report = await it.prove(checks=_only(dies))
    assert not report.proven
    assert report.left.startswith("what was tried in netconf may still be there: ")
    assert it.deeds[0].detail["left"] == report.left


async def test_a_driver_without_a_trial_says_what_lacks(it: World) -> None:
    with pytest.raises(errors.OrderRejected, match="does not say what may be tried on a device's"):
        await it.prove(trials=_these())


def test_a_scope_that_could_hold_others_is_refused() -> None:
    shown = proofs.InstalledProofs()
    (told,) = shown.trials("sim_netconf")
    wide = told.model_copy(update={"scope": ({"name": "profiles"},), "samples": ((), (), ())})
    driver = registry.installed().driver("sim_netconf")
    with pytest.raises(errors.ConfigurationError, match="is no entry of a list"):
        wide.peer(driver, Endpoint("a", "sim_netconf", "192.0.2.1", credential=None))  # type: ignore[arg-type]  # unused


@pytest.mark.parametrize("platform", ["sim_netconf", "frr_linux", "sim_cli", "arista_eos"])
def test_the_shipped_trials_are_of_every_store(platform: str) -> None:
    told = proofs.InstalledProofs().trials(platform)
    driver = registry.installed().driver(platform)
    assert [one.store for one in told] == list(driver.stores)
    assert all("oss-agent-trial" in str(one.scope).lower() for one in told)
    assert trial.TRIAL == "trial"


async def test_a_device_that_does_not_take_its_login_is_not_tried(it: World) -> None:
    asked: list[str] = []

    @contextlib.asynccontextmanager
    async def sending(endpoint: Endpoint, by: Asker) -> AsyncIterator[None]:
        asked.append(f"{endpoint.device} {by.value}")
        yield

    right = it.box.endpoint()
    wrong = dataclasses.replace(right.credential, password="wrong")
    at = Devices(dataclasses.replace(right, credential=wrong))
    with pytest.raises(errors.OrderRejected, match="sim1: SSH") as no:
        await it.prove(devices=at, sending=sending)
    assert no.value.status == 409
    assert asked == ["sim1 laws"]
    assert len(it.box.login_attempts) == 1, "no law was run with it, nor the wrong password of one"
