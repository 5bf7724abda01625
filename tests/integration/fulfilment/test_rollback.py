"""A failed item takes back what its order had completed: by an order of ours, or says why it cannot."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.fulfilment import fallout
from oss_agent.fulfilment.intent import compensation
from oss_agent.fulfilment.record import tables
from oss_agent.spi import fallout as spi
from oss_agent.spi import orders, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.test_sequence import item, send, states_of
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
State = views.OrderState
Act = views.ItemAction
WELL = Faults()
BY_HAND = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>by-hand</name>'
    "<port>eth9</port><vni>7</vni></eline></services>"
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


def desk(world: World) -> fallout.FalloutDesk:
    return fallout.FalloutDesk(world.parts)


def changing(
    number: int, action: Act, service: str, *after: str, **more: Any
) -> orders.ItemRequest:
    """Item ``number``: a modify of a living service to these characteristics, or its delete."""
    made = item(number, *after)
    return dataclasses.replace(
        made, action=action, service_id=service, service_name=None, characteristics=more
    )


async def culprit(
    world: World,
    *before: orders.ItemRequest,
    after: bool = False,
    policy: str = "hold",
) -> str:
    """An order whose last item is kept, for pe2 refused it; those before it are completed."""
    last = len(before) + 1
    bad = dataclasses.replace(
        item(3), id=str(last), path=f"x[{last}]", after=tuple(one.id for one in before)
    )
    tail = [dataclasses.replace(item(2), id="tail", path="t", after=(str(last),))] if after else []
    key = await send(world, [*before, bad, *tail], fallout=policy)
    await refuse_after(world, len(before), turn if policy == "rollback" else World.run)
    return key


async def turn(world: World) -> None:
    """What is due now, and nothing that comes of it."""
    await world.feeder.feed()
    await world.flow.drain()


async def refuse_after(
    world: World, turns: int, act: Callable[[World], Awaitable[None]] = World.run
) -> None:
    """Items that come one after another: while pe2 refuses, ``act`` after so many of them."""
    for _ in range(turns):
        await turn(world)
    world.devices["pe2"].faults = Faults(refuse_commit="not that one")
    await act(world)
    world.devices["pe2"].faults = WELL


async def test_what_was_added_is_taken_away_and_the_order_ends_failed(world: World) -> None:
    before = await world.snapshots()
    key = await culprit(world, item(1), item(2, "1"))
    assert await states_of(world, key) == [State.COMPLETED, State.COMPLETED, State.HELD]
    (shown,) = await desk(world).look(TENANT, key)
    assert [words.partition(":")[0] for words in shown.rollback] == ["item 2", "item 1"]
    assert shown.obstacles == ()

    done = await desk(world).rollback(TENANT, "ines", key, None)
    assert done.by_order == "2"
    assert (await world.get(key)).state is State.IN_PROGRESS
    await world.run_to_the_end()

    undo = await world.get("2")
    assert undo.state is State.COMPLETED
    assert [(one.id, one.action) for one in undo.items] == [("2", Act.DELETE), ("1", Act.DELETE)]
    view = await world.get(key)
    assert view.state is State.FAILED
    assert view.error is not None
    assert "what was completed is undone by order 2" in view.error.message
    assert [one.state for one in view.items] == [State.COMPLETED, State.COMPLETED, State.FAILED]
    assert all("rolledBack" in dict(one.milestones) for one in view.items[:2])
    assert await world.snapshots() == before
    assert await world.count(tables.claim) == 0


async def test_all_or_nothing_takes_back_by_itself_what_was_completed(world: World) -> None:
    before = await world.snapshots()
    key = await culprit(world, item(1), item(2, "1"), policy="rollback", after=True)
    await world.run_to_the_end()

    assert (await world.get("2")).state is State.COMPLETED
    states = await states_of(world, key)
    assert states == [State.COMPLETED, State.COMPLETED, State.FAILED, State.CANCELLED]
    assert (await world.get(key)).state is State.FAILED
    assert await world.snapshots() == before
    assert await world.count(tables.claim) == 0


async def test_all_or_nothing_with_nothing_completed_fails_at_once(world: World) -> None:
    key = await culprit(world, policy="rollback")
    await world.run_to_the_end()
    assert await states_of(world, key) == [State.FAILED]
    assert len((await world.orders.find(worlds.everything())).items) == 1


async def test_all_or_nothing_waits_for_a_person_where_it_cannot_undo(world: World) -> None:
    world.devices["pe2"].change_by_hand(BY_HAND)
    second = dataclasses.replace(item(2, "1"), service_name="by-hand")
    key = await send(world, [item(1), second], fallout="rollback")
    await turn(world)
    # It runs beside the second one, and is the newest to change the service of the first.
    await send(world, [changing(1, Act.MODIFY, f"s{key}-1", bandwidth=50)])
    await world.run()
    assert (await world.get(key)).state is State.HELD
    told = await world.orders.explain(TENANT, key)
    assert "was changed since by order 2" in told.sentence
    await desk(world).skip(TENANT, "ines", key, None)
    await world.run_to_the_end()
    assert await states_of(world, key) == [State.COMPLETED, State.FAILED]


async def test_what_was_changed_is_changed_back_and_what_was_deleted_is_added_again(
    world: World,
) -> None:
    first = await world.order("line-1", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    second = await world.order("line-2")
    await world.run()
    before = await world.snapshots()
    key = await culprit(
        world,
        changing(1, Act.MODIFY, f"s{first.id}-1", bandwidth=50),
        changing(2, Act.DELETE, f"s{second.id}-1", "1"),
    )
    assert await states_of(world, key) == [State.COMPLETED, State.COMPLETED, State.HELD]
    await desk(world).rollback(TENANT, "ines", key, None)
    await world.run_to_the_end()

    undo = await world.get("4")
    assert [(one.id, one.action) for one in undo.items] == [("2", Act.ADD), ("1", Act.MODIFY)]
    assert undo.items[1].characteristics == {"bandwidth": 20}
    assert undo.state is State.COMPLETED
    assert (await world.get(key)).state is State.FAILED
    after = await world.snapshots()
    assert undo.items[0].service_id == "s4-1"  # a new service, with a VNI of its own
    assert {name: text.replace("10103", "10100") for name, text in after.items()} == before


async def _line(world: World) -> str:
    first = await world.order("line-1", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run()
    return f"s{first.id}-1"


async def test_a_value_that_was_named_for_the_first_time_is_exchanged_back(world: World) -> None:
    service = await _line(world)
    before = await world.snapshots()
    key = await culprit(world, changing(1, Act.MODIFY, service, vni=10_150))
    assert "<vni>10150</vni>" in (await world.snapshots())["pe1"]
    (shown,) = await desk(world).look(TENANT, key)
    assert shown.rollback == (f"item 1: service {service} gets back vni 10100",)

    await desk(world).rollback(TENANT, "ines", key, None)
    await world.run_to_the_end()
    assert (await world.get("3")).state is State.COMPLETED
    assert (await world.get(key)).state is State.FAILED
    assert await world.snapshots() == before
    # It keeps it, as if nobody had ever named one.
    await culprit(world, changing(1, Act.MODIFY, service, bandwidth=50))
    assert "<vni>10100</vni>" in (await world.snapshots())["pe2"]


async def test_a_value_that_somebody_else_has_by_now_stops_the_undo(world: World) -> None:
    service = await _line(world)
    key = await culprit(world, changing(1, Act.MODIFY, service, vni=10_150))
    world.clock.ahead += timedelta(days=2).total_seconds()  # it rests no more
    ends = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "vni": 10_100}
    other = await world.order("other", characteristics=ends)
    await world.run()
    done = await world.get(other.id)
    assert done.state is State.COMPLETED, done.error

    (shown,) = await desk(world).look(TENANT, key)
    held = f"10100 of pool core-vni is held by service s{other.id}-1 (other, order {other.id})"
    assert shown.obstacles == (f"item 1: service {service} had vni 10100: {held}",)
    with pytest.raises(errors.OrderRejected, match="10100 of pool core-vni is held by"):
        await desk(world).rollback(TENANT, "ines", key, None)
    assert (await world.get(key)).state is State.HELD
    assert "<vni>10150</vni>" in (await world.snapshots())["pe1"]


@pytest.mark.parametrize("holder", [None, "s9-1.transit.pe1"])
async def test_a_router_that_comes_back_has_its_address_unless_another_has_it(
    world: World, holder: str | None
) -> None:
    await ladder.seed_pools(world)
    ports = ("pe1:eth3", "pe1:eth4", "pe2:eth3")
    sites = [{"port": one, "address": f"172.16.{n}.1/24"} for n, one in enumerate(ports)]
    vpn = dataclasses.replace(item(1), specification="l3vpn", characteristics={"sites": sites})
    service = f"s{await send(world, [vpn])}-1"
    await world.run()
    before = await world.snapshots()
    fewer = changing(1, Act.MODIFY, service, sites=sites[:2])
    key = await culprit(world, dataclasses.replace(fewer, specification="l3vpn"))
    if holder is not None:
        world.clock.ahead += timedelta(days=2).total_seconds()  # it rests no more
        await world.rows.write(
            lambda c: world.parts.ledger.claim(
                c, pool="vpn-transit", key=holder, wanted="100.64.0.2/24", at=world.clock.now()
            )
        )
    (shown,) = await desk(world).look(TENANT, key)
    lost = "another transit.pe2 (100.64.0.2/24 of pool vpn-transit is held by"
    assert (lost if holder else "transit.pe2 100.64.0.2/24") in shown.rollback[0]

    await desk(world).rollback(TENANT, "ines", key, None)
    await world.run_to_the_end()
    undo = await world.get("3")
    assert undo.state is State.COMPLETED, undo.error
    after = await world.snapshots()
    assert {name: text.replace("64.0.3/", "64.0.2/") for name, text in after.items()} == before
    assert (after == before) is (holder is None)


async def test_what_another_order_changed_since_is_not_undone(world: World) -> None:
    key = await culprit(world, item(1))
    other = worlds.request("line-1", action=Act.MODIFY, service_id=f"s{key}-1", body_digest="m")
    one = dataclasses.replace(other.items[0], service_name=None, characteristics={"bandwidth": 70})
    await world.orders.submit(dataclasses.replace(other, items=(one,)))
    await world.run()

    (shown,) = await desk(world).look(TENANT, key)
    assert shown.obstacles == (f"item 1: service s{key}-1 was changed since by order 2",)
    with pytest.raises(errors.OrderRejected, match="was changed since by order 2") as refused:
        await desk(world).rollback(TENANT, "ines", key, None)
    assert refused.value.status == 409
    assert (await world.get(key)).state is State.HELD
    assert await world.count(tables.order) == 2


async def test_an_undo_that_fails_is_fallout_of_its_own_and_can_be_tried_again(
    world: World,
) -> None:
    before = await world.snapshots()
    key = await culprit(world, item(1), item(2, "1"))
    await desk(world).rollback(TENANT, "ines", key, None)
    await refuse_after(world, 1)

    (one,) = await desk(world).standing(TENANT)
    assert (one.order, one.kind, one.cause) == (key, spi.Kind.ROLLBACK, "undoFailed")
    assert "order 2, which was to undo what was completed, is partial" in one.reason
    assert one.actions == (spi.Action.SKIP, spi.Action.ROLLBACK)
    with pytest.raises(errors.OrderRejected, match="retry is not safe"):
        await desk(world).retry(TENANT, "ines", key, None)
    (shown,) = await desk(world).look(TENANT, key)
    assert [words.partition(":")[0] for words in shown.rollback] == ["item 1"]

    done = await desk(world).rollback(TENANT, "ines", key, None)
    assert done.by_order == "3"
    await world.run_to_the_end()
    assert (await world.get(key)).state is State.FAILED
    assert await world.snapshots() == before


async def test_skipped_after_half_an_undo_the_order_is_partial(world: World) -> None:
    key = await culprit(world, item(1), item(2, "1"))
    await desk(world).rollback(TENANT, "ines", key, None)
    await refuse_after(world, 1)
    await desk(world).skip(TENANT, "ines", key, None)
    assert (await world.get(key)).state is State.PARTIAL


async def test_what_waits_behind_is_cancelled_and_a_second_failure_ends_too(world: World) -> None:
    key = await culprit(world, item(1), after=True)
    await desk(world).rollback(TENANT, "ines", key, None)
    assert await states_of(world, key) == [State.COMPLETED, State.IN_PROGRESS, State.CANCELLED]
    await world.run_to_the_end()
    assert (await world.get(key)).state is State.FAILED
    assert not world.holds("pe1", "line-2")


async def test_a_restart_while_it_is_undone_loses_nothing(world: World) -> None:
    before = await world.snapshots()
    key = await culprit(world, item(1))
    await desk(world).rollback(TENANT, "ines", key, None)
    await world.start()
    await world.run_to_the_end()
    assert (await world.get(key)).state is State.FAILED
    assert await world.snapshots() == before


async def test_with_nothing_completed_it_just_fails(world: World) -> None:
    world.devices["pe2"].faults = Faults(refuse_commit="no")
    key = (await world.order(fallout="hold")).id
    await world.run()
    done = await desk(world).rollback(TENANT, "ines", key, None)
    assert done.by_order is None
    assert (await world.get(key)).state is State.FAILED
    assert await world.count(tables.order) == 1


@pytest.mark.parametrize(
    ("now", "before", "back"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ({"a": 1}, {"a": 1, "b": 3}, {"b": 3}),
    ],
)
def test_what_a_modify_back_says(
    now: dict[str, int], before: dict[str, int], back: dict[str, int | None]
) -> None:
    assert compensation.difference(now, before) == back
