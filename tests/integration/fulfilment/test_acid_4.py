"""Acid test 4: cancel and amend at every step of a running order of several items; duplicates replayed.

A step is a write of the journal or a call to a device: ``Journal.write`` and ``Talk.call`` are the only
ways to either. Which there are is found by going past them, not by a list.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.ordering import amend
from oss_agent.fulfilment.record import journal, life_cycle, tables
from oss_agent.fulfilment.talk import contact
from oss_agent.spi import orders, query, views
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World
from tests.property import order_model

pytestmark = pytest.mark.anyio
State = views.OrderState
LINES = (
    ({"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}, ()),
    ({"aEnd": "pe3:eth4", "zEnd": "pe4:eth4"}, ()),
    ({"aEnd": "pe1:eth5", "zEnd": "pe3:eth5"}, ("1", "2")),
)
"""Two items side by side, and one that comes after both."""


class Steps:
    """Counts the steps that are taken, and does something else before one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[str] = []
        self._at = 0
        self._act: Callable[[], Awaitable[None]] | None = None
        write, call = journal.Journal.write, contact.Talk.call

        async def written(mine: journal.Journal, name: str, unit: Any) -> Any:
            await self._step(f"journal.{name}")
            return await write(mine, name, unit)

        async def called(talk: contact.Talk, name: str, *rest: Any, **named: Any) -> Any:
            await self._step(f"device.{name}")
            return await call(talk, name, *rest, **named)

        monkeypatch.setattr(journal.Journal, "write", written)
        monkeypatch.setattr(contact.Talk, "call", called)

    def before(self, number: int, act: Callable[[], Awaitable[None]]) -> None:
        """From here on: do this before step ``number``, counted from 1."""
        self.taken.clear()
        self._at, self._act = number, act

    async def _step(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) == self._at and self._act is not None:
            act, self._act = self._act, None
            await act()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path, names=("pe1", "pe2", "pe3", "pe4")) as opened:
        yield opened


def request(name: str) -> orders.OrderRequest:
    whole = worlds.request(name, external_id=name, idempotency_key=name)
    items = [
        dataclasses.replace(
            worlds.request(f"{name}-{number}", characteristics=dict(ends)).items[0],
            id=str(number),
            path=f"serviceOrderItem[{number - 1}]",
            after=after,
        )
        for number, (ends, after) in enumerate(LINES, start=1)
    ]
    return dataclasses.replace(whole, items=tuple(items))


async def replayed(world: World, name: str, key: str) -> None:
    again = await world.orders.submit(request(name))
    assert (again.created, again.order.id) == (False, key)


async def told_without_a_gap(world: World, key: str) -> None:
    asked = (
        worlds.EVENTS.select()
        .where(worlds.EVENTS.c.entity == f"serviceOrder:{key}")
        .order_by(worlds.EVENTS.c.number)
    )
    rows = await world.rows.read(lambda c: c.execute(asked).all())
    told = [order_model.Told(row.id, row.kind, State(row.payload["state"])) for row in rows]
    now = (await world.get(key)).state
    assert [*order_model.gaps(key, told, life_cycle.NEXT, now)] == []


async def taken_away(world: World, key: str) -> None:
    """End what an order made, so that the next one finds the network as this one did."""
    made = [item.service_id for item in (await world.get(key)).items]
    ends = [
        worlds.request("x", action=views.ItemAction.DELETE, service_id=service).items[0]
        for service in made
    ]
    items = tuple(
        dataclasses.replace(end, id=str(number), path=f"serviceOrderItem[{number - 1}]")
        for number, end in enumerate(ends, start=1)
    )
    await world.orders.submit(dataclasses.replace(worlds.request("x"), items=items))
    await world.run_to_the_end()


def chosen(names: Sequence[str]) -> list[int]:
    """Each kind of step once, where it first comes; and one when the first items are completed."""
    first = {name: number for number, name in reversed([*enumerate(names, start=1)])}
    return sorted({*first.values(), len(names) * 4 // 5})


async def test_cancelled_at_any_step_it_is_all_undone_or_refused_with_the_reason(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await world.snapshots()
    steps = Steps(monkeypatch)
    key = (await world.orders.submit(request("unharmed"))).order.id
    steps.before(0, never)
    await world.run_to_the_end()
    names = tuple(steps.taken)
    await taken_away(world, key)
    ends: Counter[State] = Counter()
    for number in chosen(names):
        name = f"{number}-{names[number - 1]}"
        key = (await world.orders.submit(request(name))).order.id
        steps.before(number, functools.partial(cancelled_there, world, name, key))
        await world.run_to_the_end()
        ends[await one_end(world, name, key)] += 1
        assert await world.snapshots() == before, name
        assert await world.count(tables.claim) == 0, name

    assert set(ends) == {State.CANCELLED, State.COMPLETED}
    assert min(ends.values()) > 4


async def never() -> None:
    raise AssertionError("there is no step 0")


async def cancelled_there(world: World, name: str, key: str) -> None:
    """Sent again and cancelled, once: a second wish is refused whatever became of the first."""
    await replayed(world, name, key)
    task = await world.cancel(key, reason=name)
    if task.state is views.TaskState.TERMINATED:
        assert "past its point of no return" in (task.message or "") or "is completed" in (
            task.message or ""
        )
        return
    with pytest.raises(errors.OrderRejected, match="being cancelled by task"):
        await world.cancel(key)


async def one_end(world: World, name: str, key: str) -> State:
    """Completed or cancelled, as its task says; then the network is made as it was before."""
    order = await world.get(key)
    task = (await world.cancellations.find(asked_for(key))).items[-1]
    refused = task.state is views.TaskState.TERMINATED
    wanted = State.COMPLETED if refused else State.CANCELLED
    assert {order.state, *(item.state for item in order.items)} == {wanted}, name
    assert refused or task.state is views.TaskState.DONE, name
    await replayed(world, name, key)
    await told_without_a_gap(world, key)
    if refused:
        await taken_away(world, key)
    return order.state


def asked_for(key: str) -> query.Query:
    return query.Query(TENANT, (query.Filter("serviceOrder.id", query.Operator.EQ, (key,)),))


SILENT = {"device.read", "device.snapshot", "device.observe"}
"""What changes nothing and is next to a step that does: an amendment is not tried there again."""


def widened(services: Sequence[str], rate: int) -> orders.OrderRequest:
    items = [
        dataclasses.replace(
            worlds.request("x", action=views.ItemAction.MODIFY, service_id=service).items[0],
            id=str(number),
            path=f"serviceOrderItem[{number - 1}]",
            service_name=None,
            characteristics={"bandwidth": rate},
        )
        for number, service in enumerate(services, start=1)
    ]
    name = f"to-{rate}"
    whole = worlds.request("x", external_id=name, body_digest=name)
    return dataclasses.replace(whole, items=tuple(items))


async def amended(world: World, key: str, rate: int) -> str:
    """Ask for another bandwidth of the first item: "" when it was taken, else why it was not."""

    def unit(connection: sa.Connection) -> None:
        one = journal.load(connection, f"{key}-1")
        assert one is not None
        asked = orders.ItemChange("1", {"bandwidth": rate})
        amend.replace(connection, world.parts, one, asked, "bss", world.clock.now())

    try:
        await world.rows.write(unit)
    except errors.OrderRejected as refused:
        return refused.code
    return ""


def rates(world: World) -> dict[str, set[str]]:
    """The bandwidths that each router has, in kbit/s."""
    found = {
        name: re.findall(r"'rate', \(\)\): '(\d+)'", str(one.datastores.running))
        for name, one in world.devices.items()
    }
    return {name: set(rate) for name, rate in found.items()}


async def test_amended_at_any_step_it_becomes_what_was_asked_last_or_refuses_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = request("stands")
    stands = dataclasses.replace(whole, items=whole.items[:2])
    services = [item.service_id for item in (await world.orders.submit(stands)).order.items]
    await world.run_to_the_end()
    steps = Steps(monkeypatch)
    await world.orders.submit(widened(services, 99))
    steps.before(0, never)
    await world.run_to_the_end()
    names = tuple(steps.taken)
    answers: Counter[str] = Counter()
    for number in (one for one in chosen(names) if names[one - 1] not in SILENT):
        name, rate = f"{number}-{names[number - 1]}", 100 + number
        key = (await world.orders.submit(widened(services, rate))).order.id
        said: list[str] = []

        async def act(key: str = key, rate: int = rate, said: list[str] = said) -> None:
            said.append(await amended(world, key, rate * 10))

        steps.before(number, act)
        await world.run_to_the_end()
        answers[said[0]] += 1
        first = rate * (1000 if said[0] else 10_000)
        assert (await world.get(key)).state is State.COMPLETED, name
        ours, other = {str(first)}, {str(rate * 1000)}
        assert rates(world) == {"pe1": ours, "pe2": ours, "pe3": other, "pe4": other}, name
        assert not (await world.orders.submit(widened(services, rate))).created
        await told_without_a_gap(world, key)

    assert set(answers) <= {"", "pointOfNoReturn", "illegalState"}
    assert answers[""] > 2
    assert answers["pointOfNoReturn"] > 1
