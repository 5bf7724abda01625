"""The simulator on each rung of the ladder, and the faults that only some rungs can show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import pytest

from oss_agent.spi.device import Rung
from oss_agent.testing.simulated import OFFERS, UNSAFE, Faults, Kind, SimulatedDevice
from tests import leaps
from tests.contract import raw_netconf
from tests.contract.raw_netconf import BASE, LAB, RawSession, Server

pytestmark = pytest.mark.anyio

_YANG = "urn:ietf:params:xml:ns:yang:1"


def edit(inside: str, *, top: str = "services", target: str = "running", option: str = "") -> str:
    config = f'<{top} xmlns="{LAB}" xmlns:nc="{BASE}" xmlns:y="{_YANG}">{inside}</{top}>'
    return (
        f"<edit-config><target><{target}/></target>{option}<config>{config}</config></edit-config>"
    )


def eline(name: str, port: str = "eth1", extra: str = "") -> str:
    return f"<eline{extra}><name>{name}</name><vni>7</vni><port>{port}</port></eline>"


@asynccontextmanager
async def talking(box: SimulatedDevice) -> AsyncIterator[RawSession]:
    server = Server(box.address, box.port, box.login.username, box.login.password, box.host_key)
    async with raw_netconf.connection(server) as link, raw_netconf.session(link) as session:
        yield session


ROLLBACK = "<error-option>rollback-on-error</error-option>"
TWO = eline("a") + eline("b", "eth2", ' nc:operation="delete"')
CONFIRMED = "<commit><confirmed/><confirm-timeout>60</confirm-timeout></commit>"


@pytest.mark.parametrize(
    ("rung", "words"),
    [
        (Rung.PERSIST, ("ok", "ok", "operation-not-supported")),
        (Rung.CONFIRMED, ("ok", "operation-not-supported", "operation-not-supported")),
        (Rung.CANDIDATE, ("unknown-element", "operation-not-supported", "operation-not-supported")),
        (Rung.RUNNING, ("operation-not-supported", "operation-not-supported", "ok")),
    ],
)
async def test_a_rung_takes_what_it_offers_and_no_more(rung: Rung, words: tuple[str, ...]) -> None:
    async with SimulatedDevice("d", offer=OFFERS[rung]) as box, talking(box) as session:
        answers = [
            await session.ask(operation)
            for operation in (CONFIRMED, "<cancel-commit/>", edit(eline("a")))
        ]

    assert tuple(answer.word for answer in answers) == words


@pytest.mark.parametrize(("option", "left"), [(ROLLBACK, False), ("", True)])
async def test_only_rollback_on_error_takes_a_refused_edit_of_running_back(
    option: str,
    left: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with SimulatedDevice("d", offer=OFFERS[Rung.RUNNING]) as box, talking(box) as session:
        refused = await session.ask(edit(TWO, option=option))

    assert refused.word == "data-missing"
    assert bool(box.datastores.running) is left


async def test_who_offers_no_rollback_on_error_refuses_it() -> None:
    async with SimulatedDevice("d", offer=UNSAFE) as box, talking(box) as session:
        assert (await session.ask(edit(TWO, option=ROLLBACK))).word == "invalid-value"


@pytest.mark.parametrize("rung", [Rung.CANDIDATE, Rung.RUNNING])
async def test_a_refusal_can_leave_half_of_it_live(rung: Rung) -> None:
    faults = Faults(refuse_commit="no", refused_half_done=True)
    both = eline("a") + eline("b", "eth2")
    async with (
        SimulatedDevice("d", offer=OFFERS[rung], faults=faults) as box,
        talking(box) as session,
    ):
        if rung is Rung.RUNNING:
            refused = await session.ask(edit(both))
        else:
            await session.ask(edit(both, target="candidate"))
            refused = await session.ask("<commit/>")

    assert refused.word == "operation-failed"
    assert "<name>a</name>" in box.datastores.running_text()
    assert "<name>b</name>" not in box.datastores.running_text()


async def test_users_order_their_list_by_insert() -> None:
    def rule(name: str, where: str = "") -> str:
        return f"<rule{where}><name>{name}</name><action>permit</action></rule>"

    async with SimulatedDevice("d", offer=OFFERS[Rung.RUNNING]) as box, talking(box) as session:
        for inside in (
            rule("a"),
            rule("b"),
            rule("c", ' y:insert="first"'),
            rule("d", """ y:insert="before" y:key="[oss:name='b']" """),
            rule("c", ' y:insert="last"'),
        ):
            assert (await session.ask(edit(inside, top="policy"))).ok
        nowhere = rule("a", """ y:insert="after" y:key="[oss:name='x']" """)
        refused = await session.ask(edit(nowhere, top="policy"))

    assert refused.word == "bad-attribute"
    assert b"missing-instance" in refused.reply
    names = box.datastores.running_text().split("<name>")[1:]
    assert [name[0] for name in names] == ["a", "d", "b", "c"]


async def test_a_slow_commit_happens_though_its_client_left() -> None:
    box = SimulatedDevice("d", offer=OFFERS[Rung.CANDIDATE], faults=Faults(commit_takes=300.0))
    async with box:
        async with talking(box) as session:
            await session.ask(edit(eline("a"), target="candidate"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await session.ask("<commit/>")
        assert not box.datastores.running
        box.faults = Faults()
        async with asyncio.timeout(300):
            while not box.datastores.running:  # noqa: ASYNC110  a device does not call
                await asyncio.sleep(0.01)


async def test_a_reboot_behind_a_commit_loses_what_was_not_saved() -> None:
    faults = Faults(reboot_after_commit=1)
    async with SimulatedDevice("d", faults=faults) as box, talking(box) as session:
        await session.ask(edit(eline("a"), target="candidate"))
        assert (await session.ask("<commit/>")).ok
        with pytest.raises((asyncio.IncompleteReadError, asyncssh.Error, OSError)):
            await session.ask("<get/>")

    assert not box.datastores.running
    assert [entry.kind for entry in box.history.of(Kind.COMMIT, Kind.REBOOT)] == [
        Kind.COMMIT,
        Kind.REBOOT,
    ]


async def test_a_stranger_lets_go_of_the_lock_in_time() -> None:
    faults = Faults(lock_held_by=9, lock_held_for=60.0)
    lock = "<lock><target><candidate/></target></lock>"
    async with SimulatedDevice("d", faults=faults) as box, talking(box) as session:
        denied = await session.ask(lock)
        leaps.leap(60)
        granted = await session.ask(lock)

    assert (denied.word, granted.word) == ("lock-denied", "ok")


async def test_a_swallowed_confirm_lets_the_timer_end_the_commit() -> None:
    faults = Faults(swallow_confirm=True)
    async with SimulatedDevice("d", faults=faults) as box, talking(box) as session:
        await session.ask(edit(eline("a"), target="candidate"))
        held = await session.ask(CONFIRMED)
        confirming = asyncio.ensure_future(session.ask("<commit/>"))
        async with asyncio.timeout(300):
            while not box.history.of(Kind.FAULT):  # noqa: ASYNC110  a device does not call
                await asyncio.sleep(0.01)
            leaps.leap(60)
            while box.datastores.pending:  # noqa: ASYNC110  a device does not call
                await asyncio.sleep(0.01)
        assert not confirming.done()
        confirming.cancel()
        await asyncio.gather(confirming, return_exceptions=True)

    assert held.ok
    assert not box.datastores.running
    assert [entry.detail for entry in box.history.of(Kind.ROLLBACK)] == ["timeout"]
