"""Suspend and resume: nothing of the service on any device meanwhile, everything as before after it."""

from __future__ import annotations

import dataclasses
import itertools
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import tables
from oss_agent.spi import orders, proof, views
from oss_agent.testing.simulated.faults import NONE, Faults
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.ladder import Network
from tests.integration.fulfilment.test_kill import agent
from tests.integration.fulfilment.test_modify import claims_of, ports_of, service_of, touches
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
Action = views.ItemAction
ACTIVE, INACTIVE = views.ServiceState.ACTIVE, views.ServiceState.INACTIVE
STATE = "ServiceStateChangeEvent"
LINE: Mapping[str, Any] = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 20}
KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "eline": ("eline", {**ladder.ENDS, "bandwidth": 20}),
    "l3vpn": (
        "l3vpn",
        {
            "sites": [
                {"port": "pe1:eth4", "address": "172.16.1.1/24"},
                {"port": "sw1:eth4", "address": "172.16.2.1/24", "bandwidth": 10},
            ]
        },
    ),
    "internet on NETCONF": ("internet-access", {"accessPort": "pe1:eth4", "bandwidth": 50}),
    "internet on lines": ("internet-access", {"accessPort": "sw1:eth4", "bandwidth": 50}),
}
"""A service of each type, on a NETCONF router, a command-line router, or both."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


async def ask(
    world: World, service: str, state: views.ServiceState | None, **said: Any
) -> views.ServiceOrderView:
    """Order a service to be in a state, with what else is said of it; the order at its end."""
    key = await submit(world, service, state, **said)
    await world.run_to_the_end()
    return await world.get(key)


async def submit(world: World, service: str, state: views.ServiceState | None, **said: Any) -> str:
    return (await world.orders.submit(await wanted(world, service, state, **said))).order.id


async def wanted(
    world: World, service: str, state: views.ServiceState | None, **said: Any
) -> orders.OrderRequest:
    whole = worlds.request(body_digest=f"{await world.count(tables.order)}")
    item = dataclasses.replace(
        whole.items[0],
        action=Action.MODIFY,
        specification="",
        service_id=service,
        service_name=None,
        characteristics=said,
        service_state=state,
    )
    return dataclasses.replace(whole, items=(item,))


async def done(
    world: World, service: str, state: views.ServiceState | None, **said: Any
) -> views.OrderItemView:
    """The item of an order that completed."""
    order = await ask(world, service, state, **said)
    assert order.state is views.OrderState.COMPLETED, order.error
    return order.items[0]


async def a_line(world: World, **said: Any) -> str:
    return await ladder.carried_out(world, Action.ADD, {**LINE, **said}, specification="eline")


async def neighbours(net: Network) -> None:
    """Others' services beside it, with the rate profile that Internet access shares."""
    for name in ("pe1", "sw1"):
        whole = worlds.request(f"other-{name}", body_digest=name)
        said = {"accessPort": f"{name}:eth5", "bandwidth": 50}
        item = dataclasses.replace(
            whole.items[0], specification="internet-access", characteristics=said
        )
        await net.world.orders.submit(dataclasses.replace(whole, items=(item,)))
    await net.world.run_to_the_end()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_suspended_service_is_on_no_device_and_its_resume_brings_it_back_byte_for_byte(
    kind: str, tmp_path: Path
) -> None:
    async with ladder.network(tmp_path) as net:
        world = net.world
        await neighbours(net)
        without = await world.snapshots()
        specification, said = KINDS[kind]
        service = await ladder.carried_out(world, Action.ADD, said, specification=specification)
        whole, holds = (
            await world.snapshots(),
            (await claims_of(world), await ports_of(world, service)),
        )
        on = {name for name in whole if whole[name] != without[name]}

        item = await done(world, service, INACTIVE)
        assert await world.snapshots() == without
        assert (await claims_of(world), await ports_of(world, service)) == holds
        assert {(one.kind, one.device, one.outcome) for one in item.evidence} == {
            (proof.CONFIG_EQUAL, name, "proven") for name in on
        }
        now = await service_of(world, service)
        assert (now.state, now.operating_status) == (INACTIVE, views.OperatingStatus.STOPPED)
        for end in now.supporting_services:
            assert (await service_of(world, end)).state is INACTIVE
        assert not await world.rows.read(lambda c: world.parts.ledger.configured(c, service))

        item = await done(world, service, ACTIVE)
        assert await world.snapshots() == whole
        assert (await claims_of(world), await ports_of(world, service)) == holds
        assert len(item.evidence) > len(on)
        assert (await service_of(world, service)).state is ACTIVE
        told = [state for kind, state in await world.events(f"service:{service}") if kind == STATE]
        assert told == ["active", "inactive", "active"]
        change = "ServiceAttributeValueChangeEvent"
        assert change not in {kind for kind, _ in await world.events(f"service:{service}")}


async def test_what_is_changed_of_a_suspended_service_is_kept_for_its_resume(
    world: World,
) -> None:
    before = await world.snapshots()
    service = await a_line(world)
    await done(world, service, INACTIVE)
    seen = {name: len(world.devices[name].history) for name in worlds.PES}

    item = await done(world, service, None, bandwidth=50, zEnd="pe2:eth5")
    assert (item.evidence, item.resource_orders) == ((), ())
    assert all(touches(world, name, seen[name]) == [] for name in worlds.PES)
    assert await world.snapshots() == before
    now = await service_of(world, service)
    assert (now.state, now.characteristics["bandwidth"]) == (INACTIVE, 50)
    assert await ports_of(world, service) == {("pe1", "eth4"), ("pe2", "eth5")}

    await done(world, service, ACTIVE)
    assert "<rate>50000</rate>" in (await world.snapshots())["pe1"]
    assert (await service_of(world, service)).state is ACTIVE


async def test_one_order_changes_and_suspends_and_one_changes_and_resumes(world: World) -> None:
    before = await world.snapshots()
    service = await a_line(world)
    await done(world, service, INACTIVE, bandwidth=30)
    assert await world.snapshots() == before
    assert (await service_of(world, service)).characteristics["bandwidth"] == 30
    await done(world, service, ACTIVE, bandwidth=70)
    assert "<rate>70000</rate>" in (await world.snapshots())["pe2"]
    told = await world.events(f"service:{service}")
    assert told[-4:] == [
        (STATE, "inactive"),
        ("ServiceAttributeValueChangeEvent", "inactive"),
        (STATE, "active"),
        ("ServiceAttributeValueChangeEvent", "active"),
    ]


async def test_the_state_it_is_in_already_completes_and_touches_nothing(world: World) -> None:
    service = await a_line(world)
    for state in (ACTIVE, INACTIVE):
        await done(world, service, state)
        whole, kinds = await world.snapshots(), await world.events(f"service:{service}")
        seen = {name: len(world.devices[name].history) for name in worlds.PES}
        item = await done(world, service, state)
        assert await world.snapshots() == whole
        assert all(touches(world, name, seen[name]) == [] for name in worlds.PES)
        told = await world.events(f"service:{service}")
        assert STATE not in [kind for kind, _ in told[len(kinds) :]]
        assert item.error is None
        assert not item.evidence, "it was decided at once: there is nothing to prove"


async def test_a_suspended_service_keeps_its_ports_and_is_deleted_as_any_other(
    world: World,
) -> None:
    before = await world.snapshots()
    service = await a_line(world)
    await done(world, service, INACTIVE)
    other = await world.order("other", external_id="other")
    await world.run_to_the_end()
    refused = await world.get(other.id)
    assert refused.state is views.OrderState.REJECTED
    assert refused.error is not None
    assert service in refused.error.message

    await ladder.carried_out(world, Action.DELETE, {}, service=service)
    assert await world.snapshots() == before
    assert (await service_of(world, service)).state is views.ServiceState.TERMINATED
    assert (await claims_of(world), await ports_of(world, service)) == (set(), set())
    assert await world.count(tables.claim) == 0


async def test_the_plan_shows_what_a_suspension_and_a_resume_would_do(world: World) -> None:
    service = await a_line(world)
    (down,) = await world.orders.plan(await wanted(world, service, INACTIVE))
    assert down.changes
    assert (down.claims, {one.device for one in down.devices if one.diff}) == ((), {"pe1", "pe2"})
    assert [line.split()[0] for line in down.predicates] == [proof.CONFIG_EQUAL] * 2
    await done(world, service, INACTIVE)
    (idle,) = await world.orders.plan(await wanted(world, service, INACTIVE))
    (kept,) = await world.orders.plan(await wanted(world, service, None, bandwidth=50))
    assert (idle.changes, kept.changes, kept.devices) == (False, False, ())
    (up,) = await world.orders.plan(await wanted(world, service, ACTIVE))
    assert (up.changes, up.claims) == (True, ())
    assert [one.diff for one in up.devices] == [one.reverse for one in down.devices]


@pytest.mark.parametrize("state", [INACTIVE, ACTIVE])
async def test_one_that_is_refused_leaves_every_router_and_the_service_as_they_were(
    state: views.ServiceState, world: World
) -> None:
    service = await a_line(world)
    stands = ACTIVE
    if state is ACTIVE:
        await done(world, service, INACTIVE)
        stands = INACTIVE
    before = await world.snapshots()
    held = (await claims_of(world), await ports_of(world, service))
    world.devices["pe2"].faults = Faults(refuse_commit="no")

    order = await ask(world, service, state)
    assert order.state is views.OrderState.FAILED
    assert await world.snapshots() == before
    assert (await service_of(world, service)).state is stands
    assert (await claims_of(world), await ports_of(world, service)) == held
    world.devices["pe2"].faults = NONE
    await done(world, service, state)


async def test_what_somebody_put_in_its_place_meanwhile_is_foreign_and_stops_the_resume(
    world: World,
) -> None:
    service = await a_line(world)
    await done(world, service, INACTIVE)
    world.devices["pe2"].change_by_hand(
        '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>7</vni>'
        "</eline></services>"
    )
    before = await world.snapshots()
    order = await ask(world, service, ACTIVE)
    assert order.state is views.OrderState.FAILED
    assert order.error is not None
    assert "pe2" in order.error.message
    assert await world.snapshots() == before
    assert (await service_of(world, service)).state is INACTIVE


async def test_only_a_modify_suspends_and_only_to_the_two_states(world: World) -> None:
    service = await a_line(world)
    for action, state in (
        (Action.DELETE, INACTIVE),
        (Action.MODIFY, views.ServiceState.TERMINATED),
    ):
        request = await wanted(world, service, state)
        (item,) = request.items
        wrong = dataclasses.replace(request, items=(dataclasses.replace(item, action=action),))
        with pytest.raises(errors.OrderRejected) as refused:
            await world.orders.submit(wrong)
        assert refused.value.field == "serviceOrderItem[0].service.state"


async def test_any_sequence_of_orders_leaves_what_the_last_of_them_say(world: World) -> None:
    """A model of two facts beside the real thing: is it suspended, and which rate was ordered?"""
    without = await world.snapshots()
    service = await a_line(world)
    suspended, rate = False, 20
    steps = [INACTIVE, None, INACTIVE, ACTIVE, None, ACTIVE, INACTIVE, ACTIVE]
    for number, state in enumerate(steps):
        said = {"bandwidth": 30 + number} if state is None or number == len(steps) - 1 else {}
        await done(world, service, state, **said)
        rate = said.get("bandwidth", rate)
        suspended = suspended if state is None else state is INACTIVE
        now = await world.snapshots()
        assert (now == without) is suspended
        assert all((f"<rate>{rate}000</rate>" in text) is not suspended for text in now.values())
        assert await ports_of(world, service) == {("pe1", "eth4"), ("pe2", "eth4")}


CRASHES = (
    "journal.intent.after",
    "device.commit.after",
    "journal.decision.before",
    "journal.decision.after",
    "device.confirm.after",
    "journal.report.before",
)


async def test_a_crash_on_the_way_down_or_up_leaves_all_of_it_or_nothing(world: World) -> None:
    without = await world.snapshots()
    service = await a_line(world)
    is_now = {ACTIVE: await world.snapshots(), INACTIVE: without}
    for point, state in zip(CRASHES, itertools.cycle((INACTIVE, ACTIVE))):
        await world.start(failpoints.Failpoints({point: "raise"}))
        key = await submit(world, service, state)
        with pytest.raises(failpoints.Crash, match=point):
            await world.run()
        await world.start()
        assert world.holds("pe1") == world.holds("pe2")
        await world.run_to_the_end()
        assert (await world.get(key)).state is views.OrderState.COMPLETED
        assert await world.snapshots() == is_now[state]
        assert (await service_of(world, service)).state is state
    assert await world.count(tables.lease) == 0


@pytest.mark.parametrize("point", ["device.commit.after"])
async def test_a_killed_agent_finishes_a_suspension_that_it_began(
    point: str, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path) as world:
        without = await world.snapshots()
        await world.order(idempotency_key="k")
        await world.run_to_the_end()
        key = await submit(world, "s1-1", INACTIVE)
        await world.stop()

        killed, _ = await agent(world, f"{point}:kill")
        status, _ = await agent(world)
        assert (killed, status) == (-signal.SIGKILL, 0)
        assert (await world.get(key)).state is views.OrderState.COMPLETED
        await world.start()
        assert await world.snapshots() == without
        await done(world, "s1-1", ACTIVE)
        assert world.holds("pe1")
        assert world.holds("pe2")
