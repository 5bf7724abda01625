"""Group commit where its members differ: in devices, in attempts, in whose fault it is."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from oss_agent import errors
from oss_agent.fulfilment.intent import design, plan
from oss_agent.fulfilment.record import journal, states, tables
from oss_agent.fulfilment.transact import observer, prepare, transaction
from oss_agent.spi import catalogue, views
from oss_agent.testing import flow
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio

THREE = ("pe1", "pe2", "pe3")
DONE = views.OrderState.COMPLETED


@contextlib.asynccontextmanager
async def quiet() -> AsyncIterator[None]:
    """Without the traceback of every fault: rendering it takes longer than the test."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.open_world(tmp_path, names=THREE) as made:
        yield made


async def built(world: worlds.World, name: str) -> str:
    """An active service pe1:eth3 to pe2:eth3."""
    order = await world.order(name, characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.run_to_the_end()
    return (await world.get(order.id)).items[0].service_id or ""


async def changed(world: worlds.World, service: str, **said: Any) -> str:
    """The id of an order that modifies a service; it is not yet worked on."""
    request = worlds.request(
        "s", action=views.ItemAction.MODIFY, service_id=service, body_digest=str(said)
    )
    (item,) = request.items
    object.__setattr__(item, "characteristics", said)
    return (await world.orders.submit(request)).order.id


async def test_a_member_that_wants_other_devices_by_now_goes_by_itself(
    world: worlds.World,
) -> None:
    service = await built(world, "s")
    moves = await changed(world, service, zEnd="pe3:eth3")
    await world.feeder.feed()
    await world.flow.step()  # it has pe1, pe2 and pe3
    ids = [(await world.order("acme")).id, await changed(world, service, bandwidth=50)]
    await world.feeder.feed()
    while await world.flow.step():
        pass
    await world.feeder.feed()
    leader = await world.rows.read(lambda c: journal.load(c, f"{ids[0]}-1"))
    assert leader is not None
    await transaction.phases(world.parts)[0].act(leader.id, leader.run)
    await world.run_to_the_end()

    assert [(await world.get(key)).state for key in (moves, *ids)] == [DONE, DONE, DONE]
    assert "<rate>50000</rate>" in (await world.snapshots())["pe3"]
    assert await world.count(tables.lease) == await world.count(tables.queue) == 0


async def two(world: worlds.World) -> list[str]:
    """Orders of which the second waits for the first's routers."""
    ends = ({"aEnd": f"pe1:{port}", "zEnd": f"pe2:{port}"} for port in ("eth4", "eth5"))
    names = ("acme-0", "acme-1")
    return [
        (await world.order(name, characteristics=one)).id
        for name, one in zip(names, ends, strict=True)
    ]


async def three(world: worlds.World) -> list[str]:
    """Of which the second leads the third."""
    first = await world.order("first", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    return [first.id, *await two(world)]


async def test_a_run_of_long_ago_takes_no_lease(world: worlds.World) -> None:
    ids = await three(world)
    stale = await world.rows.read(journal.open_ones)
    await world.run_to_the_end()
    rows = await world.rows.read(lambda c: c.execute(tables.transaction.select()).all())
    carried = {row.id for row in rows if row.leader is not None}
    assert carried
    for one in stale:
        if one.id in carried:
            with pytest.raises(errors.Fenced):
                await prepare.prepare(world.parts, one)
    assert await world.count(tables.lease) == await world.count(tables.queue) == 0
    assert {(await world.get(key)).state for key in ids} == {DONE}


async def test_what_was_seen_in_a_vote_that_failed_is_no_evidence_of_a_member(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[int] = []
    look = observer.look_at_all

    async def lying(p: Any, leader: states.Transaction, rows: Any) -> Any:
        decided.append(leader.attempt)
        if len(decided) == 2:
            world.devices["pe2"].change_by_hand(
                '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme-1</name>'
                "<vni>7</vni></eline></services>"
            )
        return await look(p, leader, rows)

    monkeypatch.setattr(observer, "look_at_all", lying)
    ids = await three(world)
    await world.run_to_the_end()

    done = [order for order in [await world.get(key) for key in ids] if order.state is DONE]
    assert len(decided) > 2
    assert done
    for order in done:
        assert "failed" not in {str(one.outcome) for one in order.items[0].evidence}


@pytest.mark.parametrize("seed", range(2))
async def test_a_member_that_makes_the_agent_stumble_does_not_fail_its_leader(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = observer.look

    async def broken(p: Any, transaction: states.Transaction, *rest: Any) -> Any:
        if transaction.order == "3":
            raise RuntimeError("nobody foresaw it")
        return await look(p, transaction, *rest)

    monkeypatch.setattr(observer, "look", broken)
    steps = flow.SteppedFlow(seed=seed)
    async with worlds.open_world(tmp_path, flow=steps) as world, quiet():
        ids = await three(world)
        await world.run_to_the_end(turns=40)

        found = [(await world.get(key)).state for key in ids]
        assert found == [DONE, DONE, views.OrderState.FAILED]


async def test_an_unreadable_share_is_not_its_leaders_failure(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = plan.sequence

    def refusing(intents: Any, now: Any, driver: Any) -> Any:
        if any("acme-1" in str(intent.wanted) for _, intent in intents):
            raise errors.DeviceRefused("pe1", "it lets nobody read that")
        return sequence(intents, now, driver)

    monkeypatch.setattr(plan, "sequence", refusing)
    ids = await three(world)
    await world.run_to_the_end()

    found = [(await world.get(key)).state for key in ids]
    assert found == [DONE, DONE, views.OrderState.FAILED]


async def test_services_with_another_policy_go_by_themselves(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = design.reserve

    def other(connection: Any, p: Any, transaction: states.Transaction, at: Any) -> Any:
        made = reserve(connection, p, transaction, at)
        if transaction.order != "3":
            return made
        lenient = dataclasses.replace(made.design, out_of_band=catalogue.OutOfBand.ACCEPT)
        return dataclasses.replace(made, design=lenient)

    monkeypatch.setattr(design, "reserve", other)
    ids = await three(world)
    await world.run_to_the_end()
    leaders = await world.rows.read(lambda c: c.execute(tables.transaction.select()).all())
    assert {row.leader for row in leaders} == {None}
    assert [(await world.get(key)).state for key in ids] == [DONE, DONE, DONE]
