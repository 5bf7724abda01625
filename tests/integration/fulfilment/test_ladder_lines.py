"""Orders on command-line routers, and on one beside a NETCONF router: all or nothing, line by line."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import states
from oss_agent.fulfilment.talk import contact
from oss_agent.spi import catalogue, views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.faults import Faults as NetconfFaults
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated.offer import OFFERS
from oss_agent.testing.simulated_cli import Echo, Faults
from oss_agent.testing.simulated_cli.faults import NONE
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.ladder import Network

pytestmark = pytest.mark.anyio
Action = views.ItemAction
LIVE = {Kind.COMMIT, Kind.HOLD}
BOTH = {"aEnd": "sw1:eth4", "zEnd": "sw2:eth4"}
# Entering and leaving to see that one may counts as a line; then the section, vni, port, rate, ...
FIRST, SECOND, LAST = 2, 3, 6


@pytest.fixture
async def mixed(tmp_path: Path) -> AsyncIterator[Network]:
    """pe1 stands on PERSIST, sw1 on LINES."""
    async with ladder.network(tmp_path) as opened:
        yield opened


NEW: Mapping[str, Mapping[str, Any]] = {
    "eline": {**BOTH, "bandwidth": 20},
    "l3vpn": {
        "sites": [
            {"port": "sw1:eth4", "address": "172.16.1.1/24"},
            {"port": "sw2:eth4", "address": "172.16.2.1/24", "bandwidth": 10},
        ]
    },
    "internet-access": {"accessPort": "sw1:eth4", "bandwidth": 50},
}
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "eline": {"bandwidth": 50},
    "l3vpn": {
        "sites": [{"port": "sw1:eth5", "address": "172.16.1.1/24"}, *NEW["l3vpn"]["sites"][1:]]
    },
    "internet-access": {"bandwidth": 20},
}
SHOWN = {"eline": "rate 50000", "l3vpn": "interface eth5", "internet-access": "rate 20000"}


@pytest.mark.parametrize("kind", NEW)
async def test_a_service_comes_changes_and_goes_on_lines(kind: str, tmp_path: Path) -> None:
    async with ladder.network(tmp_path, names=("sw1", "sw2"), netconf=()) as net:
        service = await ladder.carried_out(net.world, Action.ADD, NEW[kind], specification=kind)
        found = await net.world.participants("1")
        assert {one.rung for one in found.values()} == {Rung.LINES}
        await ladder.carried_out(net.world, Action.MODIFY, CHANGED[kind], service=service)
        assert SHOWN[kind] in net.box.configuration.text()
        await ladder.carried_out(net.world, Action.DELETE, {}, service=service)

        assert await net.world.snapshots() == net.before
        for box in net.boxes.values():
            saved = any(one.kind is Kind.SAVE for one in box.history)
            assert saved is (box is net.box or kind != "internet-access")
            assert not saved or box.startup.lines == box.configuration.lines


async def test_a_setting_that_somebody_else_made_is_not_replaced(tmp_path: Path) -> None:
    """A port has one description: ours would take another's place, and nobody would put it back."""
    async with ladder.network(tmp_path, names=("sw1", "sw2"), netconf=()) as net:
        sites: list[dict[str, Any]] = [
            {"port": "sw1:eth4", "address": "172.16.1.1/24", "name": "hq"},
            {"port": "sw2:eth4", "address": "172.16.2.1/24"},
        ]
        send = functools.partial(ladder.send, net.world, Action.ADD, specification="l3vpn")
        key = await send({"sites": sites})
        assert await net.agree(key) is views.OrderState.FAILED
        error = (await net.world.get(key)).error
        assert error is not None
        assert (error.code, error.reference) == ("changeRejected", "sw1")
        assert "'description unused port' stands there, not ours" in error.message

        net.box.change_by_hand("interface eth4\nno description")
        net.before = await net.world.snapshots()
        service = await ladder.carried_out(
            net.world, Action.ADD, {"sites": sites}, specification="l3vpn"
        )
        assert "description acme site hq" in net.box.configuration.text()
        sites[0]["name"] = "head-office"
        await ladder.carried_out(net.world, Action.MODIFY, {"sites": sites}, service=service)
        assert "description acme site head-office" in net.box.configuration.text()
        await ladder.carried_out(net.world, Action.DELETE, {}, service=service)
        assert await net.world.snapshots() == net.before


async def _submitted(net: ladder.Network, item: Mapping[str, Any], **more: Any) -> str:
    """An order of one item that came to its end; its key."""
    whole = worlds.request(body_digest=f"{item}{more}", **more)
    asked = dataclasses.replace(whole.items[0], **item)
    made = await net.world.orders.submit(dataclasses.replace(whole, items=(asked,)))
    await net.world.run_to_the_end()
    return made.order.id


async def test_only_what_was_the_services_own_is_put_back_over_a_foreign_setting(
    tmp_path: Path,
) -> None:
    """``revert`` says what becomes of edits of ours: a new service has none, and spares what it finds."""
    revert = catalogue.OutOfBand.REVERT
    async with ladder.network(tmp_path, netconf=(), out_of_band=revert) as net:
        net.box.change_by_hand("interface eth5\nservice-policy theirs")
        for name, port in (("one", "eth3"), ("two", "eth5")):
            said = {"accessPort": f"sw1:{port}", "bandwidth": 50}
            item = {"service_name": name, "characteristics": said}
            key = await _submitted(net, item, specification="internet-access")
        refused = await net.world.get(key)
        assert refused.error is not None
        assert "'service-policy theirs' stands there, not ours" in refused.error.message
        assert "service-policy theirs" in net.box.configuration.text()


async def test_the_only_line_of_a_resource_is_put_back_over_what_replaced_it(
    tmp_path: Path,
) -> None:
    async with ladder.network(tmp_path, netconf=()) as net:
        net.box.change_by_hand("interface eth4\nno description")
        said = {"port": "sw1:eth4", "description": "spare"}
        item: dict[str, Any] = {"resource": True, "path": "orderItem[0]"}
        key = await _submitted(net, item | {"characteristics": said}, specification="port-label")
        made = (await net.world.get(key)).items[0].service_id
        net.box.change_by_hand("interface eth4\ndescription theirs")
        again = item | {"service_id": made, "service_name": None, "action": Action.MODIFY}
        again["characteristics"] = {}
        key = await _submitted(net, again, specification="", by_hand=catalogue.OutOfBand.REVERT)
        done = await net.world.get(key)
        assert done.state is views.OrderState.COMPLETED, done.error
        assert "description spare" in net.box.configuration.text()


@pytest.mark.parametrize("action", [Action.ADD, Action.MODIFY, Action.DELETE])
async def test_a_mixed_order_refused_at_a_line_leaves_both_as_before(
    action: Action, mixed: Network
) -> None:
    world, service = mixed.world, None
    if action is not Action.ADD:
        said = {**ladder.ENDS, "bandwidth": 20}
        service = await ladder.carried_out(world, Action.ADD, said, specification="eline")
        mixed.before = await world.snapshots()
    mixed.box.faults = Faults(error_at=FIRST + 1 if action is Action.MODIFY else FIRST)
    wanted: dict[Action, Mapping[str, Any]] = {
        Action.ADD: {**ladder.ENDS, "bandwidth": 20},
        Action.MODIFY: {"bandwidth": 50},
        Action.DELETE: {},
    }
    specification = "eline" if service is None else ""
    key = await ladder.send(
        world, action, wanted[action], specification=specification, service=service
    )

    assert await mixed.agree(key) is views.OrderState.FAILED
    error = (await world.get(key)).error
    assert error is not None
    assert (error.code, error.reference) == ("changeRejected", "sw1")
    assert "Invalid input" in error.message


async def test_the_lines_go_out_last_and_a_refusal_elsewhere_costs_them_none(
    mixed: Network,
) -> None:
    mixed.world.devices["pe1"].faults = NetconfFaults(refuse_commit="no")
    key = await ladder.eline(mixed.world)
    assert await mixed.agree(key) is views.OrderState.FAILED
    assert mixed.typed() == ["end"] * mixed.typed().count("end")  # looked, and left again


async def test_lines_come_after_every_netconf_rung(tmp_path: Path) -> None:
    async with ladder.network(tmp_path, offers={"pe1": OFFERS[Rung.RUNNING]}) as net:
        key = await ladder.eline(net.world)
        assert await net.agree(key) is views.OrderState.COMPLETED
        live = next(one.at for one in net.world.devices["pe1"].history if one.kind is Kind.EDIT)
        first = next(one.at for one in net.box.history if one.detail == ladder.SERVICE)
        assert live < first


# What a router does at one line, and what the order may come to: a fault shows once, so that an order
# which is tried again completes.
COMPLETED, FAILED = views.OrderState.COMPLETED, views.OrderState.FAILED
TROUBLES: Mapping[str, tuple[Faults, views.OrderState]] = {
    "refused-first": (Faults(error_at=FIRST), FAILED),
    "refused-second": (Faults(error_at=SECOND), FAILED),
    "refused-last": (Faults(error_at=LAST), FAILED),
    "warned": (Faults(warning_at=SECOND), FAILED),
    "asked": (Faults(ask_at=SECOND), FAILED),
    "ignored": (Faults(ignore_at=SECOND), FAILED),
    "renamed": (Faults(rename_at=SECOND), FAILED),
    "cut-at-first": (Faults(drop_at=FIRST), COMPLETED),
    "cut-after-first": (Faults(drop_at=FIRST, drop_applies=True), COMPLETED),
    "cut-at-third": (Faults(drop_at=SECOND + 1), COMPLETED),
    "cut-after-last": (Faults(drop_at=LAST, drop_applies=True), COMPLETED),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_whatever_happens_at_a_line_both_are_new_or_both_as_before(
    trouble: str, mixed: Network
) -> None:
    mixed.box.faults, expected = TROUBLES[trouble]
    key = await ladder.eline(mixed.world)
    state = await mixed.agree(key)
    assert state is expected, ((await mixed.world.get(key)).error, mixed.typed())


@pytest.mark.parametrize(
    "trouble",
    [Faults(pager=2), Faults(echo=Echo.GARBLED), Faults(busy="bob")],
    ids=["pager", "garbled", "busy"],
)
async def test_a_router_that_cannot_be_talked_to_is_waited_for_and_nobody_is_touched(
    trouble: Faults, mixed: Network
) -> None:
    mixed.box.faults = trouble
    key = await ladder.eline(mixed.world)
    await mixed.world.run()
    wait = (await mixed.world.get(key)).items[0].wait
    assert wait is not None
    assert "sw1" in wait.reason
    assert not LIVE & {one.kind for one in mixed.world.devices["pe1"].history}
    mixed.box.faults = NONE
    assert await mixed.agree(key) is COMPLETED


async def test_what_was_cut_off_in_the_middle_is_compared_put_back_and_only_then_sent_again(
    mixed: Network,
) -> None:
    mixed.box.faults = Faults(drop_at=SECOND + 1)
    key = await ladder.eline(mixed.world)
    assert await mixed.agree(key) is COMPLETED

    said = [line for line in mixed.typed() if line != "end"]
    sections = [line for line in said if line.endswith(ladder.SERVICE)]
    assert sections == [ladder.SERVICE, f"no {ladder.SERVICE}", ladder.SERVICE]
    held = [
        one.kind for one in mixed.world.devices["pe1"].history if one.kind in LIVE | {Kind.CANCEL}
    ]
    assert held == [Kind.HOLD, Kind.CANCEL, Kind.HOLD]


async def test_what_arrived_whole_before_the_link_died_is_held_and_not_sent_again(
    mixed: Network,
) -> None:
    mixed.box.faults = Faults(drop_at=LAST + 1)  # its block is complete, the way out of it is not
    key = await ladder.eline(mixed.world)
    assert await mixed.agree(key) is COMPLETED
    assert mixed.typed().count(ladder.SERVICE) == 1


async def test_what_cannot_be_taken_back_calls_a_person_and_is_taken_back_when_it_can_be(
    mixed: Network,
) -> None:
    mixed.box.faults = Faults(error_at=LAST, refuse_undo=True)
    key = await ladder.eline(mixed.world)
    await mixed.world.run()
    found = await mixed.world.participants(key)
    assert (found["pe1"].state, found["sw1"].state) == (
        states.State.REVERTED,
        states.State.UNKNOWN,
    )
    assert [one.specific_problem for one in mixed.world.alarms.open.values()] == [
        "unknown configuration on sw1"
    ]
    mixed.box.faults = NONE
    assert await mixed.agree(key) is not views.OrderState.IN_PROGRESS


async def test_a_proof_that_fails_elsewhere_puts_the_lines_back_too(mixed: Network) -> None:
    mixed.world.devices["pe1"].faults = NetconfFaults(ok_changes_nothing=True)
    key = await ladder.eline(mixed.world)
    assert await mixed.agree(key) is FAILED
    error = (await mixed.world.get(key)).error
    assert error is not None
    assert "config-equal on pe1" in error.message
    assert ladder.SERVICE in mixed.typed()
    assert f"no {ladder.SERVICE}" in mixed.typed()


TWO = {"aEnd": "pe1:eth3", "zEnd": "sw1:eth3"}
HARM_ON_PE1 = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>7</vni>'
    "</eline></services>"
)


@pytest.mark.parametrize("culprit", ["pe1", "sw1"])
async def test_a_neighbour_harmed_at_one_end_puts_the_order_back_at_both(
    culprit: str, mixed: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, box = mixed.world, mixed.box
    await ladder.eline(world)
    assert await mixed.agree() is COMPLETED
    before = await world.snapshots()
    harm = {
        "pe1": lambda: world.devices["pe1"].change_by_hand(HARM_ON_PE1),
        "sw1": lambda: box.change_by_hand(f"{ladder.SERVICE}\nvni 7"),
    }
    _once_committed(monkeypatch, culprit, harm[culprit])
    request = worlds.request("two", characteristics=TWO)
    key = (await world.orders.submit(request)).order.id
    await world.run_to_the_end()

    order = await world.get(key)
    assert order.error is not None
    assert order.error.code == "neighbourHarmed"
    if culprit == "sw1":
        # Lines have no timer that takes all back: what is not ours stays as somebody made it.
        assert "vni 7\n" in box.configuration.text()
        box.change_by_hand(f"{ladder.SERVICE}\nvni 10100")
    assert await world.snapshots() == before


def _once_committed(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> None:
    """A device whose commit changes more than it was asked for."""
    call = contact.Talk.call

    async def busy(talk: contact.Talk, what: str, *rest: Any, **named: Any) -> Any:
        result = await call(talk, what, *rest, **named)
        if (talk.device, what) == (name, "commit"):
            act()
        return result

    monkeypatch.setattr(contact.Talk, "call", busy)


POINTS = [
    "journal.committing.after@2",
    "device.commit.before@2",
    "device.commit.after@2",
    "journal.held.before@2",
    "journal.held.after@2",
    "journal.decision.before",
    "journal.decision.after",
    "journal.confirming.after@2",
    "device.confirm.after",
    "journal.proven.after@2",
    "device.save.before@2",
    "device.save.after@2",
    "journal.done.before@2",
]


@pytest.mark.parametrize("point", POINTS)
async def test_after_a_crash_both_are_new(point: str, mixed: Network) -> None:
    world = mixed.world
    await world.start(failpoints.Failpoints({point: "raise"}))
    key = await ladder.eline(world)
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.start()
    assert await mixed.agree(key) is COMPLETED


UNDOING = [
    "journal.decision.after",
    "journal.settle.after",
    "device.push.before",
    "device.push.after",
    "device.cancel.after",
    "journal.reverted.after",
]


@pytest.mark.parametrize("point", UNDOING)
async def test_after_a_crash_in_an_abort_both_are_as_before(point: str, mixed: Network) -> None:
    world = mixed.world
    await world.start(failpoints.Failpoints({point: "raise"}))
    mixed.box.faults = Faults(ignore_at=SECOND)  # said to be done, and it is not
    key = await ladder.eline(world)
    with pytest.raises(failpoints.Crash):
        await world.run()
    await world.start()
    assert await mixed.agree(key) is FAILED


async def test_killed_in_the_middle_of_a_block_start_up_puts_both_back(mixed: Network) -> None:
    world = mixed.world
    # The link goes at the fourth line and the process with it: nothing of it is written down.
    await world.start(failpoints.Failpoints({"journal.blame.before": "raise"}))
    mixed.box.faults = Faults(drop_at=SECOND + 1)
    key = await ladder.eline(world)
    with pytest.raises(failpoints.Crash):
        await world.run()
    found = await world.participants(key)
    assert (found["pe1"].state, found["sw1"].state) == (
        states.State.HELD,
        states.State.COMMITTING,
    )
    assert ladder.SERVICE in mixed.box.configuration.text()
    await world.start()
    assert await world.snapshots() == mixed.before
    assert await mixed.agree(key) is COMPLETED
