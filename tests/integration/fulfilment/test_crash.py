"""A crash at every named point: after a restart the routers are all-new or all-old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import journal, participant_rows, states, tables
from oss_agent.spi import views
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import Kind
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio

WRITES = (
    "take_over accept ready adopt reserve intent locked validated committing held decision settle "
    "confirming confirmed proven done report"
)
CALLS = "open read snapshot lock edit predict validate commit observe confirm save"
COMMITTING = sorted(
    f"{family}.{name}.{side}"
    for family, names in (("journal", WRITES), ("device", CALLS))
    for name in names.split()
    for side in ("before", "after")
)
"""Every point that a completed order passes."""
ABORTING = ["journal.blame.after", "journal.decision.after", "journal.settle.after"] + [
    f"{name}.{side}"
    for name in ("device.cancel", "journal.reverted", "journal.report")
    for side in ("before", "after")
]
"""The points of an abort that a commit does not pass."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def test_the_lists_name_every_point(world: World) -> None:
    await world.order()
    await world.run()
    assert set(COMMITTING) == set(world.points.passed)

    world.devices["pe2"].faults = Faults(refuse_commit="no")
    await world.order("other", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run()
    assert set(ABORTING) <= set(world.points.passed)


async def crash_at(world: World, *names: str) -> int:
    """Run one order with these points armed, each once; how many crashes there were."""
    armed = dict.fromkeys(names, "raise")
    crashes = 0
    while crashes <= len(names):
        try:
            await world.start(failpoints.Failpoints(armed))
            if not (await world.orders.find(worlds.everything())).items:
                await world.order(idempotency_key="k")
            await world.run()
        except failpoints.Crash as crash:
            crashes += 1
            del armed[str(crash)]
        else:
            return crashes
    raise AssertionError("it crashes where nothing is armed")


def agree(world: World) -> None:
    """Both routers have the service or neither has."""
    assert world.holds("pe1") == world.holds("pe2")


def unheld(world: World) -> None:
    """No router is still about to undo something by itself."""
    for name in worlds.PES:
        kinds = [
            entry.kind
            for entry in world.devices[name].history
            if entry.kind in {Kind.HOLD, Kind.CONFIRM, Kind.CANCEL, Kind.ROLLBACK}
        ]
        assert not kinds or kinds[-1] is not Kind.HOLD, kinds


@pytest.mark.parametrize("name", COMMITTING)
async def test_after_a_crash_the_order_still_completes_once(name: str, world: World) -> None:
    assert await crash_at(world, name) == 1
    await world.run_to_the_end()
    orders = (await world.orders.find(worlds.everything())).items

    assert [order.state for order in orders] == [views.OrderState.COMPLETED]
    assert world.holds("pe1")
    agree(world)
    unheld(world)
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 1
    assert await world.states_told("1") == ["acknowledged", "inProgress", "completed"]
    assert not world.alarms.open


@pytest.mark.parametrize("name", ABORTING)
async def test_after_a_crash_in_an_abort_both_are_as_before(name: str, world: World) -> None:
    before = await world.snapshots()
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    assert await crash_at(world, name) == 1
    await world.run_to_the_end()

    (order,) = (await world.orders.find(worlds.everything())).items
    assert order.state is views.OrderState.FAILED
    assert await world.snapshots() == before
    unheld(world)
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 0


@pytest.mark.parametrize(
    "names",
    [
        ("device.commit.after", "device.cancel.after"),
        ("journal.held.after", "journal.settle.after"),
        ("journal.decision.after", "device.confirm.after"),
        ("device.confirm.before", "journal.proven.before"),
    ],
)
async def test_a_crash_during_recovery_changes_nothing(
    names: tuple[str, str], world: World
) -> None:
    assert await crash_at(world, *names) == 2
    await world.run_to_the_end()

    (order,) = (await world.orders.find(worlds.everything())).items
    assert order.state is views.OrderState.COMPLETED
    agree(world)
    unheld(world)


async def test_start_up_alone_leaves_all_old_before_and_all_new_after_the_decision(
    world: World,
) -> None:
    expected: Mapping[str, bool] = {"journal.held.after": False, "journal.decision.after": True}
    for number, (name, new) in enumerate(expected.items()):
        service, port = f"s{number}", f"eth{number + 3}"
        await world.start(failpoints.Failpoints({name: "raise"}))
        ends = {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"}
        await world.order(service, characteristics=ends)
        with pytest.raises(failpoints.Crash):
            await world.run()
        await world.start()

        assert world.holds("pe1", service) is new
        assert world.holds("pe2", service) is new
        unheld(world)
        await world.run_to_the_end()


async def test_an_order_that_is_interrupted_too_often_fails_clean(world: World) -> None:
    before = await world.snapshots()
    await world.order()
    for _ in range(world.limits.attempts):
        await world.start(failpoints.Failpoints({"journal.held.after": "raise"}))
        with pytest.raises(failpoints.Crash):
            await world.run()
    await world.start()
    await world.run_to_the_end()
    order = await world.get("1")

    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert order.error.code == "interrupted"
    assert await world.snapshots() == before


async def test_a_router_that_is_gone_after_the_decision_is_unknown_until_it_is_back(
    world: World,
) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    port = world.devices["pe2"].port
    await world.devices["pe2"].__aexit__(None, None, None)
    await world.start()
    await world.run()
    waiting = await world.get("1")
    participants = await world.participants("1")

    assert waiting.state is views.OrderState.IN_PROGRESS
    assert waiting.items[0].wait is not None
    assert "pe2" in waiting.items[0].wait.reason
    assert participants["pe1"].state is states.State.DONE
    assert participants["pe2"].state is states.State.UNKNOWN
    assert [fault.severity for fault in world.alarms.open.values()] == [views.Severity.CRITICAL]
    assert world.unknown == ["pe2"]

    world.devices["pe2"].port = port
    await world.devices["pe2"].__aenter__()
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert world.holds("pe2")
    unheld(world)
    assert not world.alarms.open


async def test_a_router_that_undid_itself_after_the_decision_is_pushed_again(world: World) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.devices["pe2"].reboot()
    assert not world.holds("pe2")
    await world.start()
    await world.run_to_the_end()

    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert world.holds("pe2")


async def test_a_refused_confirm_is_not_completed_while_the_router_may_still_undo(
    world: World,
) -> None:
    world.devices["pe2"].faults = Faults(refuse_confirm="not now")
    await world.order()
    await world.run()
    participants = await world.participants("1")

    assert (await world.get("1")).state is views.OrderState.IN_PROGRESS
    assert participants["pe2"].state is states.State.UNKNOWN
    assert "not now" in participants["pe2"].outcome
    assert world.unknown == ["pe2"]

    world.devices["pe2"].faults = NONE
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert world.holds("pe2")
    unheld(world)
    assert not world.alarms.open


async def test_a_router_that_is_neither_old_nor_new_calls_a_person(world: World) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    by_hand = (
        '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name>'
        "<rate>{}</rate></eline></services>"
    )
    world.devices["pe2"].change_by_hand(by_hand.format(7))
    await world.start()
    await world.run()
    waiting = await world.get("1")

    assert waiting.state is views.OrderState.IN_PROGRESS
    (fault,) = world.alarms.open.values()
    assert "rate" in fault.text
    world.devices["pe2"].change_by_hand(by_hand.format(20000))
    await world.run_to_the_end()
    assert (await world.get("1")).state is views.OrderState.COMPLETED
    assert not world.alarms.open


async def test_a_run_that_was_taken_over_writes_nothing_more(world: World) -> None:
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    frozen = (await world.participants("1"))["pe1"]
    mine = await world.rows.read(lambda c: journal.load(c, "1-1"))
    assert mine is not None
    await world.start()
    at = world.clock.now()
    held, commit = states.State.HELD, states.Verdict.COMMIT
    decision = states.Decision(commit, states.Cause.PROVEN, "", None, "", at)

    with pytest.raises(errors.Fenced):
        await world.rows.write(lambda c: participant_rows.move(c, frozen, held, at))
    with pytest.raises(errors.Fenced):
        await world.rows.write(lambda c: journal.decide(c, mine, decision))
    assert (await world.participants("1"))["pe1"].state is states.State.REVERTED
    assert await world.flow.step()  # the motor starts the old run again: it must end at once
    assert not world.flow.waiting
    assert not world.holds("pe1")


async def test_a_decision_once_made_stands(world: World) -> None:
    await world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    mine = await world.rows.read(lambda c: journal.load(c, "1-1"))
    assert mine is not None
    at = world.clock.now()
    other = states.Decision(states.Verdict.ABORT, states.Cause.CANCELLED, "", None, "", at)

    standing = await world.rows.write(lambda c: journal.decide(c, mine, other))

    assert standing.verdict is states.Verdict.COMMIT
