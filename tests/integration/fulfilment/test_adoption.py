"""What is on routers already becomes a service of ours: nothing is sent, or nothing is recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import observed
from inventory.rows import tables as inventory_tables
from oss_agent import errors
from oss_agent.catalog import catalogue as catalogue_room
from oss_agent.catalog import collection
from oss_agent.fulfilment import adoptions, failpoints
from oss_agent.fulfilment.record import tables
from oss_agent.spi import adoption, catalogue, orders, proof, views
from oss_agent.testing.simulated.history import Kind
from tests.integration.fulfilment import drifting, ladder
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
AS_IS = catalogue.OutOfBand.AS_IS
VNI = "10150"
OURS = {"pe1": "pe2", "pe2": "pe1"}


def _eline(far: str, **leaves: str) -> str:
    """An end of an E-Line named acme, as a router has it."""
    has = {"vni": VNI, "port": "eth4", "rate": "20000", "description": f"acme to {far}:eth4"}
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in (has | leaves).items())
    entry = f"<eline><name>acme</name>{inside}</eline>"
    return f'<services xmlns="urn:oss-agent:lab:services">{entry}</services>'


def _put(world: worlds.World, **odd: Mapping[str, str]) -> None:
    """Both ends on the routers by hand; ``odd`` are leaves that differ on one."""
    for name, far in OURS.items():
        world.devices[name].change_by_hand(_eline(far, **odd.get(name, {})))


def adopting(claims: Mapping[str, str], **more: Any) -> orders.OrderRequest:
    """An order that adopts acme."""
    asked = worlds.request(by_hand=AS_IS, fallout="fail", **more)
    item = dataclasses.replace(asked.items[0], claims=claims)
    return dataclasses.replace(asked, items=(item,))


async def _adopt(world: worlds.World, claims: Mapping[str, str] | None = None) -> str:
    made = await world.orders.submit(adopting(claims or {"vni": VNI}))
    await world.run()
    return made.order.id


def _sent(world: worlds.World) -> list[Kind]:
    """What sessions did on the routers that could have changed something."""
    changing = {Kind.EDIT, Kind.COMMIT}
    return [
        one.kind
        for device in world.devices.values()
        for one in device.history
        if one.kind in changing and one.session
    ]


async def _traces(world: worlds.World) -> list[int]:
    """Rows that an adoption leaves when it succeeds: ownership, claims, ports, leases."""
    owned = inventory_tables.ownership
    current = sa.and_(owned.c.valid_to.is_(None), owned.c.known_to.is_(None))
    return [
        await world.count(owned, current),
        await world.count(tables.claim),
        await world.count(tables.lease),
    ]


async def _service(world: worlds.World, order: views.ServiceOrderView) -> views.ServiceView:
    """The service of an order's only item."""
    key = order.items[0].service_id or ""
    found = await world.rows.read(lambda c: world.parts.ledger.service(c, worlds.TENANT, key))
    assert found is not None
    return found


async def test_what_is_there_becomes_a_service_and_nothing_is_sent(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        _put(world)
        before = await world.snapshots()
        key = await _adopt(world)
        done = await world.get(key)
        assert done.state is views.OrderState.COMPLETED, done.error
        assert done.adoption
        assert await world.snapshots() == before
        assert _sent(world) == []

        (item,) = done.items
        assert [one.kind for one in item.evidence].count(proof.CONFIG_EQUAL) == len(OURS)
        service = await _service(world, done)
        assert service.state is views.ServiceState.ACTIVE
        assert service.characteristics["vni"] == int(VNI)
        owners = await world.rows.read(
            lambda c: world.parts.ledger.owners(
                c, "pe1", "netconf", "/services/eline[name=acme]/vni"
            )
        )
        assert owners == (item.service_id,)
        history = (await world.orders.explain(worlds.TENANT, key)).history
        assert any("adopted as it is: 10 nodes on pe1, pe2" in text for _, text in history)


async def _change(
    world: worlds.World, action: views.ItemAction, state: views.ServiceState | None, **said: Any
) -> None:
    number = str(await world.count(tables.order))
    asked = worlds.request(action=action, service_id="s1-1", specification="", body_digest=number)
    item = dataclasses.replace(
        asked.items[0], service_name=None, characteristics=said, service_state=state
    )
    made = await world.orders.submit(dataclasses.replace(asked, items=(item,)))
    await world.run()
    done = await world.get(made.order.id)
    assert done.state is views.OrderState.COMPLETED, done.items[0].error


async def test_an_adopted_service_is_watched_changed_and_ended_as_any_other(
    tmp_path: Path,
) -> None:
    modify, state = views.ItemAction.MODIFY, views.ServiceState
    async with worlds.open_world(tmp_path) as world:
        bare = await world.snapshots()
        _put(world)
        there = await world.snapshots()
        await _adopt(world)
        assert await drifting.found(world, "pe1") == []
        world.devices["pe1"].change_by_hand(_eline("pe2", rate="7"))
        ((_, path, was, now),) = await drifting.found(world, "pe1")
        assert (path, was, now) == ("/services/eline[name=acme]/rate", "20000", "7")
        world.devices["pe1"].change_by_hand(_eline("pe2"))

        await _change(world, modify, state.INACTIVE)
        assert await world.snapshots() == bare
        await _change(world, modify, state.ACTIVE)
        assert await world.snapshots() == there
        await _change(world, modify, None, bandwidth=50)
        assert "<rate>50000</rate>" in (await world.snapshots())["pe1"]
        await _change(world, views.ItemAction.DELETE, None)
        assert await world.snapshots() == bare


def _access(name: str, port: str, prefix: str) -> str:
    """An Internet access of 50 Mbit/s, and the profile that all of that rate share."""
    inside = f"<name>{name}</name><port>{port}</port><gateway>{prefix}</gateway>"
    entry = f"<internet-access>{inside}<profile>mbps-50</profile></internet-access>"
    profile = "<rate-profile><name>mbps-50</name><rate>50000</rate></rate-profile>"
    of = 'xmlns="urn:oss-agent:lab:services"'
    return f"<services {of}>{entry}</services><profiles {of}>{profile}</profiles>"


async def test_what_services_share_is_owned_by_both_and_goes_with_the_last(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await ladder.seed_pools(world)
        bare = await world.snapshots()
        router = world.devices["pe1"]
        router.change_by_hand(_access("one", "eth4", "203.0.113.1/30"))
        router.change_by_hand(_access("two", "eth5", "203.0.113.5/30"))
        survey = await _desk(world).find(worlds.TENANT, ["pe1"])
        assert [one.name for one in survey.candidates] == ["one", "two"]
        for one in survey.candidates:
            whose = dataclasses.replace(one, customer="acme-inc")
            made = await _desk(world).run(worlds.TENANT, "ann", whose)
            await world.run()
            done = await world.get(made.order.id)
            assert done.state is views.OrderState.COMPLETED, done.items[0].error
        for service, profile in (("s1-1", True), ("s2-1", False)):
            await ladder.send(world, views.ItemAction.DELETE, {}, service=service)
            await world.run()
            assert ("mbps-50" in (await world.snapshots())["pe1"]) is profile
        assert await world.snapshots() == bare


async def test_a_port_that_has_an_address_is_adopted_with_it_and_is_nobody_elses(
    tmp_path: Path,
) -> None:
    """Discovery saw the address before: to every other order the port is the network's for it."""
    async with worlds.open_world(tmp_path) as world:
        await ladder.seed_pools(world)
        world.devices["pe1"].change_by_hand(_access("one", "eth4", "203.0.113.1/30"))
        address = (facts.AddressFact("eth4", "203.0.113.1", 30),)
        seen, at = facts.DeviceFacts("pe1", addresses=address), world.clock.now()
        await world.rows.write(lambda c: observed.record(c, seen, at))
        with pytest.raises(errors.OrderRejected, match=r"it has the address 203\.0\.113\.1"):
            await world.orders.plan(worlds.request())

        (one,) = (await _desk(world).find(worlds.TENANT, ["pe1"])).candidates
        one = dataclasses.replace(one, customer="acme-inc")
        odd = dataclasses.replace(one, characteristics={**one.characteristics, "bandwidth": 7})
        for wish in (odd, one):
            assert bool((await _desk(world).plan(worlds.TENANT, wish)).differences) is (wish is odd)
            made = await _desk(world).run(worlds.TENANT, "ann", wish)
            await world.run()
            done = await world.get(made.order.id)
            told = "it has the address" if wish is odd else "belongs to service"
            with pytest.raises(errors.OrderRejected, match=told):
                await world.orders.plan(worlds.request())
        assert done.state is views.OrderState.COMPLETED, done.items[0].error
        said, key = {"bandwidth": 100}, done.items[0].service_id
        changed = await ladder.send(world, views.ItemAction.MODIFY, said, service=key)
        await world.run()
        assert (await world.get(changed)).state is views.OrderState.COMPLETED


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"vni": "10151"}, "/services/eline[name=acme]/vni is '10151': the design has '10150'"),
        ({"rate": "7"}, "/services/eline[name=acme]/rate is '7': the design has '20000'"),
    ],
)
async def test_one_difference_fails_it_and_leaves_no_trace(
    odd: dict[str, str], told: str, tmp_path: Path
) -> None:
    async with worlds.open_world(tmp_path) as world:
        _put(world, pe2=odd)
        before = await world.snapshots()
        (plan,) = await world.orders.plan(adopting({"vni": VNI}))
        assert plan.differences == (f"pe2 netconf {told}",)

        done = await world.get(await _adopt(world))
        assert done.state is views.OrderState.FAILED
        assert done.items[0].error is not None
        assert f"pe2 netconf {told}" in done.items[0].error.message
        assert await world.snapshots() == before
        assert _sent(world) == []
        assert await _traces(world) == [0, 0, 0]
        world.devices["pe2"].change_by_hand(_eline("pe1"))
        asked = adopting({"vni": VNI}, body_digest="mended")
        assert (await world.orders.plan(asked))[0].differences == ()
        made = await world.orders.submit(asked)  # its value rests for what is there: for this
        await world.run()
        assert (await world.get(made.order.id)).state is views.OrderState.COMPLETED


async def test_what_nobody_adopted_stays_a_conflict(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        _put(world)
        again = await world.order()
        await world.run()
        refused = await world.get(again.id)
        assert refused.state is views.OrderState.FAILED
        assert refused.items[0].error is not None
        assert "no service owns it" in refused.items[0].error.message


async def test_what_the_design_has_not_is_a_difference(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        _put(world)
        request = adopting({"vni": VNI})
        said = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4"}
        item = dataclasses.replace(request.items[0], characteristics=said)
        (plan,) = await world.orders.plan(dataclasses.replace(request, items=(item,)))
        where = "netconf /services/eline[name=acme]/rate is not in the design"
        assert plan.differences == (f"pe1 {where}", f"pe2 {where}")


async def test_a_value_that_somebody_has_is_named(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        other = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3", "vni": int(VNI)}
        await world.order("other", characteristics=other)
        await world.run()
        with pytest.raises(errors.OrderRejected, match=f"{VNI}.*s1-1"):
            await world.orders.plan(adopting({"vni": VNI}))


async def test_a_missing_end_is_a_difference(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        world.devices["pe1"].change_by_hand(_eline("pe2"))
        (plan,) = await world.orders.plan(adopting({"vni": VNI}))
        assert plan.differences == ("pe2 netconf /services/eline[name=acme] is not there",)


async def test_an_adoption_is_one_new_service_and_stays_one(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        asked = adopting({})
        two = dataclasses.replace(asked.items[0], id="2", path="serviceOrderItem[1]")
        with pytest.raises(errors.OrderRejected, match="one item"):
            await world.orders.submit(dataclasses.replace(asked, items=(*asked.items, two)))
        made = await world.orders.submit(asked)
        with pytest.raises(errors.OrderRejected, match="adoption from the start"):
            await world.orders.choose(worlds.TENANT, "ann", made.order.id, "adopt")


async def test_killed_anywhere_it_is_adopted_once_and_nothing_is_sent(tmp_path: Path) -> None:
    points = ["journal.reserve.after", "device.lock.after", "device.unlock.before"]
    points += ["journal.intent.after", "journal.decision.after", "journal.report.before"]
    async with worlds.open_world(tmp_path) as world:
        _put(world)
        before = await world.snapshots()
        await world.orders.submit(adopting({"vni": VNI}))
        for point in points:
            await world.start(failpoints.Failpoints({point: "raise"}))
            with pytest.raises(failpoints.Crash, match=point):
                await world.run_to_the_end()
        await world.start()
        await world.run_to_the_end()
        assert (await world.get("1")).state is views.OrderState.COMPLETED
        assert await world.snapshots() == before
        assert _sent(world) == []
        assert await _traces(world) == [10, 1, 0]


async def test_a_lock_held_by_somebody_is_waited_for(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        _put(world)
        driver = world.drivers.driver("sim_netconf")
        async with driver.session(world.devices["pe2"].endpoint()) as somebody:
            await somebody.lock()
            key = await _adopt(world)
            waiting = await world.get(key)
            assert waiting.state is views.OrderState.IN_PROGRESS
            assert waiting.items[0].wait is not None
            await somebody.unlock()
        await world.run_to_the_end()
        assert (await world.get(key)).state is views.OrderState.COMPLETED


LINES = f"""\
service eline acme
vni {VNI}
port eth4
rate 20000
description acme to pe1:eth4
"""


async def test_command_lines_are_adopted_beside_netconf(tmp_path: Path) -> None:
    async with ladder.network(tmp_path) as net:
        net.world.devices["pe1"].change_by_hand(_eline("sw1"))
        net.box.change_by_hand(LINES)
        before = await net.world.snapshots()
        made = await net.world.orders.submit(
            adopting({"vni": VNI}, characteristics=dict(ladder.ENDS))
        )
        await net.world.run()
        done = await net.world.get(made.order.id)
        assert done.state is views.OrderState.COMPLETED, done.items[0].error
        assert await net.world.snapshots() == before
        assert set(net.typed()) <= {"end"}  # the way out of what its lock is

        delete = views.ItemAction.DELETE
        await ladder.send(net.world, delete, {}, service=done.items[0].service_id)
        await net.world.run()
        assert await net.world.snapshots() == net.before


def _desk(world: worlds.World) -> adoptions.Adoptions:
    files = collection.load()
    settings = {"as_number": "65000", "internet_community": "65000:100"}
    told = catalogue_room.Specifications(files.services, settings)
    return adoptions.Adoptions(world.parts, world.orders, told)


async def _ordered(world: worlds.World, kind: str, name: str, said: dict[str, Any]) -> str:
    asked = worlds.request(name, specification=kind, body_digest=name)
    item = dataclasses.replace(asked.items[0], characteristics=said)
    made = await world.orders.submit(dataclasses.replace(asked, items=(item,)))
    await world.run()
    done = await world.get(made.order.id)
    assert done.state is views.OrderState.COMPLETED, done.items[0].error
    return done.items[0].service_id or ""


async def _forget(world: worlds.World) -> None:
    """What is on the routers stays, and is nobody's: as if it had been there before us."""
    here = inventory_tables
    every: list[sa.Table] = [here.ownership, here.configured, here.services, here.port_claims]
    every += [here.pool_claims, tables.claim]

    def unit(connection: sa.Connection) -> None:
        for table in every:
            connection.execute(table.delete())

    await world.rows.write(unit)


async def test_what_is_found_is_planned_and_adopted_on_netconf_and_command_lines(
    tmp_path: Path,
) -> None:
    sites = [
        {"port": "pe1:eth3", "address": "172.16.1.1/24", "name": "hq", "bandwidth": 10},
        {"port": "sw1:eth3", "address": "172.16.2.1/24"},
    ]
    async with ladder.network(tmp_path) as net:
        world, desk = net.world, _desk(net.world)
        await _ordered(world, "l3vpn", "vpn", {"sites": sites})
        access = {"accessPort": "sw1:eth5", "bandwidth": 50}
        await _ordered(world, "internet-access", "web", access)
        owned = await desk.find(worlds.TENANT, ["pe1", "sw1"])
        assert owned == adoption.Survey(())

        await _forget(world)
        before = await world.snapshots()
        survey = await desk.find(worlds.TENANT, ["pe1", "sw1"])
        assert survey.unfit == ()
        assert {one.name: one.characteristics for one in survey.candidates} == {
            "vpn": {"sites": sites},
            "web": access,
        }
        for one in survey.candidates:
            with pytest.raises(errors.OrderRejected, match="say whose it is"):
                await desk.run(worlds.TENANT, "ann", one)
            assert (await desk.plan(worlds.TENANT, one)).differences == ()
            whose = dataclasses.replace(one, customer="acme-inc")
            made = await desk.run(worlds.TENANT, "ann", whose)
            await world.run()
            done = await world.get(made.order.id)
            assert done.state is views.OrderState.COMPLETED, done.items[0].error
            assert (await _service(world, done)).customer == "acme-inc"
        assert await world.snapshots() == before
        assert await desk.find(worlds.TENANT, ["pe1", "sw1"]) == adoption.Survey(())

        living = [item.service_id for n in (3, 4) for item in (await world.get(str(n))).items]
        for key in living:
            await ladder.send(world, views.ItemAction.DELETE, {}, service=key)
            await world.run()
        assert await world.snapshots() == net.before


async def test_what_is_no_whole_service_is_said(tmp_path: Path) -> None:
    async with ladder.network(tmp_path) as net:
        net.world.devices["pe1"].change_by_hand(_eline("sw1"))
        net.box.change_by_hand("service eline acme\nport eth4")
        survey = await _desk(net.world).find(worlds.TENANT, ["pe1", "sw1"])
        (one,) = survey.candidates
        assert one.claims == {"vni": VNI}
        assert one.doubts == ("1 of its 2 ends found: look at sw1:eth4, too",)
        (part,) = survey.unfit
        assert part.device == "sw1"
        assert part.unfit == "/line[text=service eline acme] has no vni <vni>"
        (more,) = survey.candidates[0].parts
        assert more == "pe1 netconf /services/eline[name=acme]"
