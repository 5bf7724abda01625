"""What fails for good and is kept: held, listed, tried again, gone on without, or ended by time."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import fallout
from oss_agent.fulfilment.ordering import fallout_due
from oss_agent.fulfilment.record import fallout_rows, states, tables
from oss_agent.spi import fallout as spi
from oss_agent.spi import views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.test_sequence import item, send, states_of
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
State = views.OrderState
REFUSING = Faults(refuse_commit="no room for it")
WELL = Faults()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


def desk(world: World) -> fallout.FalloutDesk:
    return fallout.FalloutDesk(world.parts)


async def kept(world: World) -> str:
    """An order whose only item was refused by pe2, and is kept."""
    world.devices["pe2"].faults = REFUSING
    key = (await world.order(fallout="hold")).id
    await world.run()
    return key


async def told(world: World, key: str) -> list[str]:
    """The states of an order as they were told, from its first."""
    states_told = ("ServiceOrderCreateEvent", "ServiceOrderStateChangeEvent")
    events = await world.events(f"serviceOrder:{key}")
    return [state for kind, state in events if kind in states_told]


async def test_what_a_device_refuses_is_held_with_what_it_reserved_and_nothing_else(
    world: World,
) -> None:
    before = await world.snapshots()
    key = await kept(world)

    view = await world.get(key)
    assert (view.state, view.items[0].state) == (State.HELD, State.HELD)
    assert view.error is None
    assert view.items[0].error is not None
    assert view.items[0].error.code == states.Cause.REJECTED
    assert "no room for it" in view.items[0].error.message
    assert await told(world, key) == ["acknowledged", "inProgress", "held"]
    assert await world.snapshots() == before
    assert await world.count(tables.lease) == 0
    assert await world.count(tables.claim) == 1
    other = await world.order("other")
    world.devices["pe2"].faults = WELL
    await world.run()
    assert (await world.get(other.id)).state is State.REJECTED  # the ports are the first one's


async def test_a_fault_of_the_agent_decides_nothing_for_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await kept(world)

    def broken(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(fallout_due, "look", broken)
    world.clock.ahead += world.parts.limits.fallout_within + 1
    await world.feeder.feed()
    await world.flow.drain()
    asked = tables.transaction.select().where(tables.transaction.c.order_id == key)
    row = await world.rows.read(lambda c: c.execute(asked).one())
    assert (row.faults, row.wait_kind) == (1, states.WaitKind.FALLOUT)
    assert (await world.get(key)).state is State.HELD


async def test_without_the_wish_it_fails_as_ever(world: World) -> None:
    world.devices["pe2"].faults = REFUSING
    key = (await world.order()).id
    await world.run()
    assert (await world.get(key)).state is State.FAILED
    assert await desk(world).standing(TENANT) == ()


async def test_the_setting_holds_and_an_order_may_say_otherwise(tmp_path: Path) -> None:
    holding = dataclasses.replace(worlds.TEST_LIMITS, fallout="hold")
    async with worlds.open_world(tmp_path, limits=holding) as world:
        world.devices["pe2"].faults = REFUSING
        first = await world.order()
        await world.run()
        ports = {"aEnd": "pe1:eth5", "zEnd": "pe2:eth5"}
        second = await world.order("second", characteristics=ports, fallout="fail")
        await world.run()
        assert (await world.get(first.id)).state is State.HELD
        assert (await world.get(second.id)).state is State.FAILED


async def test_it_is_listed_shown_and_explained(world: World) -> None:
    key = await kept(world)
    (one,) = await desk(world).standing(TENANT)
    assert (one.order, one.item, one.kind) == (key, "1", spi.Kind.FAILED)
    assert one.cause == states.Cause.REJECTED
    assert one.until is not None
    assert (one.until - one.since).days == 7
    assert one.actions == tuple(spi.Action)
    (shown,) = await desk(world).look(TENANT, key)
    assert {part.device for part in shown.devices} == {"pe1", "pe2"}
    assert all(part.state == states.State.REVERTED for part in shown.devices)
    told_of = await world.orders.explain(TENANT, key)
    assert "a person to decide about item 1, which failed (changeRejected)" in told_of.sentence
    assert f"oss-agent fallout show {key}" in told_of.sentence
    assert await desk(world).standing("another") == ()
    with pytest.raises(errors.NotFound):
        await desk(world).look("another", key)


async def test_tried_again_it_completes_and_its_error_is_gone(world: World) -> None:
    key = await kept(world)
    claimed = await world.rows.read(lambda c: c.execute(sa.select(tables.claim.c.key)).all())
    world.devices["pe2"].faults = WELL
    done = await desk(world).retry(TENANT, "ines", key, None)
    assert (done.order, done.item) == (key, "1")
    await world.run()

    view = await world.get(key)
    assert view.state is State.COMPLETED
    assert view.items[0].error is None
    assert view.error is None
    assert await told(world, key) == [
        "acknowledged",
        "inProgress",
        "held",
        "inProgress",
        "completed",
    ]
    assert (
        await world.rows.read(lambda c: c.execute(sa.select(tables.claim.c.key)).all()) == claimed
    )
    assert await desk(world).standing(TENANT) == ()
    history = [text for _, text in (await world.orders.explain(TENANT, key)).history]
    assert "item 1: ines has it tried again" in history
    entries = await world.rows.read(
        lambda c: c.execute(sa.select(audit.ENTRIES.c.actor, audit.ENTRIES.c.action)).all()
    )
    assert [tuple(row) for row in entries] == [("ines", "fallout retry")]


async def test_tried_again_in_vain_it_is_kept_again(world: World) -> None:
    key = await kept(world)
    await desk(world).retry(TENANT, "ines", key, "1")
    await world.run()
    assert (await world.get(key)).state is State.HELD
    assert len(await desk(world).standing(TENANT)) == 1
    assert await world.count(tables.decision) == 2


async def test_after_its_time_it_fails_and_gives_back_what_it_had(world: World) -> None:
    key = await kept(world)
    world.clock.ahead += world.limits.fallout_within - 60
    await world.run()
    assert (await world.get(key)).state is State.HELD
    world.clock.ahead += 61
    await world.run()
    view = await world.get(key)
    assert view.state is State.FAILED
    assert view.error is not None
    assert "nobody decided within 7 days" in view.error.message
    assert await world.count(tables.claim) == 0


async def test_a_restart_while_it_is_held_changes_nothing(world: World) -> None:
    key = await kept(world)
    (before,) = await desk(world).standing(TENANT)
    await world.start()
    await world.run()
    assert await desk(world).standing(TENANT) == (before,)
    world.devices["pe2"].faults = WELL
    await desk(world).retry(TENANT, "ines", key, None)
    await world.start()
    await world.run()
    assert (await world.get(key)).state is State.COMPLETED


async def test_a_held_order_is_cancelled_at_once(world: World) -> None:
    before = await world.snapshots()
    key = await kept(world)
    task = await world.cancel(key)
    await world.run()
    assert (await world.get(key)).state is State.CANCELLED
    assert (await world.cancellations.get(TENANT, task.id)).state is views.TaskState.DONE
    assert await told(world, key) == [
        *("acknowledged", "inProgress", "held"),
        *("assessingCancellation", "pendingCancellation", "cancelled"),
    ]
    assert await world.count(tables.claim) == 0
    assert await world.snapshots() == before


async def test_of_what_is_being_cancelled_nothing_is_decided(world: World) -> None:
    key = await kept(world)
    await world.cancel(key)
    with pytest.raises(errors.OrderRejected, match="is being cancelled"):
        await desk(world).retry(TENANT, "ines", key, None)


async def test_a_refused_conflict_before_work_is_rejected_not_kept(world: World) -> None:
    await world.order("first")
    await world.run()
    second = await world.order("second", fallout="hold")
    await world.run()
    assert (await world.get(second.id)).state is State.REJECTED


async def test_a_device_that_never_comes_back_in_time_is_kept(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    key = (await world.order(fallout="hold")).id
    await world.run()
    world.clock.ahead += world.limits.device_deadline + 1
    await world.run()
    (one,) = await desk(world).standing(TENANT)
    assert (one.order, one.cause) == (key, states.Cause.BUSY)
    world.devices["pe2"].faults = WELL
    await desk(world).retry(TENANT, "ines", key, None)
    await world.run()
    assert (await world.get(key)).state is State.COMPLETED


async def test_a_plan_that_nobody_approved_is_kept_and_asks_again(tmp_path: Path) -> None:
    asking = dataclasses.replace(worlds.TEST_LIMITS, approval="always", fallout="hold")
    async with worlds.open_world(tmp_path, limits=asking) as world:
        key = (await world.order()).id
        await world.run()
        world.clock.ahead += asking.approve_within + 1
        await world.run()
        (one,) = await desk(world).standing(TENANT)
        assert one.cause == states.Cause.UNAPPROVED
        await desk(world).retry(TENANT, "ines", key, None)
        await world.run()
        (plan,) = await world.orders.plans(TENANT, key)
        await world.orders.approve(TENANT, "chief", key, plan.hash or "")
        await world.run()
        assert (await world.get(key)).state is State.COMPLETED


async def test_what_becomes_of_an_edit_by_hand_is_chosen_and_then_tried_again(
    world: World,
) -> None:
    first = await world.order()
    await world.run()
    world.devices["pe2"].change_by_hand(
        '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name>'
        "<rate>7</rate></eline></services>"
    )
    whole = worlds.request(action=views.ItemAction.MODIFY, service_id=f"s{first.id}-1")
    change = dataclasses.replace(
        whole.items[0], service_name=None, characteristics={"bandwidth": 50}
    )
    whole = dataclasses.replace(whole, items=(change,), body_digest="m", fallout="hold")
    key = (await world.orders.submit(whole)).order.id
    await world.run()
    (one,) = await desk(world).standing(TENANT)
    assert one.cause == states.Cause.CONFLICT

    await world.orders.choose(TENANT, "ines", key, "revert")
    await world.run()
    assert (await world.get(key)).state is State.HELD
    await desk(world).retry(TENANT, "ines", key, None)
    await world.run()
    assert (await world.get(key)).state is State.COMPLETED
    assert "<rate>50000</rate>" in (await world.snapshots())["pe2"]


async def chained(world: World) -> str:
    """Item 1 is kept, for pe2 refuses it; item 2 comes after it."""
    world.devices["pe2"].faults = REFUSING
    key = await send(world, [item(1), item(2, "1")], fallout="hold")
    await world.run()
    return key


async def test_what_comes_after_a_kept_item_waits(world: World) -> None:
    key = await chained(world)
    assert await states_of(world, key) == [State.HELD, State.ACKNOWLEDGED]
    assert (await world.get(key)).state is State.HELD
    told_of = await world.orders.explain(TENANT, key)
    assert dict(told_of.waits)["2"].reason == "item 1 to be completed: item 2 comes after"
    assert "a person to decide about item 1" in told_of.sentence


async def test_skipped_it_fails_and_what_comes_after_goes_on(world: World) -> None:
    key = await chained(world)
    world.devices["pe2"].faults = WELL
    await desk(world).skip(TENANT, "ines", key, "1")
    await world.run()
    view = await world.get(key)
    assert [one.state for one in view.items] == [State.FAILED, State.COMPLETED]
    assert view.state is State.PARTIAL
    assert view.items[0].error is not None
    assert "(skipped by ines)" in view.items[0].error.message
    assert await world.count(tables.dependency, tables.dependency.c.waived) == 1
    assert world.holds("pe1", "line-2")


async def test_which_item_must_be_said_where_there_are_several(world: World) -> None:
    world.devices["pe2"].faults = REFUSING
    key = await send(world, [item(1), item(2)], fallout="hold")
    await world.run()
    assert {one.item for one in await desk(world).standing(TENANT)} == {"1", "2"}
    with pytest.raises(errors.OrderRejected, match="name one of 1, 2"):
        await desk(world).skip(TENANT, "ines", key, None)
    with pytest.raises(errors.NotFound):
        await desk(world).skip(TENANT, "ines", key, "3")
    await desk(world).skip(TENANT, "ines", key, "1")
    assert await states_of(world, key) == [State.FAILED, State.HELD]
    assert (await world.get(key)).state is State.HELD


async def test_a_device_that_stays_unsettled_is_listed_and_looked_at_on_demand(
    world: World,
) -> None:
    world.devices["pe2"].faults = Faults(refuse_confirm="not now")
    key = (await world.order()).id
    await world.run()
    assert await desk(world).standing(TENANT) == ()
    world.clock.ahead += world.limits.unsettled_after + 1
    await world.run()
    (one,) = await desk(world).standing(TENANT)
    assert (one.order, one.kind, one.until) == (key, spi.Kind.UNSETTLED, None)
    assert "not now" in one.reason
    assert one.actions == (spi.Action.RETRY,)
    with pytest.raises(errors.OrderRejected, match="skip is not safe for item 1"):
        await desk(world).skip(TENANT, "ines", key, None)
    world.devices["pe2"].faults = WELL
    await desk(world).retry(TENANT, "ines", key, None)
    await world.run()
    assert await desk(world).standing(TENANT) == ()
    assert (await world.get(key)).state is State.COMPLETED


async def test_the_gauge_counts_by_cause(world: World) -> None:
    await kept(world)
    at = world.clock.now()
    found = await world.rows.read(
        lambda c: fallout_rows.by_cause(c, at, within=60.0, unsettled_after=60.0)
    )
    assert found == {"changeRejected": 1}
