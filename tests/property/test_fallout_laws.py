"""Whatever fails, and whatever people decide about it: no order leaves the diagram, tool and box agree."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import hypothesis
from hypothesis import strategies as st

from oss_agent import errors
from oss_agent.fulfilment import fallout
from oss_agent.fulfilment.record import life_cycle, states, tables
from oss_agent.spi import fallout as spi
from oss_agent.spi import views
from oss_agent.testing.simulated.faults import NONE, Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.test_sequence import item, send
from tests.integration.fulfilment.world import TENANT, World

State = views.OrderState
STATES_TOLD = ("ServiceOrderCreateEvent", "ServiceOrderStateChangeEvent")
NAMES = ("line-1", "line-2", "line-3")
HAPPENS = ("order", "refuse", "heal", "a little", "run", "cancel", "restart", "too late")
STEPS = st.sampled_from((*HAPPENS, *(action.value for action in spi.Action)))


@hypothesis.given(st.lists(STEPS, min_size=8, max_size=14))
@hypothesis.settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
@hypothesis.example(
    ["order", "a little", "refuse", "run", "heal", "rollback", "a little", "restart"]
)
@hypothesis.example(["refuse", "order", "run", "repair", "run", "cancel", "a little", "retry"])
def test_no_path_leaves_the_diagram(story: list[str]) -> None:
    asyncio.run(told(story))


async def told(story: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        async with worlds.open_world(Path(place)) as world:
            for step in story:
                await happen(world, step)
                await judge(world)
            await end(world)


async def happen(world: World, step: str) -> None:
    match step:
        case "order":
            await send(world, [item(1), item(2, "1"), item(3)], fallout="hold")
        case "refuse":
            world.devices["pe2"].faults = Faults(refuse_commit="no")
        case "heal":
            world.devices["pe2"].faults = NONE
        case "a little":
            await world.feeder.feed()
            await world.flow.drain()
        case "run":
            await world.run()
        case "cancel":
            await cancel(world)
        case "restart":
            await world.start()
        case "too late":
            world.clock.ahead += world.limits.fallout_within + 1
        case _:
            await decide(world, spi.Action(step))


async def cancel(world: World) -> None:
    for order in (await world.orders.find(worlds.everything())).items:
        if not order.state.final:
            try:
                await world.cancel(order.id)
            except errors.OrderRejected as refused:
                assert "being cancelled" in refused.reason  # noqa: PT017  it may be accepted, too


async def decide(world: World, action: spi.Action) -> None:
    """Somebody decides so about the oldest failure; a refusal is 409 and says why."""
    desk = fallout.FalloutDesk(world.parts)
    standing = await desk.standing(TENANT)
    if not standing:
        return
    one = standing[0]
    which = (TENANT, "ines", one.order, one.item)
    try:
        match action:
            case spi.Action.RETRY:
                await desk.retry(*which)
            case spi.Action.REPAIR:
                await desk.repair(*which, {"bandwidth": 30})
            case spi.Action.SKIP:
                await desk.skip(*which)
            case spi.Action.ROLLBACK:
                await desk.rollback(*which)
    except errors.OrderRejected as refused:
        assert (refused.status, bool(refused.reason)) == (409, True)  # noqa: PT017  it may be taken
        assert await desk.standing(TENANT) == standing


async def judge(world: World) -> None:
    standing = await fallout.FalloutDesk(world.parts).standing(TENANT)
    kept = {(one.order, one.item) for one in standing if one.kind is not spi.Kind.UNSETTLED}
    for order in (await world.orders.find(worlds.everything())).items:
        events = await world.events(f"serviceOrder:{order.id}")
        path = [State(state) for kind, state in events if kind in STATES_TOLD]
        for before, after in itertools.pairwise(path):
            assert after in life_cycle.NEXT[before], path
        assert path[-1] is order.state
        held = {(order.id, one.id) for one in order.items if one.state is State.HELD}
        assert held == {one for one in kept if one[0] == order.id}
        if order.state is State.HELD:
            assert held
    await compare(world)


async def compare(world: World) -> None:
    """Where nothing is in work, a router has exactly the services that live."""
    if await world.count(tables.transaction, tables.transaction.c.stage == states.Stage.RUNNING):
        return
    snapshot = await world.rows.read(lambda c: world.parts.ledger.snapshot(c, TENANT))
    living = {
        one.name
        for one in snapshot.services.values()
        if one.category == "CFS" and one.state is views.ServiceState.ACTIVE
    }
    for device in worlds.PES:
        assert {name for name in NAMES if world.holds(device, name)} == living


async def end(world: World) -> None:
    """Once nothing is wrong any more everything can be brought to its end, and nothing is left over."""
    world.devices["pe2"].faults = NONE
    desk = fallout.FalloutDesk(world.parts)
    await world.run()
    for one in await desk.standing(TENANT):
        await desk.skip(TENANT, "ines", one.order, one.item)
    await world.run_to_the_end()
    await judge(world)
    orders = (await world.orders.find(worlds.everything())).items
    assert all(one.state.final for one in orders)
    assert await world.count(tables.lease) == 0
    snapshot = await world.rows.read(lambda c: world.parts.ledger.snapshot(c, TENANT))
    living = [
        one.id
        for one in snapshot.services.values()
        if one.category == "CFS" and one.state is views.ServiceState.ACTIVE
    ]
    assert await world.count(tables.claim) == len(living)
