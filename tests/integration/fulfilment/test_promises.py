"""What is promised at acceptance, and what is told before it is broken: real rows, simulated devices."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import milestones, pace, tables
from oss_agent.fulfilment.transact import transaction
from oss_agent.fulfilment.turn import stop_rows, watch
from oss_agent.spi import orders, stops, store, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
TOOK = (0.5, 1.0, 2.0, 1.0, 0.5)
"""Seconds of each step, in the history that most tests begin with."""
JEOPARDY, CHANGE = "ServiceOrderJeopardyEvent", "ServiceOrderAttributeValueChangeEvent"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def remembers(
    world: World,
    count: int = pace.ENOUGH,
    took: tuple[float, ...] = TOOK,
    tenant: str = TENANT,
) -> None:
    row: dict[str, Any] = {"tenant": tenant, "specification_id": "eline", "action": "add"}
    row["samples"] = [list(took)] * count
    await world.rows.write(lambda c: c.execute(tables.pace.insert().values(**row)))


async def look(world: World) -> int:
    return await watch.Watch(world.parts).look()


async def kinds(world: World, key: str = "1") -> list[str]:
    return [kind for kind, _ in await world.events(f"serviceOrder:{key}")]


def soon(world: World, **apart: float) -> datetime:
    return world.clock.now() + timedelta(**apart)


def as_took(world: World, ahead: timedelta) -> bool:
    """Is it what such orders took, and the slack?"""
    told = ahead.total_seconds() - world.limits.promise_slack - sum(TOOK)
    return -1.0 <= told < 2.0


async def promised(world: World, **more: Any) -> datetime:
    at = (await world.order(**more)).expected_completion
    assert at is not None
    return at


async def test_nothing_is_promised_without_history_and_what_completes_makes_some(
    world: World,
) -> None:
    first = await world.order()
    why = (await world.orders.explain(TENANT, first.id)).promise
    assert why.startswith("Nothing was promised: fewer like it were done")
    await world.run()
    rows = await world.rows.read(lambda c: c.execute(tables.pace.select()).all())

    assert first.expected_completion is None
    assert [(row.specification_id, row.action) for row in rows] == [("eline", "add")]
    (took,) = rows[0].samples
    assert len(took) == len(milestones.STEPS)
    done = await world.get(first.id)
    assert done.completion_date is not None
    whole = (done.completion_date - done.order_date).total_seconds()
    assert sum(took) == pytest.approx(whole, abs=0.01)
    assert (await world.orders.explain(TENANT, first.id)).promise == ""


async def test_a_promise_is_stored_at_acceptance_told_with_it_and_kept(world: World) -> None:
    await remembers(world)
    due = await promised(world)

    assert as_took(world, due - (await world.get("1")).order_date)
    event = await _created(world)
    assert event["expected_completion"] == views.as_json(due)
    assert "holds" in (await world.orders.explain(TENANT, "1")).promise
    await world.run()
    assert await look(world) == 0
    done = (await world.get("1")).completion_date
    assert done is not None
    assert done < due
    assert JEOPARDY not in await kinds(world)


async def test_behind_a_longer_line_than_is_worked_on_at_once_nothing_is_promised(
    world: World,
) -> None:
    """Ten thousand orders were promised as if each came next, and each promise had to be moved."""
    world.limits = dataclasses.replace(world.limits, in_flight=2)
    world.build(world.points)
    await remembers(world)
    dates = [(await world.order(f"o{n}")).expected_completion for n in range(5)]

    assert [date is not None for date in dates] == [True, True, True, False, False]
    assert (await world.get("5")).expected_completion is None
    why = (await world.orders.explain(TENANT, "5")).promise
    assert why.startswith("Nothing was promised: more items of this tenant were in line before it")
    await world.run_to_the_end()
    assert (await world.order("alone")).expected_completion is not None


async def test_a_line_of_one_tenant_withholds_no_promise_of_another(world: World) -> None:
    world.limits = dataclasses.replace(world.limits, in_flight=4)
    world.build(world.points)
    await remembers(world)
    await remembers(world, tenant="other")
    dates = [(await world.order(f"o{n}")).expected_completion for n in range(7)]
    assert [date is None for date in dates] == [False] * 5 + [True] * 2
    theirs = [(await world.order(f"t{n}", tenant="other")).expected_completion for n in range(5)]
    # Two tenants wait: each has two of the four, and as many again in line.
    assert [date is None for date in theirs] == [False] * 3 + [True] * 2


STEP = 1_000.0
SLOW = (0.0, STEP, STEP, STEP, STEP)
"""A history in which the machine that the tests run on is no part."""


def ends(port: str) -> dict[str, str]:
    return {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"}


async def begun(world: World, number: int) -> None:
    """Order ``number`` takes its routers, or its place in the line for them."""
    await world.feeder.feed()
    await transaction.phases(world.parts)[0].act(f"{number}-1", 1)


@pytest.mark.parametrize(("group", "third"), [(1, 11.0), (16, 7.0)])
async def test_who_orders_behind_a_line_is_promised_its_end(
    group: int, third: float, tmp_path: Path
) -> None:
    bounds = dataclasses.replace(worlds.TEST_LIMITS, group=group)
    async with worlds.open_world(tmp_path, limits=bounds) as world:
        await remembers(world, took=SLOW)
        due: list[float] = []
        for number, port in enumerate(worlds.PORTS, start=1):
            now = world.clock.now()
            at = await promised(world, name=f"o{number}", characteristics=ends(port))
            due.append((at - now).total_seconds() / 1.5 / STEP)
            await begun(world, number)
        # The first is planned: three of its four steps are left.
        assert due == pytest.approx([4.0, 7.0, third], abs=0.5)
        assert await look(world) == 0
        assert "holds" in (await world.orders.explain(TENANT, "3")).promise


async def test_an_order_after_the_one_that_has_its_devices_waits_for_it_once(world: World) -> None:
    await remembers(world, took=SLOW)
    first = await promised(world, name="o1", characteristics=ends(worlds.PORTS[0]))
    await begun(world, 1)
    second = worlds.request("o2", characteristics=ends(worlds.PORTS[1]))
    at = (await world.orders.submit(dataclasses.replace(second, after=("1",)))).order

    assert at.expected_completion is not None
    steps = (at.expected_completion - first).total_seconds() / 1.5 / STEP
    assert steps == pytest.approx(4.0, abs=0.5)


async def test_a_promise_of_before_there_was_a_line_moves_behind_it(world: World) -> None:
    await remembers(world, took=SLOW)
    first = [
        await promised(world, name=f"o{n}", characteristics=ends(port))
        for n, port in enumerate(worlds.PORTS[:2])
    ]
    assert await look(world) == 0
    for number in (1, 2):
        await begun(world, number)
    assert await look(world) == 1
    late = (await world.get("2")).expected_completion
    assert late is not None
    assert late - first[1] >= timedelta(seconds=STEP)
    assert (await world.get("1")).expected_completion == first[0]
    assert await look(world) == 0


async def test_nothing_is_promised_behind_a_line_longer_than_what_is_worked_on_at_once(
    world: World,
) -> None:
    world.limits = dataclasses.replace(world.limits, in_flight=3)
    world.build(world.points)
    await remembers(world)
    for number, port in enumerate(worlds.PORTS[:2], start=1):
        await promised(world, name=f"o{number}", characteristics=ends(port))
        await begun(world, number)
    last = await world.order("last", characteristics=ends("eth5"))
    assert last.expected_completion is None
    assert "in line" in (await world.orders.explain(TENANT, last.id)).promise


async def test_much_news_is_told_in_units_of_a_few(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remembers(world)
    for number in range(5):
        await promised(world, name=f"o{number}")
    monkeypatch.setattr(watch, "_AT_ONCE", 2)
    world.clock.ahead += 3_600.0
    before = world.rows.counters().commits

    assert await look(world) == 5
    assert world.rows.counters().commits == before + 3
    assert await look(world) == 0
    assert [JEOPARDY in await kinds(world, f"{n}") for n in range(1, 6)] == [True] * 5


async def _created(world: World) -> dict[str, Any]:
    asked = sa.select(worlds.EVENTS.c.payload).where(
        worlds.EVENTS.c.kind == "ServiceOrderCreateEvent"
    )
    found: dict[str, Any] = await world.rows.read(lambda c: c.execute(asked).scalar_one())
    return found


async def test_an_order_that_is_stuck_is_told_before_its_promise_breaks_and_then_it_moves(
    world: World,
) -> None:
    await remembers(world)
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    due = await promised(world)
    await world.run()
    assert await look(world) == 0
    told: list[list[str]] = []
    while world.clock.now() < due:
        world.clock.ahead += world.limits.watch_every
        await world.run()
        await look(world)
        told.append([one.level for one in (await world.get("1")).jeopardy])
    order = await world.get("1")

    assert told[-2], "it was told while the promise still held"
    assert order.jeopardy[0].at < due
    assert order.jeopardy[0].name == "expectedCompletionDate"
    assert "pe2" in order.jeopardy[0].exception
    assert order.jeopardy[0].items == ("1",)
    assert order.expected_completion is not None
    assert order.expected_completion > due
    assert (await kinds(world)).count(JEOPARDY) == len(order.jeopardy)
    assert len({one.level for one in order.jeopardy}) == len(order.jeopardy)
    assert (await kinds(world)).count(CHANGE) == 1
    history = [text for _, text in (await world.orders.explain(TENANT, "1")).history]
    assert any(text.startswith("in jeopardy") for text in history)
    assert any(text.startswith("promised for") for text in history)


async def test_a_promise_moves_a_few_times_while_nothing_goes_on_and_each_level_is_told_once(
    world: World,
) -> None:
    await remembers(world)
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    await promised(world)
    await world.run()
    for _ in range(200):
        world.clock.ahead += world.limits.watch_every
        await look(world)

    told = await kinds(world)
    assert 1 < told.count(CHANGE) <= 8
    assert told.count(JEOPARDY) <= len(views.Jeopardy)
    assert len((await world.get("1")).jeopardy) == told.count(JEOPARDY)


async def test_a_wish_that_cannot_be_kept_is_told_without_history(world: World) -> None:
    start, wish = soon(world, hours=2), soon(world, hours=1)
    await world.order(requested_start=start, requested_completion=wish)
    await world.run()
    await look(world)
    await look(world)
    order = await world.get("1")

    assert [one.level for one in order.jeopardy] == [views.Jeopardy.CRITICAL]
    assert order.jeopardy[0].name == "requestedCompletionDate"
    assert "at the soonest" in order.jeopardy[0].message
    assert order.expected_completion is None
    assert (await kinds(world)).count(JEOPARDY) == 1
    assert "cannot be kept" in (await world.orders.explain(TENANT, "1")).promise


async def test_a_wish_that_was_past_already_is_no_deadline(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    await world.order(requested_completion=soon(world, days=-1))
    await world.run()
    assert await look(world) == 0


async def test_what_begins_later_is_promised_for_later(world: World) -> None:
    await remembers(world)
    start = soon(world, days=1)
    due = await promised(world, requested_start=start)
    assert as_took(world, due - start)
    await world.run()
    assert await look(world) == 0


async def test_a_start_that_is_amended_takes_the_promise_along_and_is_no_jeopardy(
    world: World,
) -> None:
    await remembers(world)
    await promised(world, requested_start=soon(world, days=1))
    await world.run()
    start = soon(world, days=3)
    seen = await world.get("1")
    wish = orders.Amendment(seen, "bss", {"requested_start": start})
    await world.orders.amend(wish)
    await look(world)
    order = await world.get("1")

    assert order.jeopardy == ()
    assert order.expected_completion is not None
    assert as_took(world, order.expected_completion - start)
    assert (await kinds(world)).count(CHANGE) == 1


async def test_a_window_counts_as_a_start_and_a_pause_without_end_promises_nothing(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    opens = (now + timedelta(hours=5)).replace(minute=0, second=0, microsecond=0)
    ends = (opens + timedelta(hours=1)).time()
    window = limits.Window(stops.Scope.DEVICE, "pe1", frozenset(range(7)), opens.time(), ends)
    bounds = dataclasses.replace(worlds.TEST_LIMITS, windows=(window,))
    async with worlds.open_world(tmp_path, limits=bounds) as world:
        await remembers(world)
        due = await promised(world)
        assert due >= opens
        assert due - opens < timedelta(seconds=70)
        await world.run()
        assert await look(world) == 0

        asked = stops.StopRequest(stops.Scope.ALL, "", "works")
        await world.rows.write(
            lambda c: stop_rows.put(
                c, TENANT, asked, cause=stops.Cause.OPERATOR, by="ann", at=world.clock.now()
            )
        )
        assert (await world.order("other")).expected_completion is None


@pytest.mark.parametrize("jump", [-86_400.0, 7_200.0])
async def test_a_wall_clock_that_is_set_raises_no_alarm_and_takes_the_promise_along(
    world: World, jump: float
) -> None:
    await remembers(world)
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    due = await promised(world)
    await world.run()
    world.clock.jump += jump
    await look(world)
    order = await world.get("1")

    assert order.jeopardy == ()
    assert order.expected_completion is not None
    moved = (order.expected_completion - due).total_seconds()
    assert moved == pytest.approx(jump, abs=2)
    assert (await kinds(world)).count(CHANGE) == 1
    assert await look(world) == 0


async def test_an_order_behind_another_is_promised_after_it_or_not_at_all(world: World) -> None:
    await remembers(world)
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    first = await promised(world)
    second = await world.orders.submit(dataclasses.replace(other(world), after=("1",)))
    assert second.order.expected_completion is not None
    assert second.order.expected_completion > first

    unknown = worlds.request("third", specification="l3vpn")
    only = dataclasses.replace(unknown.items[0], characteristics=sites())
    key = (await world.orders.submit(dataclasses.replace(unknown, items=(only,)))).order.id
    behind = dataclasses.replace(other(world, "fourth"), after=(key,))
    assert (await world.orders.submit(behind)).order.expected_completion is None


def other(world: World, name: str = "second") -> orders.OrderRequest:
    del world
    return worlds.request(name, characteristics={"aEnd": "pe1:eth5", "zEnd": "pe2:eth5"})


def sites() -> dict[str, Any]:
    ends = {"pe1:eth3": "172.16.1.1/24", "pe2:eth3": "172.16.2.1/24"}
    return {"sites": [{"port": port, "address": address} for port, address in ends.items()]}


async def test_milestones_are_few_in_order_and_told(world: World) -> None:
    two = worlds.request()
    line = dataclasses.replace(other(world).items[0], id="2", path="serviceOrderItem[1]")
    whole = dataclasses.replace(two, items=(*two.items, dataclasses.replace(line, after=("1",))))
    key = (await world.orders.submit(whole)).order.id
    await world.run()
    order = await world.get(key)

    for item in order.items:
        assert [name for name, _ in item.milestones] == list(milestones.STEPS[1:])
        dates = [at for _, at in item.milestones]
        assert dates == sorted(dates)
    told = (await kinds(world, key)).count("ServiceOrderMilestoneEvent")
    assert told == 5, (
        "planned and proven of each, and the first one's end: the order's tells the other"
    )


async def test_what_was_undone_and_done_again_says_nothing_of_the_pace(world: World) -> None:
    world.devices["pe2"].faults = Faults(lock_held_by=77)
    await world.order()
    await world.run()
    world.devices["pe2"].faults = Faults()
    await world.run_to_the_end()
    rows = await world.rows.read(lambda c: c.execute(tables.transaction.select()).all())
    assert rows[0].attempt > 1
    assert await world.count(tables.pace) == 0


@pytest.mark.parametrize(
    "trouble", [errors.StoreUnavailable("away"), ValueError("nobody foresaw this")]
)
async def test_the_role_looks_again_and_again_and_no_trouble_ends_it(
    tmp_path: Path, trouble: Exception
) -> None:
    bounds = dataclasses.replace(worlds.TEST_LIMITS, watch_every=0.01)
    async with worlds.open_world(tmp_path, limits=bounds) as world:
        start, wish = soon(world, hours=2), soon(world, hours=1)
        await world.order(requested_start=start, requested_completion=wish)
        away = Away(world.parts.store, trouble, times=2)
        role = watch.Watch(dataclasses.replace(world.parts, store=away))
        looking = asyncio.create_task(role.run())
        async with asyncio.timeout(300):
            while not (await world.get("1")).jeopardy:
                assert not looking.done()
                await asyncio.sleep(0.01)
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        assert away.times == 0


class Away:
    """A store that cannot be read the first ``times``."""

    def __init__(self, store: store.Store, trouble: Exception, times: int) -> None:
        self._store, self._trouble, self.times = store, trouble, times
        self.write = store.write

    async def read(self, query: Callable[[sa.Connection], Any]) -> Any:
        if self.times:
            self.times -= 1
            raise self._trouble
        return await self._store.read(query)


@pytest.mark.peer
async def test_promises_context_nesting_and_items_of_other_orders_on_postgresql(
    postgres_url: str,
) -> None:
    async with worlds.open_world(postgres_url) as world:
        await remembers(world)
        first = await world.order()
        await world.run()
        mention = dataclasses.replace(first_item(), id="0", service_name=None, characteristics={})
        mention = dataclasses.replace(
            mention, action=views.ItemAction.NO_CHANGE, service_id="s1-1", specification=""
        )
        child = dataclasses.replace(other(world).items[0], id="2", parent="0")
        behind = dataclasses.replace(child, after_others=((first.id, "1"),))
        world.devices["pe2"].faults = Faults(lock_held_by=77)
        asked = dataclasses.replace(other(world, "whole"), items=(mention, behind))
        order = (await world.orders.submit(asked)).order
        await world.run()
        assert order.expected_completion is not None
        assert [one.parent for one in order.items] == [None, "0"]

        world.clock.ahead += 3_600
        await look(world)
        told = await world.get(order.id)
        assert [one.level for one in told.jeopardy] == [views.Jeopardy.CRITICAL]
        assert told.expected_completion is not None
        assert told.expected_completion > order.expected_completion
        samples = await world.rows.read(lambda c: c.execute(tables.pace.select()).one().samples)
        assert len(samples) == pace.ENOUGH + 1


def first_item() -> orders.ItemRequest:
    return worlds.request().items[0]
