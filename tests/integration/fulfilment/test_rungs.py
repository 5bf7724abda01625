"""All or nothing on every rung and on mixtures of them, with one login per device."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import states
from oss_agent.spi import views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.offer import OFFERS, UNSAFE, Offer
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
MIXTURES = list(itertools.product(OFFERS, OFFERS))
LIVE = {Kind.COMMIT, Kind.HOLD}
"""What goes live on a device."""


def offers(one: Rung, two: Rung) -> dict[str, Offer]:
    return {"pe1": OFFERS[one], "pe2": OFFERS[two]}


def names(mixture: tuple[Rung, Rung]) -> str:
    return "+".join(rung.name.lower() for rung in mixture)


def kinds(world: World, name: str) -> list[Kind]:
    return [entry.kind for entry in world.devices[name].history]


@pytest.mark.parametrize("mixture", MIXTURES, ids=names)
async def test_an_order_completes_on_every_mixture(
    mixture: tuple[Rung, Rung], tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path, offers=offers(*mixture)) as world:
        await world.order()
        await world.run()

        order = await world.get("1")
        assert order.state is views.OrderState.COMPLETED, order.error
        found = await world.participants("1")
        assert (found["pe1"].rung, found["pe2"].rung) == mixture
        assert {one.state for one in found.values()} == {states.State.DONE}
        assert world.holds("pe1")
        assert world.holds("pe2")
        assert not any(one.datastores.pending for one in world.devices.values())


@pytest.mark.parametrize("mixture", MIXTURES, ids=names)
async def test_a_refusal_at_commit_leaves_both_as_before(
    mixture: tuple[Rung, Rung], tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path, offers=offers(*mixture)) as world:
        before = await world.snapshots()
        world.devices["pe2"].faults = Faults(refuse_commit="vni out of range")
        await world.order()
        await world.run()

        order = await world.get("1")
        assert order.state is views.OrderState.FAILED
        assert order.error is not None
        assert (order.error.code, order.error.reference) == ("changeRejected", "pe2")
        assert await world.snapshots() == before
        assert not world.alarms.open


@pytest.mark.parametrize("rung", OFFERS, ids=lambda rung: rung.name.lower())
async def test_a_locked_router_costs_the_others_no_commit(rung: Rung, tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path, offers={"pe1": OFFERS[rung]}) as world:
        world.devices["pe2"].faults = Faults(lock_held_by=77)
        await world.order()
        await world.run()

        assert "77" in str((await world.get("1")).items[0].wait)
        assert not LIVE & set(kinds(world, "pe1"))
        world.devices["pe2"].faults = NONE
        await world.run_to_the_end()
        assert (await world.get("1")).state is views.OrderState.COMPLETED


async def test_those_with_a_timer_are_held_before_those_without(tmp_path: Path) -> None:
    mixture = offers(Rung.RUNNING, Rung.PERSIST)
    async with worlds.open_world(tmp_path, offers=mixture) as world:
        world.devices["pe2"].faults = Faults(refuse_commit="no")
        await world.order()
        await world.run()

        assert (await world.get("1")).state is views.OrderState.FAILED
        assert Kind.EDIT not in kinds(world, "pe1")  # it has no candidate: an edit is live


async def test_a_device_without_a_rung_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path, offers={"pe2": UNSAFE}) as world:
        await world.order()
        await world.run()

        order = await world.get("1")
        assert order.state is views.OrderState.FAILED
        assert order.error is not None
        assert (order.error.code, order.error.reference) == ("deviceRefused", "pe2")
        for name in worlds.PES:
            assert not {Kind.LOCK, Kind.EDIT, *LIVE} & set(kinds(world, name))


async def test_an_order_logs_in_once_per_device(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.run()
        assert (await world.get("1")).state is views.OrderState.COMPLETED
        await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
        await world.run()
        assert (await world.get("2")).state is views.OrderState.COMPLETED

        assert world.lines.opened == 2
        assert [len(one.login_attempts) for one in world.devices.values()] == [1, 1]


async def test_a_login_that_died_between_two_orders_is_made_again(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.run()
        await world.devices["pe1"].cut()
        await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
        await world.run()

        assert (await world.get("2")).state is views.OrderState.COMPLETED


POINTS = [
    "journal.committing.after",
    "device.commit.before",
    "device.commit.after",
    "journal.held.after",
    "journal.decision.before",
    "journal.decision.after",
    "device.confirm.after",
    "journal.proven.after",
]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    "mixture",
    [
        (Rung.PERSIST, Rung.RUNNING),
        (Rung.CONFIRMED, Rung.CANDIDATE),
        (Rung.CANDIDATE, Rung.RUNNING),
    ],
    ids=names,
)
async def test_after_a_crash_a_mixture_is_all_new(
    mixture: tuple[Rung, Rung], point: str, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path, offers=offers(*mixture)) as world:
        await world.start(failpoints.Failpoints({point: "raise"}))
        await world.order()
        try:
            await world.run()
        except failpoints.Crash:
            await world.start()
        await world.run_to_the_end()

        order = await world.get("1")
        assert order.state is views.OrderState.COMPLETED, order.error
        assert world.holds("pe1")
        assert world.holds("pe2")
        assert not any(one.datastores.pending for one in world.devices.values())
        assert not world.alarms.open
