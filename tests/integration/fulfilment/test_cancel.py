"""Cancelling an order as a task: accepted before the decision, refused after it, told without a gap."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import tables
from oss_agent.spi import query, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
Order = views.OrderState
Task = views.TaskState
STATE = "ServiceOrderStateChangeEvent"
TASK = "CancelServiceOrderStateChangeEvent"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def told(world: World, key: str = "1") -> list[str]:
    return await world.states_told(key)


async def task_told(world: World, key: str = "1") -> list[str]:
    return [state for _, state in await world.events(f"cancelServiceOrder:{key}")]


async def ask_and_run(world: World) -> None:
    await world.cancellations.request(worlds.wish("1"))
    await world.run()


async def into_hold(world: World) -> None:
    """Let the one order get as far as HELD on every router."""
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    assert world.holds("pe1")


async def test_an_order_that_holds_the_network_is_cancelled_and_told_step_by_step(
    world: World,
) -> None:
    before = await world.snapshots()
    await world.order()
    await into_hold(world)
    task = await world.cancel("1", reason="the customer moved")

    assert task.state is Task.IN_PROGRESS
    assert (await world.get("1")).state is Order.PENDING_CANCELLATION
    assert "is being undone" in (await world.orders.explain(TENANT, "1")).sentence
    await world.run()
    order, task = await world.get("1"), await world.cancellations.get(TENANT, "1")
    assert order.state is Order.CANCELLED
    assert (order.cancellation_date, order.cancellation_reason) == (
        task.effective,
        "the customer moved",
    )
    assert task.state is Task.DONE
    assert task.message is not None
    assert task.message.startswith(
        "order 1 is cancelled. item 1 cancelled: the order was cancelled"
    )
    assert "pe1: " in task.message
    assert await world.snapshots() == before
    assert await told(world) == [
        "acknowledged",
        "inProgress",
        "assessingCancellation",
        "pendingCancellation",
        "cancelled",
    ]
    assert await task_told(world) == ["acknowledged", "inProgress", "done"]


async def test_what_has_not_begun_is_cancelled_without_a_byte_to_any_device(world: World) -> None:
    await world.order()
    await world.cancel("1")
    await world.run()

    assert (await world.get("1")).state is Order.CANCELLED
    assert (await world.get("1")).start_date is None
    assert all(not device.history for device in world.devices.values())


@pytest.mark.parametrize("point", ["journal.decision.after", "journal.proven.after"])
async def test_past_the_point_of_no_return_it_is_refused_and_goes_on(
    world: World, point: str
) -> None:
    await world.start(failpoints.Failpoints({point: "raise"}))
    await world.order()
    with pytest.raises(failpoints.Crash):
        await world.run()
    task = await world.cancel("1")

    assert task.state is Task.TERMINATED
    assert task.message is not None
    assert "item 1 is past its point of no return: it was decided at 20" in task.message
    assert task.error is not None
    assert task.error.code == "pointOfNoReturn"
    assert (await world.get("1")).state is Order.IN_PROGRESS
    await world.start()
    await world.run()
    assert (await world.get("1")).state is Order.COMPLETED
    assert await told(world) == [
        "acknowledged",
        "inProgress",
        "assessingCancellation",
        "inProgress",
        "completed",
    ]
    assert await task_told(world) == ["acknowledged", "inProgress", "terminatedWithError"]


async def test_an_order_that_is_faster_than_its_assessment_refuses_it_and_completes(
    world: World,
) -> None:
    await world.order()
    await into_hold(world)
    await world.cancellations.request(worlds.wish("1"))
    assert (await world.get("1")).state is Order.ASSESSING_CANCELLATION
    await world.flow.drain()

    assert (await world.get("1")).state is Order.COMPLETED
    task = await world.cancellations.get(TENANT, "1")
    assert task.state is Task.TERMINATED
    assert "item 1 is completed" in (task.message or "")
    assert (await told(world))[-3:] == ["assessingCancellation", "inProgress", "completed"]


async def test_a_start_while_it_is_assessed_is_what_a_refusal_returns_to(world: World) -> None:
    await world.order()
    await world.cancellations.request(worlds.wish("1"))
    await world.flow.enqueue("1-1", 1)
    await world.rows.write(
        lambda c: c.execute(tables.transaction.update().values(stage="running", run=1))
    )
    await world.flow.drain()

    assert await told(world) == [
        "acknowledged",
        "assessingCancellation",
        "inProgress",
        "completed",
    ]


async def test_one_completed_item_keeps_the_order_from_being_cancelled(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path, names=("pe1", "pe2", "pe3")) as world:
        world.devices["pe3"].faults = Faults(lock_held_by=77)
        whole = worlds.request("one")
        ends = {"aEnd": "pe1:eth3", "zEnd": "pe3:eth3"}
        (waits,) = worlds.request("two", characteristics=ends).items
        both = (whole.items[0], dataclasses.replace(waits, id="2", path="serviceOrderItem[1]"))
        await world.orders.submit(dataclasses.replace(whole, items=both))
        await world.run()
        assert [item.state for item in (await world.get("1")).items] == [
            Order.COMPLETED,
            Order.IN_PROGRESS,
        ]
        task = await world.cancel("1")

        assert task.state is Task.TERMINATED
        assert "not cancelled: item 1 is completed. To undo" in (task.message or "")
        world.devices["pe3"].faults = Faults()
        await world.run_to_the_end()
        assert (await world.get("1")).state is Order.COMPLETED


async def test_it_ends_cancelled_whatever_else_went_wrong_with_it(world: World) -> None:
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    await world.order()
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    await world.cancel("1")
    await world.run_to_the_end()

    order = await world.get("1")
    assert order.state is Order.CANCELLED
    assert order.items[0].state is Order.CANCELLED
    assert not world.holds("pe1")


async def test_a_modify_that_changes_nothing_is_cancelled_too(world: World) -> None:
    await world.order()
    await world.run()
    modify = {"action": views.ItemAction.MODIFY, "service_id": "s1-1", "external_id": "m"}
    await world.order(**modify)
    await world.feeder.feed()
    # Between the reservation and the plan, which alone would decide to commit.
    await world.start(failpoints.Failpoints({"journal.reserve.after": "raise"}))
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.cancel("2")
    await world.start()
    await world.run()

    assert (await world.get("2")).state is Order.CANCELLED
    assert (await world.get("1")).state is Order.COMPLETED


async def test_what_waits_for_a_person_is_ended_at_once(tmp_path: Path) -> None:
    bounds = dataclasses.replace(worlds.TEST_LIMITS, approval="always")
    async with worlds.open_world(tmp_path, limits=bounds) as world:
        await world.order()
        await world.run()
        assert (await world.get("1")).items[0].wait is not None
        await world.cancel("1")
        await world.run()

        assert (await world.get("1")).state is Order.CANCELLED


async def test_a_date_for_the_cancellation_is_waited_for(world: World) -> None:
    later = world.clock.now() + timedelta(hours=1)
    await world.order(requested_start=world.clock.now() + timedelta(hours=2))
    task = await world.cancel("1", requested=later)
    assert task.state is Task.ACKNOWLEDGED
    await world.run()
    assert (await world.get("1")).state is Order.ACKNOWLEDGED

    world.clock.ahead = 3601
    await world.run()
    assert (await world.get("1")).state is Order.CANCELLED
    assert (await world.cancellations.get(TENANT, "1")).state is Task.DONE


async def test_an_order_that_ended_before_that_date_is_left_as_it_is(world: World) -> None:
    await world.order()
    await world.cancellations.request(
        worlds.wish("1", requested=world.clock.now() + timedelta(hours=1))
    )
    await world.run()
    world.clock.ahead = 3601
    await world.run()

    task = await world.cancellations.get(TENANT, "1")
    assert task.state is Task.TERMINATED
    assert "order 1 was completed by then" in (task.message or "")
    assert (await told(world))[-1] == "completed"


async def test_what_makes_no_sense_is_refused_with_the_state_named(world: World) -> None:
    with pytest.raises(errors.NotFound):
        await world.cancel("1")
    await world.order()
    await world.cancellations.request(worlds.wish("1"))
    with pytest.raises(errors.OrderRejected, match="is being cancelled by task 1") as twice:
        await world.cancel("1")
    assert twice.value.status == 409
    with pytest.raises(errors.NotFound):
        await world.cancellations.request(worlds.wish("1", tenant="other"))
    await world.run()
    with pytest.raises(errors.OrderRejected, match="order 1 is cancelled") as ended:
        await world.cancel("1")
    assert (ended.value.status, ended.value.code) == (409, "illegalState")
    assert await world.count(tables.cancel) == 1


@pytest.mark.parametrize("point", ["journal.cancel.after", "journal.ready.before"])
async def test_a_death_between_the_wish_and_its_assessment_loses_nothing(
    world: World, point: str
) -> None:
    before = await world.snapshots()
    await world.order()
    await into_hold(world)
    await world.start(failpoints.Failpoints({point: "raise"}))
    with pytest.raises(failpoints.Crash):
        await ask_and_run(world)
    await world.start()
    await world.run_to_the_end()

    assert (await world.get("1")).state is Order.CANCELLED
    assert await world.snapshots() == before
    assert await task_told(world) == ["acknowledged", "inProgress", "done"]


async def test_tasks_are_found_by_their_tmf_names_and_kept_in_the_audit(world: World) -> None:
    for number in (1, 2):
        await world.order(f"s{number}", external_id=f"x{number}")
        await world.cancel(str(number), reason=f"because {number}")

    async def ids(path: str, *values: str) -> list[str]:
        asked = query.Query(TENANT, (query.Filter(path, query.Operator.EQ, values),))
        return [one.id for one in (await world.cancellations.find(asked)).items]

    assert await ids("serviceOrder.id", "2") == ["2"]
    assert await ids("state", "inProgress") == ["1", "2"]
    assert await ids("cancellationReason", "because 1") == ["1"]
    for path, value in (("colour", "red"), ("state", "nope"), ("requestedCancellationDate", "x")):
        with pytest.raises(errors.OrderRejected) as refused:
            await ids(path, value)
        assert refused.value.field == path
    newest = query.Query(TENANT, sort=(query.Sort("id", descending=True),))
    assert [one.id for one in (await world.cancellations.find(newest)).items] == ["2", "1"]
    asked = sa.select(audit.ENTRIES).where(audit.ENTRIES.c.action == "cancel")
    rows = await world.rows.read(lambda c: c.execute(asked).all())
    assert [row.subject for row in rows] == ["order:1", "order:2"]
