"""The three ledgers after real orders: quiet while all is well, one case for each thing that is not."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from inventory.facts import facts
from inventory.ledgers import case_desk, ledger_views, reconciler
from inventory.looks import observed
from inventory.planning import ledger
from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.fulfilment.record import census
from oss_agent.spi import moments, query, tree, views
from oss_agent.spi.cases import CaseView
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.test_suspend import INACTIVE, ask
from tests.integration.fulfilment.world import PORTS, TENANT, World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


def _reconciler(world: World) -> reconciler.Reconciler:
    return reconciler.Reconciler(world.rows, world.clock, census.services_in_work)


async def _look(world: World, **amiss: facts.InterfaceFact | None) -> None:
    """Both routers' ports are read: all up, but those that are ``amiss`` (None: not there)."""
    at = world.clock.now()
    for device in worlds.PES:
        ports = {port: facts.InterfaceFact(port, n, "up", "up") for n, port in enumerate(PORTS)}
        ports |= {p: f for p, f in amiss.items() if f is not None and device == "pe1"}
        there = [fact for p, fact in ports.items() if device != "pe1" or amiss.get(p, fact)]
        seen = facts.DeviceFacts(device, interfaces=tuple(there), uptime=1)
        await world.rows.write(functools.partial(observed.record, seen=seen, at=at))


async def _cases(world: World) -> list[CaseView]:
    desk = case_desk.CasePort(world.rows, world.clock)
    return list((await desk.find(query.Query(TENANT))).items)


async def _told(world: World) -> list[tuple[str, str]]:
    await _reconciler(world).look()
    return sorted((one.subject, one.kind) for one in await _cases(world))


async def _service(world: World) -> str:
    key = (await world.order()).id
    await world.run_to_the_end()
    order = await world.get(key)
    assert order.state is views.OrderState.COMPLETED
    return order.items[0].service_id


def _end(table: sa.Table[Any], **which: str) -> Callable[[sa.Connection], int]:
    """What a fault of ours, or a person in the database, would do."""

    def unit(connection: sa.Connection) -> int:
        same = sa.and_(*(table.c[name] == value for name, value in which.items()))
        at = connection.execute(sa.select(sa.func.max(tables.services.c.valid_from))).scalar_one()
        return history.end(connection, table, same, at + timedelta(seconds=1))

    return unit


async def test_a_network_as_ordered_has_no_case_through_the_life_of_a_service(
    world: World,
) -> None:
    await _look(world)
    assert await _told(world) == []
    service = await _service(world)
    await _look(world)
    assert await _told(world) == []
    await ask(world, service, INACTIVE)
    assert await _told(world) == []
    await ask(world, service, views.ServiceState.ACTIVE)
    assert await _told(world) == []
    await world.order(action=views.ItemAction.DELETE, service_id=service)
    await world.run_to_the_end()
    await _look(world)
    assert await _told(world) == []


async def test_an_order_at_work_opens_no_case_at_any_of_its_steps(world: World) -> None:
    """Without being told which: an order's unit leaves the ledgers agreeing."""
    await _look(world)
    role = reconciler.Reconciler(world.rows, world.clock, lambda _: ())
    await world.order()
    await world.feeder.feed()
    assert await world.rows.read(census.services_in_work) == {"s1-1"}
    for _ in range(40):
        if not await world.feeder.feed() and not world.flow.waiting:
            break
        while world.flow.waiting:
            await world.flow.step()
            await role.look()
            assert await _cases(world) == []
    assert await world.rows.read(census.services_in_work) == frozenset()


async def test_who_is_at_work_is_found_by_index_among_all_that_ever_were(world: World) -> None:
    asked: list[tuple[str, Any]] = []

    def unit(connection: sa.Connection) -> str:
        def hear(_c: Any, _cursor: Any, statement: str, said: Any, *_: Any) -> None:
            asked.append((statement, said))

        event.listen(connection, "before_cursor_execute", hear)
        census.services_in_work(connection)
        event.remove(connection, "before_cursor_execute", hear)
        ((statement, said),) = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", said)
        return "; ".join(row[-1] for row in plan)

    plan = await world.rows.read(unit)
    assert "ord_transaction USING INDEX ix_ord_transaction_stage (stage=?)" in plan, plan


async def test_each_disagreement_is_the_right_case_and_nothing_else(world: World) -> None:
    service = await _service(world)
    await _look(world)
    await world.rows.write(_end(tables.configured, device="pe1"))
    assert await _told(world) == [("pe1", "service-unconfigured")]
    (case,) = await _cases(world)
    assert case.owner == "service acme of bss, order 1"
    assert f"service acme ({service}) is active since" in case.text
    assert case.cause
    assert case.actions == ("accept", "ignore")

    await _look(world, eth4=facts.InterfaceFact("eth4", 1, "down", "down"))
    kinds = [kind for _, kind in await _told(world)]
    assert sorted(kinds) == ["port-switched-off", "service-unconfigured"]
    await _look(world, eth4=facts.InterfaceFact("eth4", 1, "up", "lowerLayerDown"))
    assert ("pe1:eth4", "port-down") in await _told(world)
    await _look(world)
    assert await _told(world) == [("pe1", "service-unconfigured")]


async def test_what_a_service_left_behind_is_somebodys_to_look_at(world: World) -> None:
    service = await _service(world)
    await _look(world)
    await world.rows.write(_end(tables.services, id=service))

    assert await _told(world) == [
        ("core-vni:10100", "pool-value-of-nobody"),
        ("pe1", "configured-without-service"),
        ("pe1:eth4", "port-held-by-nobody"),
        ("pe2", "configured-without-service"),
        ("pe2:eth4", "port-held-by-nobody"),
    ]
    assert await _told(world) == await _told(world), "nothing is opened twice"
    for table in (tables.configured, tables.ownership, tables.port_claims, tables.pool_claims):
        await world.rows.write(_end(table, tenant=TENANT))
    assert await _told(world) == []


async def test_a_device_that_was_imported_and_never_answered_is_a_case_after_its_grace(
    world: World,
) -> None:
    assert await _told(world) == [("pe1", "device-never-seen"), ("pe2", "device-never-seen")]
    await _look(world)
    assert await _told(world) == []


async def test_a_held_port_that_no_look_ever_saw(world: World) -> None:
    await _service(world)
    await _look(world, eth4=None)
    assert await _told(world) == [("pe1:eth4", "port-never-seen")]


async def test_what_was_touched_is_compared_soon_and_an_order_at_work_is_waited_for(
    world: World,
) -> None:
    service = await _service(world)
    await _look(world)
    busy = {service}
    role = reconciler.Reconciler(world.rows, world.clock, lambda _: busy)
    await world.rows.write(_end(tables.configured, device="pe1"))
    assert await role.look(["pe1"]) == 0
    assert await _cases(world) == []
    busy.clear()
    assert await role.look(["pe2"]) == 0
    assert await role.look(["pe1"]) == 1
    busy.add(service)
    assert await role.look(["pe1"]) == 0, "what was so before the order stays"
    assert [one.kind for one in await _cases(world)] == ["service-unconfigured"]
    assert role.counters() == {"compared": 4, "changed": 1}


async def test_the_three_ledgers_side_by_side_now_and_as_they_were(world: World) -> None:
    before = world.clock.now()
    await _look(world)
    service = await _service(world)
    port = ledger_views.LedgerPort(world.rows, world.clock, census.services_in_work)

    view = await port.show(TENANT, "acme")
    assert (view.kind, view.id, view.differences, view.busy) == ("service", service, (), False)
    lines = {line.about: line for line in view.lines}
    assert list(lines) == [
        "service acme",
        "pe1:eth4",
        "pe2:eth4",
        "pe1 (netconf)",
        "pe2 (netconf)",
        "core-vni:10100",
    ]
    status = lines["service acme"].observed
    assert status is not None
    assert status.text == "running"
    held, seen = lines["pe1:eth4"].planned, lines["pe1:eth4"].observed
    assert held is not None
    assert seen is not None
    assert (held.text, held.by, seen.text) == ("held by acme", "order 1", "up, admin up")
    value = lines["core-vni:10100"].configured
    assert value is not None
    assert value.text == "on pe1 (netconf), pe2 (netconf)"

    device = await port.show(TENANT, "pe1")
    assert [line.about for line in device.lines] == ["pe1", "pe1:eth4", "acme on pe1 (netconf)"]
    (of_port,) = (await port.show(TENANT, "pe1:eth4")).lines
    assert of_port.configured is not None
    assert of_port.configured.text == "its service read back (netconf)"

    await world.rows.write(_end(tables.configured, device="pe1"))
    await _reconciler(world).look()
    (told,) = (await port.show(TENANT, service)).differences
    assert told.kind == "service-unconfigured"
    assert told.case == (await _cases(world))[0].id
    with pytest.raises(errors.NotFound, match="called 'acme' at "):
        await port.show(TENANT, "acme", moments.AsOf(before, before))
    with pytest.raises(errors.NotFound):
        await port.show("other", "acme")


async def test_the_role_compares_what_the_ledger_says_was_touched(world: World) -> None:
    pace = reconciler.Pace(soon=0.01, again=0.02, first=3600.0)
    role = reconciler.Reconciler(world.rows, world.clock, census.services_in_work, pace)
    service = await _service(world)
    await _look(world)
    books = ledger.SqlLedger(world.clock, touched=role.touched)
    here = {"device": "pe1", "store": "netconf", "service": service}
    gone, at = tree.Tree(tree.Step("config")), world.clock.now()
    await world.rows.write(lambda c: books.record_configured(c, **here, tree=gone, at=at))
    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        running = group.create_task(role.run())
        while role.counters().get("changed", 0) < 1:  # noqa: ASYNC110  it counts, and tells nobody
            await asyncio.sleep(0.01)
        running.cancel()
    assert [(one.device, one.kind) for one in await _cases(world)] == [
        ("pe1", "service-unconfigured")
    ]
