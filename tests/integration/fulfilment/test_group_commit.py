"""Group commit: orders that wait for the same devices share one commit, and part when it fails."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import journal, states, tables
from oss_agent.fulfilment.turn import group
from oss_agent.spi import views
from oss_agent.testing.simulated.faults import Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.schema import Ceiling
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
VNI = Ceiling(("services", "eline", "vni"), 10_150, "vni out of range")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path, ceilings={"pe2": (VNI,)}) as made:
        yield made


async def three(world: worlds.World, *, bad: int | None = None) -> list[str]:
    """Orders on the same two routers: the second and third wait while the first has them."""
    ids: list[str] = []
    for number, port in enumerate(worlds.PORTS):
        wants: dict[str, object] = {"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"}
        wants |= {"vni": 10_160} if number == bad else {}
        ids.append((await world.order(f"acme-{number}", characteristics=wants)).id)
    return ids


async def states_of(world: worlds.World, ids: list[str]) -> list[views.OrderState]:
    return [(await world.get(key)).state for key in ids]


def commits(world: worlds.World) -> Mapping[str, int]:
    return {name: len(one.history.of(Kind.CONFIRM)) for name, one in world.devices.items()}


async def test_those_behind_share_one_commit(world: worlds.World) -> None:
    ids = await three(world)
    await world.run_to_the_end()

    assert set(await states_of(world, ids)) == {views.OrderState.COMPLETED}
    assert commits(world) == {"pe1": 2, "pe2": 2}
    for number in range(3):
        assert world.holds("pe1", f"acme-{number}")
    for key in ids:
        order = await world.get(key)
        assert {one.outcome for one in order.items[0].evidence} & {"proven"}
        assert order.items[0].resource_orders


async def test_each_owns_its_own_and_can_leave_alone(world: worlds.World) -> None:
    ids = await three(world)
    await world.run_to_the_end()
    services = [(await world.get(key)).items[0].service_id for key in ids]
    gone = worlds.request("acme-2", action=views.ItemAction.DELETE, service_id=services[2])
    await world.orders.submit(dataclasses.replace(gone, body_digest="gone"))
    await world.run_to_the_end()

    assert [world.holds("pe2", f"acme-{number}") for number in range(3)] == [True, True, False]


async def test_the_one_that_fails_is_found_and_the_others_complete(world: worlds.World) -> None:
    before = await world.snapshots()
    ids = await three(world, bad=2)
    await world.run_to_the_end()

    done = views.OrderState.COMPLETED
    assert await states_of(world, ids) == [done, done, views.OrderState.FAILED]
    failed = await world.get(ids[2])
    assert failed.error is not None
    assert "vni out of range" in failed.error.message
    assert not world.holds("pe1", "acme-2")
    assert (await world.snapshots()).keys() == before.keys()
    assert await world.count(tables.lease) == await world.count(tables.queue) == 0


async def test_a_group_whose_proof_fails_does_not_trip_the_breaker(world: worlds.World) -> None:
    world.devices["pe2"].faults = Faults(ok_changes_nothing=True)
    ids = await three(world)
    await world.run_to_the_end()

    assert set(await states_of(world, ids)) == {views.OrderState.FAILED}
    causes = await world.rows.read(lambda c: c.execute(tables.decision.select()).all())
    assert sum(row.cause == states.Cause.BISECTED for row in causes) == 1
    assert not world.holds("pe1", "acme-0")


async def test_a_cancelled_member_leaves_and_the_others_go_on(world: worlds.World) -> None:
    ids = await three(world)
    await world.feeder.feed()
    await world.cancel(ids[1])
    await world.run_to_the_end()

    found = await states_of(world, ids)
    assert found[1] in {views.OrderState.CANCELLED, views.OrderState.COMPLETED}
    assert found[0] is found[2] is views.OrderState.COMPLETED


@pytest.mark.parametrize(
    "point",
    [
        "journal.reserve.after",
        "journal.intent.before",
        "journal.intent.after",
        "journal.held.after",
        "journal.decision.before",
        "journal.decision.after",
        "journal.report.before",
        "journal.report.after",
    ],
)
@pytest.mark.parametrize("passing", [2, 3])
async def test_a_crash_leaves_nobody_carried_for_ever(
    world: worlds.World, point: str, passing: int
) -> None:
    ids = await three(world)
    await world.start(failpoints.Failpoints({f"{point}@{passing}": "raise"}))
    try:
        await world.run_to_the_end()
    except failpoints.Crash:
        await world.start()
        await world.run_to_the_end()

    assert set(await states_of(world, ids)) == {views.OrderState.COMPLETED}
    assert not await world.rows.read(journal.open_ones)


@pytest.mark.parametrize(("size", "next_size"), [(16, 8), (3, 1), (2, 1), (1, 1)])
def test_halves(size: int, next_size: int) -> None:
    assert group.half(size) == next_size
