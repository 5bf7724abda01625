"""What somebody changed of ours on a device becomes a case; what they did beside it does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory.drift import attribution, audit, audits, drift_rows
from inventory.pools import pool_claims, pool_desk
from oss_agent import errors
from oss_agent.assurance import schedule
from oss_agent.fulfilment.talk import audit_reader
from oss_agent.spi import drift, views
from oss_agent.spi.tree import Path as TreePath
from oss_agent.spi.tree import Tree
from tests.integration.fulfilment import drifting, ladder
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio
ACME = "/services/eline[name=acme]"


async def _built(world: worlds.World) -> None:
    await world.order()
    await world.run()
    assert (await world.get("1")).state is views.OrderState.COMPLETED


def _acme(inside: str) -> str:
    return drifting.services(f"<eline><name>acme</name>{inside}</eline>")


async def test_edits_of_ours_are_cases_until_they_are_put_back(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        assert await drifting.found(world, "pe2") == []

        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni>"))
        world.devices["pe2"].change_by_hand(_acme('<rate nc:operation="delete"/>'))
        assert await drifting.found(world, "pe2") == [
            ("drift-missing", f"{ACME}/rate", "20000", ""),
            ("drift-changed", f"{ACME}/vni", "10100", "10177"),
        ]
        assert await drifting.found(world, "pe1") == []
        missing, changed = await drifting.cases(world)
        assert missing["kind"] == "drift-missing"
        assert changed["subject"] == f"pe2:{ACME}/vni"
        assert changed["evidence"] == "netconf: was 10100, is 10177"
        assert "it belongs to acme (s1-1)" in changed["text"]
        assert "does not say who" in changed["cause"]

        for healed in ("<vni>10100</vni>", "<rate>20000</rate>"):
            world.devices["pe2"].change_by_hand(_acme(healed))
        assert await drifting.found(world, "pe2") == []
        assert await drifting.cases(world) == []


async def test_an_entry_deleted_by_hand_is_one_case_and_foreign_ones_are_none(
    tmp_path: Path,
) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        theirs = "<eline><name>other</name><vni>7</vni></eline>"
        world.devices["pe2"].change_by_hand(drifting.services(theirs))
        assert await drifting.found(world, "pe2") == []

        gone = '<eline nc:operation="delete"><name>acme</name></eline>'
        world.devices["pe2"].change_by_hand(drifting.services(gone))
        ((kind, path, was, _),) = await drifting.found(world, "pe2")
        assert (kind, path) == ("drift-missing", ACME)
        assert was == "description acme to pe1:eth4, port eth4, rate 20000, vni 10100"


async def test_what_is_added_inside_an_entry_of_ours_is_extra(tmp_path: Path) -> None:
    async with ladder.network(tmp_path, names=("sw1",)) as net:
        sites = [
            {"port": "sw1:eth4", "address": "172.16.1.1/24"},
            {"port": "pe1:eth4", "address": "172.16.2.1/24"},
        ]
        said = {"sites": sites}
        await ladder.carried_out(net.world, views.ItemAction.ADD, said, specification="l3vpn")
        assert await drifting.found(net.world, "pe1") == []
        site = "<site><port>eth5</port><gateway>172.16.9.1/24</gateway></site>"
        vrf = f"<vrf><name>vpn20000</name>{site}</vrf>"
        net.world.devices["pe1"].change_by_hand(drifting.services(vrf))
        assert await drifting.found(net.world, "pe1") == [
            (
                "drift-extra",
                "/services/vrf[name=vpn20000]/site[port=eth5]",
                "",
                "gateway 172.16.9.1/24",
            )
        ]


@pytest.mark.parametrize("kind", ["eline", "l3vpn", "internet-access"])
async def test_lines_typed_into_ours_are_cases_and_lines_beside_are_not(
    kind: str, tmp_path: Path
) -> None:
    orders: Mapping[str, Mapping[str, Any]] = {
        "eline": {"aEnd": "sw1:eth4", "zEnd": "sw2:eth4", "bandwidth": 20},
        "l3vpn": {
            "sites": [
                {"port": "sw1:eth4", "address": "172.16.1.1/24"},
                {"port": "sw2:eth4", "address": "172.16.2.1/24"},
            ]
        },
        "internet-access": {"accessPort": "sw1:eth4", "bandwidth": 50},
    }
    async with ladder.network(tmp_path, names=("sw1", "sw2"), netconf=()) as net:
        add = views.ItemAction.ADD
        await ladder.carried_out(net.world, add, orders[kind], specification=kind)
        assert await drifting.found(net.world, "sw1") == []
        net.box.change_by_hand("router bgp 65000\nneighbor 192.0.2.77 remote-as 7")
        assert await drifting.found(net.world, "sw1") == []

        typed = {
            "eline": ("service eline acme\nrate 7", "rate 20000", "rate 7"),
            "l3vpn": ("vrf vpn20000\nvni 7", "vni 20000", "vni 7"),
            "internet-access": ("policy-map mbps-50\nrate 7", "rate 50000", "rate 7"),
        }[kind]
        net.box.change_by_hand(typed[0])
        told = await drifting.found(net.world, "sw1")
        kinds = {one: path for one, path, _, _ in told}
        assert set(kinds) == {"drift-missing", "drift-extra"}
        assert typed[1] in kinds["drift-missing"]
        assert typed[2] in kinds["drift-extra"]


class _Meddling(audit_reader.AuditReader):
    """Does something beside every reading of a device."""

    def __init__(self, world: worlds.World, act: Callable[[], Awaitable[None]]) -> None:
        super().__init__(world.drivers, world.lines, world.limits)
        self.act = act

    async def read(self, name: str, store: str, paths: Sequence[TreePath]) -> Tree:
        found = await super().read(name, store, paths)
        await self.act()
        return found


@pytest.mark.parametrize("phases", [1, 3])
async def test_a_change_of_ours_is_never_drift(phases: int, tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        service: dict[str, Any] = {
            "action": views.ItemAction.MODIFY,
            "service_id": "s1-1",
            "specification": "",
        }
        sent = worlds.request(**service, characteristics={"bandwidth": 50}, body_digest="2")
        await world.orders.submit(sent)
        await world.feeder.feed()
        for _ in range(phases):
            if world.flow.waiting:
                await world.flow.step()
        told = await drifting.auditor(world).audit("pe2")
        assert told.differences == ()

        async def go_on() -> None:
            if world.flow.waiting:
                await world.flow.step()

        meddling = _Meddling(world, go_on)
        told = await drifting.auditor(world, reader=meddling, quiet=meddling).audit("pe2")
        assert told.differences == ()
        await world.run()
        assert (await world.get("2")).state is views.OrderState.COMPLETED
        assert await drifting.found(world, "pe2") == []
        assert await drifting.cases(world) == []


async def test_an_order_that_comes_while_a_device_is_read_leaves_it_unjudged(
    tmp_path: Path,
) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        service: dict[str, Any] = {
            "action": views.ItemAction.MODIFY,
            "service_id": "s1-1",
            "specification": "",
        }
        sent = worlds.request(**service, characteristics={"bandwidth": 50}, body_digest="2")

        async def whole_order() -> None:
            await world.orders.submit(sent)
            await world.run()

        meddling = _Meddling(world, whole_order)
        told = await drifting.auditor(world, reader=meddling, quiet=meddling).audit("pe2")
        assert told.reason == audit.IN_WORK
        assert (await world.get("2")).state is views.OrderState.COMPLETED


async def test_what_a_device_shows_for_a_moment_is_no_drift(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni>"))

        async def heal() -> None:
            world.devices["pe2"].change_by_hand(_acme("<vni>10100</vni>"))

        meddling = _Meddling(world, heal)
        told = await drifting.auditor(world, reader=meddling, quiet=meddling).audit("pe2")
        assert (told.differences, told.reason) == ((), "")


async def test_a_silent_device_is_not_judged_and_its_cases_stay(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni>"))
        await drifting.found(world, "pe2")
        before = (await world.rows.read(drift_rows.turns))["pe2"]
        await world.devices["pe2"].__aexit__(None, None, None)
        told = await drifting.auditor(world).audit("pe2")
        assert told.reason
        assert len(await drifting.cases(world)) == 1
        after = (await world.rows.read(drift_rows.turns))["pe2"]
        assert (after.since, after.troubled) == (before.since, True)
        assert after.tried_at != before.tried_at
        with pytest.raises(errors.NotFound):
            await drifting.auditor(world).audit("pe9")


async def test_a_device_that_lost_everything_is_a_bounded_number_of_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST", 1)
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni><rate>7</rate>"))
        told = await drifting.auditor(world).audit("pe2")
        assert (len(told.differences), told.more) == (1, 1)
        assert len(await drifting.cases(world)) == 2


async def test_the_role_audits_in_turn_at_a_hint_and_when_asked(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        pace = audits.Pace(least_gap=0.0, refresh=0.01)
        role = audits.Audits(
            world.rows,
            drifting.auditor(world),
            drifting.desk(world),
            world.clock,
            schedule.due,
            pace,
        )
        asked = await role.check(worlds.TENANT, "acme")
        assert [(one.device, one.differences) for one in asked] == [("pe1", ()), ("pe2", ())]
        with pytest.raises(errors.NotFound, match="nobody"):
            await role.check(worlds.TENANT, "nobody")
        with pytest.raises(errors.NotFound):
            await role.check("another", "acme")

        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni>"))
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            task = group.create_task(role.run())
            while not role.counters().get("differs"):
                role.hint("pe2")
                await asyncio.sleep(0.01)
            task.cancel()
        (case,) = await drifting.cases(world)
        assert case["kind"] == drift.Kind.CHANGED


async def test_who_waited_longest_says_how_old_the_oldest_audit_is(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        world.clock.ahead += 1_000
        await drifting.found(world, "pe1")
        age = await world.rows.read(lambda c: drift_rows.oldest_age(c, world.clock.now()))
        assert 1_000 <= age < 1_100
        await drifting.found(world, "pe2")
        age = await world.rows.read(lambda c: drift_rows.oldest_age(c, world.clock.now()))
        assert age < 100


class _Knows:
    """A device that says who changed it."""

    async def changes(self, device: str, store: str, since: datetime) -> tuple[drift.Change, ...]:
        assert (device, store) == ("pe2", "netconf")
        target = ("/services/eline[name='acme']/vni",)
        return (drift.Change(since + timedelta(seconds=1), "bob", "192.0.2.7", "", target),)


async def test_a_case_says_who_did_it_where_the_device_does(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni><rate>7</rate>"))
        await drifting.auditor(world, witness=_Knows()).audit("pe2")
        rate, vni = await drifting.cases(world)
        assert vni["cause"].startswith("changed by bob from 192.0.2.7 at ")
        assert "does not say who" in rate["cause"]
        told = await drifting.auditor(world, witness=_Knows()).audit("pe2")
        assert len(told.differences) == 2
        assert len(await drifting.cases(world)) == 2, "who did it is no part of what was seen"


async def test_who_did_it_is_looked_for_beside_the_loop_and_of_what_is_told_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def who(*_: object) -> str:
        asked.append(threading.get_ident())
        return "bob"

    monkeypatch.setattr(audit, "MOST", 1)
    monkeypatch.setattr(attribution, "who", who)
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        world.devices["pe2"].change_by_hand(_acme("<vni>10177</vni><rate>7</rate>"))
        told = await drifting.auditor(world, witness=_Knows()).audit("pe2")
    assert (len(told.differences), told.more, len(asked)) == (1, 1, 1)
    assert threading.get_ident() not in asked


class _Lost(audit_reader.AuditReader):
    """Of a platform whose driver was taken away."""

    async def read(self, name: str, store: str, paths: Sequence[TreePath]) -> Tree:
        asked = f"{store}, {len(paths)} paths"
        raise errors.ConfigurationError(f"no driver for the platform of {name} ({asked})")


async def test_a_device_without_a_driver_is_said_to_be_not_comparable(tmp_path: Path) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        lost = _Lost(world.drivers, world.lines, world.limits)
        told = await drifting.auditor(world, reader=lost).audit("pe2")
        turn = (await world.rows.read(drift_rows.turns))["pe2"]
    assert told.reason.startswith("no driver for the platform of pe2")
    assert turn.troubled


async def test_what_audits_saw_two_devices_without_ends_the_rest_of_its_value(
    tmp_path: Path,
) -> None:
    async with worlds.open_world(tmp_path) as world:
        await _built(world)
        desk = pool_desk.PoolDesk(world.rows, world.clock)
        at = world.clock.now()
        await world.rows.write(lambda c: pool_claims.release(c, key="s1-1.vni", at=at))
        for device, ended in (("pe1", 0), ("pe2", 1)):
            await drifting.auditor(world).audit(device)
            assert await desk.look() == 0, "it has the value"
            world.devices[device].change_by_hand(_acme("<vni>10177</vni>"))
            await drifting.auditor(world).audit(device)
            assert await desk.look() == ended
        (resting,) = await desk.claims(worlds.TENANT, "core-vni")
        assert "audited and found without it: pe1 (netconf), pe2 (netconf)" in resting.why
