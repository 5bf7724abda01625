"""Items and orders that come after others, and orders for later: what begins when, and what ends it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import dependencies, journal, tables
from oss_agent.fulfilment.turn import group, leases, trial_leases
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
State = views.OrderState
PORTS = ("eth3", "eth4", "eth5")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


def item(number: int, *after: str, **more: Any) -> orders.ItemRequest:
    """E-Line ``number`` between ports of its own, after the items named."""
    port = PORTS[(number - 1) % len(PORTS)]
    body = {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"} | more
    (made,) = worlds.request(f"line-{number}", characteristics=body).items
    path = f"serviceOrderItem[{number - 1}]"
    return dataclasses.replace(made, id=str(number), path=path, after=after)


async def send(
    world: World, items: Sequence[orders.ItemRequest], after: tuple[str, ...] = (), **more: Any
) -> str:
    whole = worlds.request(body_digest=str(items), **more)
    whole = dataclasses.replace(whole, items=tuple(items), after=after)
    return (await world.orders.submit(whole)).order.id


async def states_of(world: World, key: str) -> list[State]:
    return [one.state for one in (await world.get(key)).items]


async def completed_in_turn(world: World, key: str) -> list[str]:
    """The transactions of an order as they completed, by its history."""
    asked = (
        tables.history.select()
        .where(tables.history.c.order_id == key, tables.history.c.text == "completed")
        .order_by(tables.history.c.number)
    )
    rows = await world.rows.read(lambda c: c.execute(asked).all())
    return [str(row.transaction_id) for row in rows]


async def test_an_item_does_not_begin_before_what_it_comes_after_is_completed(
    world: World,
) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    key = await send(world, [item(1, "3"), item(2, "1", "3"), item(3)])
    await world.run()

    assert await states_of(world, key) == [
        State.ACKNOWLEDGED,
        State.ACKNOWLEDGED,
        State.IN_PROGRESS,
    ]
    waits = dict((await world.orders.explain(TENANT, key)).waits)
    assert waits["1"].reason == "item 3 to be completed: item 1 comes after"
    assert waits["2"].reason == "item 1, item 3 to be completed: item 2 comes after"
    assert "waits 00:00:0" in (await world.orders.explain(TENANT, key)).sentence
    assert await world.count(tables.resource_order) == 2
    world.devices["pe2"].faults = Faults()
    await world.run_to_the_end()
    assert (await world.get(key)).state is State.COMPLETED
    assert await completed_in_turn(world, key) == [f"{key}-3", f"{key}-1", f"{key}-2"]


async def test_what_comes_after_a_failure_is_cancelled_and_says_so(world: World) -> None:
    before = await world.snapshots()
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    key = await send(world, [item(1), item(2, "1"), item(3, "2")])
    await world.run_to_the_end()
    order = await world.get(key)

    assert [one.state for one in order.items] == [State.FAILED, State.CANCELLED, State.CANCELLED]
    assert order.state is State.FAILED
    error = order.items[1].error
    assert error is not None
    assert (error.code, error.message) == (
        "dependencyFailed",
        "it comes after item 1, which is failed: nothing was sent for it",
    )
    assert await world.snapshots() == before


async def test_a_rejected_item_takes_those_after_it_along_and_the_rest_goes_on(
    world: World,
) -> None:
    key = await send(world, [item(1, zEnd="pe2:eth99"), item(2, "1"), item(3)])
    await world.run_to_the_end()

    assert await states_of(world, key) == [State.REJECTED, State.CANCELLED, State.COMPLETED]
    assert (await world.get(key)).state is State.PARTIAL


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([item(1, "1")], "wait for each other for ever: '1' after '1'"),
        ([item(1, "2"), item(2, "3"), item(3, "1")], "for ever"),
        ([item(1, "7")], "there is no item '7' in this order"),
    ],
)
async def test_a_circle_and_an_unknown_item_are_refused_and_leave_nothing(
    world: World, items: list[orders.ItemRequest], words: str
) -> None:
    with pytest.raises(errors.OrderRejected, match=words) as refused:
        await send(world, items)

    assert refused.value.status == 400
    assert refused.value.field == "serviceOrderItem[0].serviceOrderItemRelationship"
    assert await world.count(tables.order) == 0


async def test_an_order_begins_when_the_order_before_it_is_completed(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    first = await send(world, [item(1)])
    second = await send(world, [item(2)], after=(first,))
    await world.run()
    explained = await world.orders.explain(TENANT, second)
    assert "for order 1 to be completed: item 2 comes after" in explained.sentence
    assert (await world.get(second)).state is State.ACKNOWLEDGED

    world.devices["pe2"].faults = Faults()
    await world.run_to_the_end()
    assert (await world.get(second)).state is State.COMPLETED


async def test_an_order_after_one_that_failed_is_cancelled(world: World) -> None:
    first = await send(world, [item(1, zEnd="pe2:eth99")])
    await world.run()
    second = await send(world, [item(2)], after=(first,))
    await world.run()

    order = await world.get(second)
    assert order.state is State.CANCELLED
    assert order.error is not None
    assert "it comes after order 1, which is rejected" in order.error.message
    with pytest.raises(errors.OrderRejected, match="no order '99'") as refused:
        await send(world, [item(3)], after=(first, "99"))
    assert refused.value.field == "orderRelationship[1].id"
    assert await world.count(tables.order) == 2


async def test_what_is_put_after_one_behind_it_in_line_leaves_the_line(world: World) -> None:
    """It waited for that one, which waited for its place in the line of their routers: for ever."""
    at = world.clock.now()
    await world.rows.write(lambda c: trial_leases.take(c, "1", TENANT, "pe1", at))
    key = await send(world, [item(1), item(2)])
    await world.run()
    assert await world.count(tables.queue) == 4

    await world.rows.write(lambda c: dependencies.add(c, key, TENANT, [(1, 2)]))
    await world.rows.write(lambda c: trial_leases.release(c, "1", at))
    await world.run_to_the_end()
    assert (await world.get(key)).state is State.COMPLETED
    assert await completed_in_turn(world, key) == [f"{key}-2", f"{key}-1"]
    assert await world.count(tables.queue) == await world.count(tables.lease) == 0


async def test_nobody_takes_one_along_that_was_put_after_another_meanwhile(world: World) -> None:
    at = world.clock.now()
    await world.rows.write(lambda c: trial_leases.take(c, "1", TENANT, "pe1", at))
    key = await send(world, [item(1), item(2), item(3)])
    await world.run()

    def carried(connection: sa.Connection) -> list[str]:
        trial_leases.release(connection, "1", at)
        first = journal.load(connection, f"{key}-1")
        assert first is not None
        assert leases.take(connection, first, ["pe1", "pe2"], at) == ()
        return [one.id for one in group.gather(connection, world.parts, first, ["pe1", "pe2"], at)]

    await world.rows.write(lambda c: dependencies.add(c, key, TENANT, [(2, 3)]))
    assert await world.rows.write(carried) == []


async def test_a_waiting_item_is_cancelled_with_its_order(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    key = await send(world, [item(1), item(2, "1")])
    await world.run()
    await world.cancel(key)
    await world.run()

    assert await states_of(world, key) == [State.CANCELLED, State.CANCELLED]
    assert (await world.get(key)).state is State.CANCELLED


@pytest.mark.parametrize("point", ["journal.report.before", "journal.report.after"])
async def test_a_death_at_the_end_of_one_lets_the_next_begin_all_the_same(
    world: World, point: str
) -> None:
    await world.start(failpoints.Failpoints({point: "raise"}))
    key = await send(world, [item(1), item(2, "1")])
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.start()
    await world.run_to_the_end()

    assert (await world.get(key)).state is State.COMPLETED


async def test_an_order_for_later_has_its_ports_at_once_and_plans_on_its_day(world: World) -> None:
    start = world.clock.now() + timedelta(hours=2)
    later = await send(world, [item(1)], requested_start=start)
    await world.run()
    explained = await world.orders.explain(TENANT, later)
    assert "its requestedStartDate" in explained.sentence
    assert (await world.get(later)).state is State.ACKNOWLEDGED
    assert await world.count(tables.resource_order) == 0

    rival = await send(world, [item(4)], external_id="rival")
    await world.run()
    refused = (await world.get(rival)).error
    assert refused is not None
    assert "pe1:eth3" in refused.message
    assert (await world.get(rival)).state is State.REJECTED
    world.clock.ahead = 7201
    await world.run()
    assert (await world.get(later)).state is State.COMPLETED


async def test_an_order_for_later_that_cannot_be_is_rejected_now(world: World) -> None:
    await send(world, [item(1)])
    await world.run()
    start = world.clock.now() + timedelta(days=9)
    key = await send(world, [item(4)], requested_start=start, external_id="later")
    await world.run()

    assert (await world.get(key)).state is State.REJECTED


async def test_a_date_that_is_past_means_now(world: World) -> None:
    key = await send(world, [item(1)], requested_start=world.clock.now() - timedelta(days=900))
    await world.run()

    assert (await world.get(key)).state is State.COMPLETED


def inside(number: int, parent: str, *after: str, **more: Any) -> orders.ItemRequest:
    return dataclasses.replace(item(number, *after, **more), parent=parent)


async def test_a_parent_is_built_after_its_children_and_theirs(world: World) -> None:
    key = await send(world, [item(1), inside(2, "1"), inside(3, "2")])
    await world.run_to_the_end()

    assert (await world.get(key)).state is State.COMPLETED
    assert await completed_in_turn(world, key) == [f"{key}-3", f"{key}-2", f"{key}-1"]
    assert [one.parent for one in (await world.get(key)).items] == [None, "1", "2"]


async def test_a_child_that_says_so_comes_after_its_parent(world: World) -> None:
    key = await send(world, [item(1), inside(2, "1", "1")])
    await world.run_to_the_end()
    assert await completed_in_turn(world, key) == [f"{key}-1", f"{key}-2"]


async def test_a_parent_whose_child_fails_is_cancelled_and_says_so(world: World) -> None:
    key = await send(world, [item(1), inside(2, "1", zEnd="pe2:eth99")])
    await world.run_to_the_end()

    assert await states_of(world, key) == [State.CANCELLED, State.REJECTED]
    error = (await world.get(key)).items[0].error
    assert error is not None
    assert "it comes after item 2" in error.message


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([inside(1, "2"), item(2)], "no item '2' that it is nested in"),
        ([inside(1, "1")], "no item '1' that it is nested in"),
        ([item(1, "3"), inside(2, "1"), inside(3, "2", "1")], "for ever"),
        ([item(1), *(inside(n, str(n - 1)) for n in range(2, 7))], "deeper than 5"),
    ],
)
async def test_nesting_that_makes_no_sense_is_refused(
    world: World, items: list[orders.ItemRequest], words: str
) -> None:
    with pytest.raises(errors.OrderRejected, match=words):
        await send(world, items)
    assert await world.count(tables.order) == 0


def behind(number: int, *others: tuple[str, str]) -> orders.ItemRequest:
    return dataclasses.replace(item(number), after_others=others)


async def test_an_item_begins_when_the_item_of_another_order_is_completed(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    first = await send(world, [item(1)])
    second = await send(world, [behind(2, (first, "1"))])
    await world.run()
    explained = await world.orders.explain(TENANT, second)
    assert f"for item 1 of order {first} to be completed" in explained.sentence
    assert (await world.get(second)).state is State.ACKNOWLEDGED

    world.devices["pe2"].faults = Faults()
    await world.run_to_the_end()
    assert (await world.get(second)).state is State.COMPLETED


async def test_an_item_need_not_wait_for_the_rest_of_the_other_order(world: World) -> None:
    asked = await send(world, [item(1)])
    await world.run()
    first = await send(world, [item(2), item(3, "2", zEnd="pe2:eth99")])
    later = await send(world, [behind(3, (first, "2"))])
    await world.run_to_the_end()

    assert (await world.get(asked)).state is State.COMPLETED
    assert (await world.get(first)).state is State.PARTIAL
    assert (await world.get(later)).state is State.COMPLETED


async def test_an_item_behind_one_that_failed_elsewhere_is_cancelled(world: World) -> None:
    first = await send(world, [item(1, zEnd="pe2:eth99"), item(2)])
    second = await send(world, [behind(3, (first, "1"))])
    await world.run_to_the_end()

    order = await world.get(second)
    assert order.state is State.CANCELLED
    assert order.items[0].error is not None
    assert order.items[0].error.code == "dependencyFailed"
    assert f"item 1 of order {first}, which is rejected" in order.items[0].error.message


@pytest.mark.parametrize("other", [("9", "1"), ("1", "7"), ("2", "1")])
async def test_an_item_of_no_order_or_of_this_very_one_is_refused(
    world: World, other: tuple[str, str]
) -> None:
    """Its own number can be guessed: whoever waits for itself waits for ever."""
    await send(world, [item(1)])
    with pytest.raises(errors.OrderRejected) as refused:
        await send(world, [behind(2, other)])
    assert refused.value.field == "serviceOrderItem[1].serviceOrderItemRelationship"
    assert refused.value.status == 400
    assert await world.count(tables.order) == 1


async def test_an_order_that_names_its_own_number_to_come_is_refused(world: World) -> None:
    with pytest.raises(errors.OrderRejected, match="there is no order '1'"):
        await send(world, [item(1)], after=("1",))
    assert await world.count(tables.order) == 0


async def test_an_item_of_another_tenants_order_is_not_there(world: World) -> None:
    first = await send(world, [item(1)])
    with pytest.raises(errors.OrderRejected, match="there is no item"):
        await send(world, [behind(2, (first, "1"))], tenant="somebody")
