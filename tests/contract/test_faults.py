"""What our client makes of each fault a device can show: the right error, no hang, no half session."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import yaml

import device_models
from drivers.netconf import greeting, transport
from drivers.netconf.driver import NetconfDriver
from oss_agent import errors
from oss_agent.spi import device
from oss_agent.spi.device import Rung
from oss_agent.spi.tree import Tree
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated import (
    OFFERS,
    UNSAFE,
    Faults,
    Greeting,
    Kind,
    Mangling,
    Offer,
    SimulatedDevice,
)
from tests import leaps
from tests.contract.driver_peers import SAMPLES, SERVICES

pytestmark = pytest.mark.anyio

_NOTHING = ""
_HELLO, _RPC, _COMMIT = "hello_within", "rpc_within", "commit_within"
_DEADLINES = (_HELLO, _RPC, _COMMIT)
_LONG = 120.0
"""Seconds for whatever has to be answered: nobody waits for them."""
_SHORT = 0.6
"""Seconds for what will never be answered, and for nothing else: any machine may stand still for longer."""
_TARGET = SAMPLES[0]


class Drivers(Protocol):
    """Gives a driver of the simulated platform; ``hurried`` is the one deadline of ``within`` seconds."""

    def __call__(
        self, hurried: str = _NOTHING, within: float = _SHORT, **netconf: float
    ) -> NetconfDriver: ...


@pytest.fixture(scope="module")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> Drivers:
    @functools.cache
    def made(hurried: str = _NOTHING, within: float = _SHORT, **netconf: float) -> NetconfDriver:
        data = tmp_path_factory.mktemp("models")
        shipped = Path(device_models.__file__).parent / "sim_netconf"
        shutil.copytree(shipped, data / "sim_netconf")
        file = data / "sim_netconf" / "platform.yaml"
        platform = yaml.safe_load(file.read_text())
        times = {name: within if name == hurried else _LONG for name in _DEADLINES}
        platform["netconf"] |= times | {"message_limit": 1024 * 1024} | netconf
        file.write_text(yaml.safe_dump(platform))
        return NetconfDriver("sim_netconf", data)

    return made


@pytest.fixture(scope="module")
def driver(drivers: Drivers) -> NetconfDriver:
    """The one that is patient with everything."""
    return drivers()


@dataclass(frozen=True, slots=True)
class Bench:
    """A driver, a device that can break, and the contract's way to handle them."""

    box: SimulatedDevice
    peer: Peer

    def by(self, driver: NetconfDriver) -> Peer:
        """The same device, driven otherwise."""
        return dataclasses.replace(self.peer, driver=driver)


@asynccontextmanager
async def bench(driver: NetconfDriver, box: SimulatedDevice) -> AsyncIterator[Bench]:
    async with box:
        yield Bench(box, Peer(driver, box.endpoint(), SERVICES, SAMPLES, SAMPLES[2]))


@pytest.fixture
async def b(driver: NetconfDriver) -> AsyncIterator[Bench]:
    async with bench(driver, SimulatedDevice("broken")) as made:
        yield made


async def lock(b: Bench, session: device.Session) -> None:
    del b
    await session.lock()


async def read(b: Bench, session: device.Session) -> None:
    await b.peer.content(session)


async def edit(b: Bench, session: device.Session) -> None:
    await b.peer.stage(session, _TARGET)


async def commit(b: Bench, session: device.Session) -> None:
    await b.peer.stage(session, _TARGET)
    await session.commit()


async def hold(b: Bench, session: device.Session) -> None:
    await b.peer.stage(session, _TARGET)
    await session.commit(confirm_within=60, persist="t.1")


async def confirm(b: Bench, session: device.Session) -> None:
    await hold(b, session)
    await session.confirm(persist="t.1")


async def confirm_only(b: Bench, session: device.Session) -> None:
    """What a patient session held."""
    async with b.peer.session() as holder:
        await hold(b, holder)
    await session.confirm(persist="t.1")


Act = Callable[[Bench, device.Session], Awaitable[None]]

ERRORS = [
    (Faults(lose_commit_reply=1), commit, errors.CommitUnknown, _NOTHING),
    (Faults(lose_commit_reply=2), confirm, errors.CommitUnknown, _NOTHING),
    (Faults(drop_before_commit=1), commit, errors.CommitUnknown, _NOTHING),
    (Faults(drop_before_commit=2), confirm, errors.CommitUnknown, _NOTHING),
    (Faults(commit_delay=_LONG), commit, errors.CommitUnknown, _COMMIT),
    (Faults(warning_then_error=True), edit, errors.ChangeRejected, _NOTHING),
    (Faults(refuse_commit="no room in the table"), commit, errors.ChangeRejected, _NOTHING),
    (Faults(refuse_confirm="too late"), confirm, errors.ChangeRejected, _NOTHING),
    (Faults(lock_held_by=77), lock, errors.DeviceBusy, _NOTHING),
    (Faults(wrong_message_id=True), lock, errors.DeviceUnreachable, _RPC),
    (Faults(byte_delay=0.05), lock, errors.DeviceUnreachable, _RPC),
    (Faults(reply_padding=2 * 1024 * 1024), read, errors.DeviceUnreachable, _NOTHING),
    (Faults(half_open=True), lock, errors.DeviceUnreachable, _RPC),
    (Faults(half_open=True), read, errors.DeviceUnreachable, _RPC),
    (Faults(commit_takes=_LONG), commit, errors.CommitUnknown, _COMMIT),
    (Faults(swallow_confirm=True), confirm_only, errors.CommitUnknown, _COMMIT),
    *(
        (Faults(mangling=mangling), lock, errors.DeviceUnreachable, _RPC)
        for mangling in Mangling
        if mangling is not Mangling.END_MARK_INSIDE
    ),
    (Faults(garbage_reply=b"\n#9999999999\n"), lock, errors.DeviceUnreachable, _RPC),
    (Faults(garbage_reply=b"login incorrect ]]>]]>\r\n"), lock, errors.DeviceUnreachable, _RPC),
    (Faults(garbage_reply=b"\n#5\n\xff\xfe<x/\n##\n"), lock, errors.DeviceUnreachable, _RPC),
    (
        Faults(garbage_reply=b"\n#44\n<!DOCTYPE x [<!ENTITY a 'aaa'>]><x>&a;</x>    \n##\n"),
        lock,
        errors.DeviceUnreachable,
        _RPC,
    ),
]
"""A fault, what is tried, the error, and the deadline that it may come by."""


@pytest.mark.parametrize(("faults", "act", "error", "hurried"), ERRORS)
async def test_a_fault_is_the_right_error_in_time(
    b: Bench,
    drivers: Drivers,
    faults: Faults,
    act: Act,
    error: type[errors.DeviceError],
    hurried: str,
) -> None:
    # In time: what is silent here is so for longer than this test may take.
    async with asyncio.timeout(_LONG), b.by(drivers(hurried)).session() as session:
        b.box.faults = faults
        with pytest.raises(errors.DeviceError) as caught:
            await act(b, session)
        b.box.faults = Faults()

    assert type(caught.value) is error
    assert caught.value.device == "broken"


@pytest.mark.parametrize("greeting", [Greeting.SILENT, Greeting.GARBAGE, Greeting.NO_SESSION_ID])
async def test_a_device_that_greets_wrongly_is_unreachable(
    b: Bench, drivers: Drivers, greeting: Greeting
) -> None:
    b.box.faults = Faults(greeting=greeting)
    with pytest.raises(errors.DeviceUnreachable):
        async with b.by(drivers(_HELLO)).session():
            pass


async def test_no_session_is_left_behind_by_any_of_them(b: Bench) -> None:
    for faults, act, error, _ in ERRORS[:4]:
        async with b.peer.session() as session:
            b.box.faults = faults
            with pytest.raises(error):
                await act(b, session)
            b.box.faults = Faults()
        await b.box.cut()
        b.box.datastores.reboot()

    assert len(b.box.history.of(Kind.SESSION)) == len(b.box.history.of(Kind.CLOSE))


async def test_an_ok_is_no_proof_only_the_read_back_tells(b: Bench) -> None:
    b.box.faults = Faults(ok_changes_nothing=True)
    async with b.peer.session() as session:
        await commit(b, session)
        assert await b.peer.content(session) != _TARGET


@pytest.mark.parametrize(
    ("faults", "live"), [(Faults(lose_commit_reply=1), True), (Faults(drop_before_commit=1), False)]
)
async def test_after_an_unknown_commit_the_read_back_tells(
    b: Bench, faults: Faults, *, live: bool
) -> None:
    async with b.peer.session() as session:
        b.box.faults = faults
        with pytest.raises(errors.CommitUnknown):
            await commit(b, session)

    assert await b.peer.holds(_TARGET) is live
    assert len(b.box.history.of(Kind.COMMIT)) == int(live)


async def test_after_a_lost_confirm_the_change_stays(b: Bench) -> None:
    async with b.peer.session() as session:
        b.box.faults = Faults(lose_commit_reply=2)
        with pytest.raises(errors.CommitUnknown):
            await confirm(b, session)
        b.box.faults = Faults()

    async with b.peer.session() as session:
        found = await session.probe_pending(persist="t.1", confirm_within=30)
    assert found is device.Pending.GONE
    assert await b.peer.holds(_TARGET)


async def test_a_timed_out_commit_ends_its_session(b: Bench, drivers: Drivers) -> None:
    async with b.by(drivers(_COMMIT)).session() as session:
        b.box.faults = Faults(commit_delay=_LONG)
        with pytest.raises(errors.CommitUnknown):
            await commit(b, session)
        with pytest.raises(errors.DeviceUnreachable):
            await session.lock()


async def test_a_late_ok_is_still_an_ok(b: Bench) -> None:
    b.box.faults = Faults(commit_delay=0.2)
    async with b.peer.session() as session:
        await commit(b, session)

    assert await b.peer.holds(_TARGET)


async def test_a_warning_beside_the_ok_is_an_ok(b: Bench) -> None:
    b.box.faults = Faults(warning_with_ok=True)
    async with b.peer.session() as session:
        await commit(b, session)

    assert await b.peer.holds(_TARGET)


async def test_a_starved_timer_fires_once_it_is_left_in_peace(b: Bench) -> None:
    quiet, now = 3.0, asyncio.get_running_loop().time
    b.box.faults = Faults(starve_timer=quiet)
    async with b.peer.session() as session:
        await b.peer.stage(session, _TARGET)
        await session.commit(confirm_within=1, persist="t.1")
        asked, late = now(), now() + 1.5
        while asked < late:
            stands = await b.peer.content(session) == _TARGET
            assert stands or now() - asked >= quiet, "who asks it keeps it from ringing"
            asked = now()
            await asyncio.sleep(0.1)
        async with asyncio.timeout(300):
            while b.box.datastores.pending:  # noqa: ASYNC110  who asks the device keeps it awake
                await asyncio.sleep(0.05)
        assert await b.peer.content(session) != _TARGET

    assert [entry.detail for entry in b.box.history.of(Kind.ROLLBACK)] == ["timeout"]


async def test_a_candidate_left_dirty_does_not_stop_the_next_lock(b: Bench) -> None:
    b.box.faults = Faults(keeps_dirty_candidate=True, refuse_commit="no")
    async with b.peer.session() as session:
        await session.lock()
        with pytest.raises(errors.ChangeRejected):
            await commit(b, session)
        await session.unlock()
    b.box.faults = Faults(keeps_dirty_candidate=True)
    async with b.peer.session() as session:
        await session.lock()
        assert await session.diff() == ""


async def test_the_holder_of_a_lock_is_named(b: Bench) -> None:
    b.box.faults = Faults(lock_held_by=77)
    async with b.peer.session() as session:
        with pytest.raises(errors.DeviceBusy) as caught:
            await session.lock()

    assert caught.value.holder == "77"


async def test_a_server_that_sits_on_the_first_request_is_knocked_at_again(
    drivers: Drivers,
) -> None:
    async with bench(drivers(knocks=True), SimulatedDevice("sitting")) as b:
        b.box.faults = Faults(coalesced_hangs=True)
        async with b.peer.session() as session:
            await session.lock()
            await session.unlock()

        assert [entry.detail for entry in b.box.history.of(Kind.FAULT)] == [
            "hello and RPC in one read"
        ]


async def test_one_that_nobody_knows_and_that_sits_on_its_first_request_hears_the_goodbye(
    b: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The goodbye is all that it is asked: said once it was never answered, and waited for in full."""
    monkeypatch.setattr(transport, "_GOODBYE_WITHIN", 600.0)
    b.box.faults = Faults(coalesced_hangs=True)
    async with asyncio.timeout(300):
        assert "urn:ietf:params:netconf:base:1.1" in await greeting.read(b.box.endpoint())


async def test_who_answers_no_knock_is_not_reached(drivers: Drivers) -> None:
    async with bench(drivers(_RPC, knocks=True), SimulatedDevice("gone")) as b:
        b.box.faults = Faults(half_open=True)
        with pytest.raises(errors.DeviceUnreachable, match="no answer to the first request"):
            async with b.peer.session():
                pass


async def test_a_huge_reply_below_the_limit_is_read(b: Bench) -> None:
    b.box.faults = Faults(reply_padding=900 * 1024)
    async with b.peer.session() as session:
        await commit(b, session)
        assert await b.peer.content(session) == _TARGET


async def test_a_device_without_persist_or_chunks_is_driven_on_its_own_rung(
    driver: NetconfDriver,
) -> None:
    box = SimulatedDevice("old", offer=Offer(chunked=False, persist=False, validate=False))
    async with bench(driver, box) as old, old.peer.session() as session:
        assert device.Capability.PERSIST not in session.offers
        await old.peer.stage(session, _TARGET)
        await session.commit(confirm_within=60)
        await session.confirm()
        assert await old.peer.content(session) == _TARGET


async def test_a_startup_datastore_is_saved_and_survives_a_reboot(driver: NetconfDriver) -> None:
    async with bench(driver, SimulatedDevice("two", offer=Offer(startup=True))) as two:
        async with two.peer.session() as session:
            assert device.Capability.STARTUP in session.offers
            await commit(two, session)
            await session.save()
        await two.box.reboot()

        assert await two.peer.holds(_TARGET)
        await two.box.reboot()
        assert len(two.box.history.of(Kind.SAVE)) == 1


async def test_an_end_mark_inside_chunks_is_data(b: Bench) -> None:
    b.box.faults = Faults(mangling=Mangling.END_MARK_INSIDE)
    async with b.peer.session() as session:
        await commit(b, session)
        assert await b.peer.content(session) == _TARGET


async def test_an_end_mark_inside_the_old_framing_ends_the_session(driver: NetconfDriver) -> None:
    box = SimulatedDevice("broken", offer=Offer(chunked=False, persist=False))
    async with bench(driver, box) as old, old.peer.session() as session:
        old.box.faults = Faults(mangling=Mangling.END_MARK_INSIDE)
        with pytest.raises(errors.DeviceUnreachable):
            await session.lock()


async def test_a_stranger_who_lets_go_is_waited_out_by_asking_again(b: Bench) -> None:
    """F-11: DeviceBusy each time, and the lock is ours once it is free; nobody is killed."""
    b.box.faults = Faults(lock_held_by=77, lock_held_for=0.4)
    refusals = 0
    async with b.peer.session() as session, asyncio.timeout(300):
        while True:
            try:
                await session.lock()
                break
            except errors.DeviceBusy:
                refusals += 1
                await asyncio.sleep(0.1)

    assert refusals >= 1
    assert len(b.box.history.of(Kind.LOCK)) == 2


async def test_a_session_of_ours_that_died_is_waited_out_the_same_way(b: Bench) -> None:
    """F-12: the device keeps the dead session for a while; then its lock and edits are gone."""
    async with b.peer.through_relay() as (relayed, relay), relayed.session() as dying:
        await dying.lock()
        await b.peer.stage(dying, _TARGET)
        relay.mute()
        async with b.peer.session() as session:
            with pytest.raises(errors.DeviceBusy) as caught:
                await session.lock()
            assert caught.value.holder is not None
            relay.cut()
            async with asyncio.timeout(300):
                while not await _locks(session):  # noqa: ASYNC110 - a lock frees without a word
                    await asyncio.sleep(0.05)
            assert await session.diff() == ""


async def _locks(session: device.Session) -> bool:
    try:
        await session.lock()
    except errors.DeviceBusy:
        return False
    return True


async def test_unreachable_between_edit_and_commit_leaves_all_as_before(b: Bench) -> None:
    """F-07."""
    async with b.peer.session() as session:
        before = await session.snapshot()
    async with b.peer.through_relay() as (relayed, relay), relayed.session() as session:
        await session.lock()
        await b.peer.stage(session, _TARGET)
        relay.cut()
        await asyncio.sleep(0.1)
        with pytest.raises(errors.DeviceUnreachable):
            await session.commit(confirm_within=60, persist="t.1")
    async with b.peer.session() as session:
        await session.lock()
        assert (await session.snapshot(), await session.diff()) == (before, "")


async def test_unreachable_between_commit_and_confirm_is_undone_by_the_device(b: Bench) -> None:
    """F-08, F-10: found GONE and read back as before, never taken for confirmed."""
    async with b.peer.through_relay() as (relayed, relay), relayed.session() as session:
        await b.peer.stage(session, _TARGET)
        await session.commit(confirm_within=1, persist="t.1")
        relay.cut()
    await asyncio.sleep(1.3)
    async with b.peer.session() as session:
        found = await session.probe_pending(persist="t.1", confirm_within=30)
        with pytest.raises(errors.ChangeRejected):
            await session.confirm(persist="t.1")
        assert await b.peer.content(session) != _TARGET

    assert found is device.Pending.GONE


async def test_a_reboot_behind_the_commit_is_seen_by_reading_back(driver: NetconfDriver) -> None:
    """F-38: the ok came, the configuration went: nothing but a read-back tells."""
    box = SimulatedDevice("broken", offer=Offer(startup=True))
    async with bench(driver, box) as two:
        box.faults = Faults(reboot_after_commit=1)
        async with two.peer.session() as session:
            await commit(two, session)
        assert not await two.peer.holds(_TARGET)


_NO_TIMER = [Rung.CANDIDATE, Rung.RUNNING]


@pytest.mark.parametrize("rung", _NO_TIMER)
@pytest.mark.parametrize("before", [SAMPLES[1], SAMPLES[0]], ids=["other", "same-names"])
async def test_half_of_a_refused_change_is_taken_back_and_then_it_is_a_refusal(
    driver: NetconfDriver, rung: Rung, before: Tree
) -> None:
    box = SimulatedDevice("broken", offer=OFFERS[rung])
    async with bench(driver, box) as broken, broken.peer.session() as session:
        await broken.peer.put(session, before)
        text = await session.snapshot()
        await broken.peer.stage(session, SAMPLES[2])
        box.faults = Faults(refuse_commit="no", refused_half_done=True)
        later = asyncio.get_running_loop().call_soon(_recover, box)
        with pytest.raises(errors.ChangeRejected, match="no"):
            await session.commit()
        later.cancel()

        assert await session.snapshot() == text
        assert await session.diff() == ""


def _recover(box: SimulatedDevice) -> None:
    """Lets go of the faults once they have shown."""
    if box.history.of(Kind.REFUSED):
        box.faults = Faults()
    else:
        asyncio.get_running_loop().call_soon(_recover, box)


@pytest.mark.parametrize("rung", _NO_TIMER)
async def test_a_half_that_cannot_be_taken_back_is_unknown_never_a_refusal(
    driver: NetconfDriver, rung: Rung
) -> None:
    faults = Faults(refuse_commit="no", refused_half_done=True)
    box = SimulatedDevice("broken", offer=OFFERS[rung])
    async with bench(driver, box) as broken, broken.peer.session() as session:
        await broken.peer.stage(session, SAMPLES[1])
        box.faults = faults
        with pytest.raises(errors.CommitUnknown, match="refused"):
            await session.commit()


@pytest.mark.parametrize("rung", _NO_TIMER)
@pytest.mark.parametrize(
    ("faults", "live"), [(Faults(lose_commit_reply=1), True), (Faults(drop_before_commit=1), False)]
)
async def test_without_a_timer_a_lost_answer_is_unknown_too(
    driver: NetconfDriver, rung: Rung, faults: Faults, *, live: bool
) -> None:
    async with bench(driver, SimulatedDevice("broken", offer=OFFERS[rung])) as broken:
        async with broken.peer.session() as session:
            broken.box.faults = faults
            with pytest.raises(errors.CommitUnknown):
                await commit(broken, session)
        broken.box.faults = Faults()

        assert await broken.peer.holds(_TARGET) is live
        assert len(broken.box.history.of(Kind.COMMIT)) == int(live)


async def test_a_device_without_a_safe_rung_is_read_and_never_written(
    driver: NetconfDriver,
) -> None:
    async with bench(driver, SimulatedDevice("broken", offer=UNSAFE)) as unsafe:
        async with unsafe.peer.session() as session:
            assert device.rung(session.offers) is None
            assert await session.snapshot() == ""
            with pytest.raises(errors.DeviceRefused, match="neither a candidate"):
                await session.lock()
            with pytest.raises(errors.ChangeRejected, match="neither a candidate"):
                await unsafe.peer.stage(session, _TARGET)

        assert unsafe.box.history.of(Kind.EDIT, Kind.COMMIT) == ()


async def test_a_timer_without_tokens_ends_with_its_session(driver: NetconfDriver) -> None:
    box = SimulatedDevice("broken", offer=OFFERS[Rung.CONFIRMED])
    async with bench(driver, box) as tied:
        async with tied.peer.session() as session:
            await tied.peer.stage(session, _TARGET)
            await session.commit(confirm_within=60, persist="t.1")
            async with tied.peer.session() as other:
                with pytest.raises(errors.ChangeRejected, match="nothing is pending"):
                    await other.confirm(persist="t.1")
            assert await session.probe_pending(persist="t.1", confirm_within=60) is (
                device.Pending.HELD
            )
            await session.cancel(persist="t.1")
            with pytest.raises(errors.DeviceUnreachable):
                await session.snapshot()

        assert not await tied.peer.holds(_TARGET)
        assert [entry.detail for entry in box.history.of(Kind.ROLLBACK)] == ["session closed"]


async def test_a_silent_peer_is_given_up_and_nothing_of_it_is_left(
    b: Bench, drivers: Drivers
) -> None:
    """F-28: no task and no connection outlives the session."""
    tasks = len(asyncio.all_tasks())
    async with b.by(drivers(_RPC)).through_relay() as (relayed, relay):
        async with relayed.session() as session:
            relay.mute()
            with pytest.raises(errors.DeviceUnreachable):
                await session.lock()
        relay.cut()
    await b.box.cut()
    async with asyncio.timeout(300):
        while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110  tasks end without a word
            await asyncio.sleep(0.01)


async def test_all_sessions_of_a_connection_ride_on_one_login(b: Bench) -> None:
    async with b.peer.driver.connect(b.box.endpoint()) as made:
        async with made.session() as writing, made.session() as reading:
            await writing.lock()
            async with asyncio.TaskGroup() as group:
                for _ in range(40):
                    group.create_task(b.peer.content(reading))
            await writing.unlock()
        assert made.alive
        await b.box.cut()
        async with asyncio.timeout(300):
            while made.alive:  # noqa: ASYNC110 - a connection tells by a property alone
                await asyncio.sleep(0.01)
        with pytest.raises(errors.DeviceUnreachable, match="connection is gone"):
            async with made.session():
                pass

    assert len(b.box.login_attempts) == 1
    assert len(b.box.history.of(Kind.SESSION)) == 2


async def test_a_read_that_is_swallowed_fails_alone_and_the_session_goes_on(b: Bench) -> None:
    b.box.faults = Faults(swallow_read=2)
    async with b.peer.session() as session:
        first, lost, *rest = [asyncio.ensure_future(session.read(SERVICES)) for _ in range(5)]
        await asyncio.gather(first, *rest)
        leaps.leap(_LONG)
        with pytest.raises(errors.DeviceUnreachable):
            await lost
        await b.peer.put(session, _TARGET)

    assert await b.peer.holds(_TARGET)


async def test_an_answer_that_comes_twice_counts_once(b: Bench) -> None:
    b.box.faults = Faults(answers_twice=True)
    async with b.peer.session() as session:
        await b.peer.put(session, _TARGET)
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(session.read(SERVICES)) for _ in range(5)]

    assert all(one.result().children for one in reads)
    assert await b.peer.holds(_TARGET)


async def test_a_read_that_was_given_up_leaves_the_session_usable(b: Bench) -> None:
    async with b.peer.session() as session:
        given_up = [asyncio.ensure_future(session.read(SERVICES)) for _ in range(5)]
        await asyncio.sleep(0)
        for one in given_up:
            one.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        await b.peer.put(session, _TARGET)

    assert await b.peer.holds(_TARGET)


async def test_a_server_that_must_be_asked_one_thing_at_a_time_is(
    b: Bench, drivers: Drivers
) -> None:
    """The third was never sent: nobody knows whether the second is still in work."""
    b.box.faults = Faults(swallow_read=2)
    async with b.by(drivers(pipeline=1)).session() as session:
        first, *behind = [asyncio.ensure_future(session.read(SERVICES)) for _ in range(3)]
        assert isinstance(await first, Tree)
        while not b.box.history.of(Kind.FAULT):  # noqa: ASYNC110  a device swallows without a word
            await asyncio.sleep(0.01)
        leaps.leap(_LONG)
        lost = await asyncio.gather(*behind, return_exceptions=True)

    assert [type(one) for one in lost] == [errors.DeviceUnreachable] * 2
    assert len(b.box.history.of(Kind.FAULT)) == 1
