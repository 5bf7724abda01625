"""TMF652: an operator orders a resource by itself, over HTTP, on a NETCONF and a command-line router.

Every answer and event is judged by the official schemas; what was deleted left every byte as before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import inventory.services.ports
from bss_bridge.engine import hrefs, surface
from bss_bridge.events import notifications
from bss_bridge.resources import resource_ordering
from inventory.rows import ownership
from oss_agent.fulfilment import cancellation
from oss_agent.fulfilment.record import resource_queries
from oss_agent.spi import events, views
from oss_agent.testing.simulated.lab_services import LAB_SERVICES
from oss_agent.testing.simulated_cli import Faults
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio

ORDERS = f"{hrefs.RESOURCE_ORDERING[0]}/resourceOrder"
CANCELS = f"{hrefs.RESOURCE_ORDERING[0]}/cancelResourceOrder"
SERVICE_ORDERS = f"{hrefs.SERVICE_ORDERING}/serviceOrder"
SPEC = "TMF652/TMF652-ResourceOrder-v4.0.0.swagger.json"
Json = dict[str, Any]


def add(port: str, name: str = "spare", number: str = "1", **said: Any) -> Json:
    """An item that switches a port off."""
    characteristics = [
        {"name": key, "value": value} for key, value in {"port": port, **said}.items()
    ]
    resource = {
        "name": name,
        "resourceSpecification": {"id": "port-off"},
        "resourceCharacteristic": characteristics,
    }
    return {"id": number, "action": "add", "resource": resource}


def body(*items: Json, **more: Any) -> Json:
    return {"orderItem": list(items), **more}


def about(action: str, resource: str, **said: Any) -> Json:
    """An item about a resource that is there."""
    words = [{"name": key, "value": value} for key, value in said.items()]
    extra = {"resourceCharacteristic": words} if words else {}
    return {"id": "1", "action": action, "resource": {"id": resource, **extra}}


@dataclasses.dataclass
class Desk:
    """The agent with its two routers, and the surfaces over it."""

    net: ladder.Network
    http: httpx.AsyncClient

    @property
    def below(self) -> worlds.World:
        return self.net.world

    async def post(self, wish: Json, **headers: str) -> httpx.Response:
        return await self.http.post(ORDERS, json=wish, headers=headers)

    async def done(self, wish: Json) -> Json:
        """Send it and run it to its end; the order as it is shown then."""
        answer = await self.post(wish)
        assert answer.status_code == 201, answer.text
        await self.below.run_to_the_end()
        return await self.order(answer.json()["id"])

    async def order(self, key: str) -> Json:
        found: Json = (await self.http.get(f"{ORDERS}/{key}")).json()
        return found

    async def told(self) -> list[Json]:
        """Every event of orders, tasks and services, as a listener gets it; each by its schema."""
        rows = await self.below.rows.read(
            lambda c: c.execute(worlds.EVENTS.select().order_by(worlds.EVENTS.c.number)).all()
        )
        at = datetime(2026, 1, 1, tzinfo=UTC)
        every = [
            events.Event(r.id, events.EventKind(r.kind), "default", r.entity, at, r.payload)
            for r in rows
        ]
        return [notifications.notification(one, bridge.LINKS) for one in every]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Desk]:
    async with ladder.network(tmp_path) as net:
        p = net.world.parts
        behind = resource_ordering.ResourceOrdering(
            net.world.orders,
            resource_queries.ResourceOrders(net.world.rows),
            cancellation.CancelTasks(p, resources=True),
        )
        extra = resource_ordering.routers(behind, bridge.LINKS, surface.Paging())
        async with bridge.world(tmp_path, real=net.world.orders, extra=extra) as shown:
            yield Desk(net, shown.http)


@pytest.mark.reference
async def test_two_ports_are_off_and_on_again_as_if_nothing_had_been(it: Desk) -> None:
    ports = add("pe1:eth5", "a"), add("sw1:eth5", "b", "2", description="spare #1")
    answer = await it.post(body(*ports, externalId="NOC-1", name="spare ports", priority=3))
    taken = answer.json()
    assert (answer.status_code, taken["state"], taken["id"]) == (201, "acknowledged", "ro1")
    assert answer.headers["location"] == taken["href"]
    assert (taken["name"], taken["priority"], taken["externalId"]) == ("spare ports", 3, "NOC-1")

    await it.below.run_to_the_end()
    order = await it.order("ro1")
    assert [order["state"], *(one["state"] for one in order["orderItem"])] == ["completed"] * 3
    assert any("evidence: config-equal pe1 proven" in one["text"] for one in order["note"])
    there = await it.below.snapshots()
    assert "enabled>false<" in there["pe1"]
    assert "interface eth5\n description spare #1\n shutdown" in there["sw1"]

    gone = [about("delete", f"r1-{number}") | {"id": str(number)} for number in (1, 2)]
    assert (await it.done(body(*gone)))["state"] == "completed"
    assert await it.below.snapshots() == it.net.before


@pytest.mark.reference
async def test_it_is_told_by_the_names_of_its_own_api_and_by_no_other(it: Desk) -> None:
    await it.done(body(add("sw1:eth5")))
    told = await it.told()
    for one in told:
        bridge.judge(SPEC, one["eventType"], one)
    states = [one["event"]["resourceOrder"]["state"] for one in told]
    assert states == ["acknowledged", "inProgress", "completed"]
    assert {one["domain"] for one in told} == {"resourceOrdering"}


async def test_whose_line_it_is_and_what_it_is_in_the_inventory(it: Desk) -> None:
    await it.done(body(add("sw1:eth5", description="spare")))
    shown = inventory.services.ports.ResourcePort(it.below.rows)
    found = await shown.get("default", "r1-1")
    assert (found.category, found.resource_status, found.operational_state) == (
        "logical", "available", "enabled",
    )  # fmt: skip
    assert found.characteristics == {"port": "sw1:eth5", "description": "spare"}
    assert found.relationships == (("appliesTo", "sw1:eth5"),)
    assert found.specification == views.SpecificationRef("port-off", "1.0", "Port out of use")
    owners = await it.below.rows.read(lambda c: ownership.why(c, "default", "sw1", None))
    assert {(one.service, one.service_name, one.order) for one in owners} == {
        ("r1-1", "spare", "ro1")
    }
    assert any("shutdown" in one.path for one in owners)
    services = inventory.services.ports.ServicePort(it.below.rows)
    assert (await services.find(worlds.everything())).total == 0
    await it.done(body(about("delete", "r1-1")))
    assert "r1-1" not in {one.id for one in (await shown.find(worlds.everything())).items}


@pytest.mark.reference
async def test_a_modify_changes_its_words_and_no_more(it: Desk) -> None:
    await it.done(body(add("sw1:eth5", description="spare")))
    order = await it.done(body(about("modify", "r1-1", description="for the fair")))
    assert order["state"] == "completed"
    assert "interface eth5\n description for the fair\n shutdown" in it.net.box.configuration.text()
    gone = await it.done(body(about("modify", "r1-1", description=None)))
    assert gone["state"] == "completed"
    assert "interface eth5\n shutdown" in it.net.box.configuration.text()


async def test_a_service_and_a_resource_refuse_each_other_by_name(it: Desk) -> None:
    await ladder.carried_out(it.below, views.ItemAction.ADD, ladder.ENDS, specification="eline")
    order = await it.done(body(add("sw1:eth4")))
    assert order["state"] == "rejected"
    (why,) = [one["text"] for one in order["note"]]
    assert "portOwned: " in why
    assert "port sw1:eth4 belongs to service s1-1 (acme, order 1)" in why

    await it.done(body(add("sw1:eth5", "out-of-use")))
    ends = {"aEnd": "pe1:eth5", "zEnd": "sw1:eth5"}
    key = (await it.below.order("other", characteristics=ends)).id
    await it.below.run_to_the_end()
    refused = await it.below.get(key)
    assert refused.state is views.OrderState.REJECTED
    assert refused.error is not None
    assert "belongs to resource r3-1 (out-of-use, order ro3)" in refused.error.message


@pytest.mark.parametrize("first", ["service", "resource"])
async def test_of_two_that_are_on_their_way_one_has_the_port_and_the_other_names_it(
    it: Desk, first: str
) -> None:
    async def line() -> str:
        ends = {"aEnd": "pe1:eth5", "zEnd": "sw1:eth5"}
        return (await it.below.order("line", characteristics=ends)).id

    async def off() -> str:
        return str((await it.post(body(add("sw1:eth5")))).json()["id"])

    sent = [await one() for one in ((line, off) if first == "service" else (off, line))]
    await it.below.run_to_the_end()
    ended = {one.state: one for one in [await it.below.get(key) for key in sent]}
    assert ended.keys() == {views.OrderState.COMPLETED, views.OrderState.REJECTED}
    winner = ended[views.OrderState.COMPLETED].items[0].service_id
    refused = ended[views.OrderState.REJECTED].error
    assert refused is not None
    kind = "resource" if winner.startswith("r") else "service"
    assert f"port sw1:eth5 belongs to {kind} {winner}" in refused.message


async def test_all_or_nothing_takes_back_the_port_that_was_off_already(it: Desk) -> None:
    after = {"relationshipType": "dependency", "orderItem": {"itemId": "1"}}
    second = add("sw1:eth3", "b", "2", description="x") | {"orderItemRelationship": [after]}
    await it.post(body(add("sw1:eth5", "a"), second), Fallout="rollback")
    await it.below.feeder.feed()
    await it.below.flow.drain()
    assert "shutdown" in it.net.box.configuration.text()
    it.net.box.faults = Faults(error_at=4)
    await it.below.feeder.feed()
    await it.below.flow.drain()
    it.net.box.faults = Faults()
    await it.below.run_to_the_end()
    assert (await it.order("ro1"))["state"] == "failed"
    assert [one["id"] for one in (await it.http.get(ORDERS)).json()] == ["ro1", "ro2"]
    assert (await it.order("ro2"))["state"] == "completed"
    assert await it.below.snapshots() == it.net.before


async def test_what_is_nobodys_on_the_router_stays_and_is_named(it: Desk) -> None:
    foreign = "<port><name>eth5</name><description>by hand</description></port>"
    it.below.devices["pe1"].change_by_hand(
        f'<ports xmlns="{LAB_SERVICES.namespace}">{foreign}</ports>'
    )
    before = await it.below.snapshots()
    order = await it.done(body(add("pe1:eth5")))
    assert order["state"] == "failed"
    assert "pe1 already has /ports/port[name=eth5] and no service owns it" in str(order["note"])
    assert await it.below.snapshots() == before


@pytest.mark.reference
async def test_a_router_that_refuses_leaves_everything_as_before(it: Desk) -> None:
    it.net.box.faults = Faults(error_at=4)
    order = await it.done(body(add("sw1:eth5", description="spare")))
    assert order["state"] == "failed"
    assert any("changeRejected" in one["text"] for one in order["note"])
    assert await it.below.snapshots() == it.net.before
    shown = inventory.services.ports.ResourcePort(it.below.rows)
    assert "r1-1" not in {one.id for one in (await shown.find(worlds.everything())).items}


@pytest.mark.reference
async def test_it_is_cancelled_by_its_task_and_changed_by_a_patch(it: Desk) -> None:
    await it.post(body(add("sw1:eth5")))
    said = [{"name": "port", "value": "sw1:eth3"}, {"name": "description", "value": "later"}]
    patch = {
        "priority": 1,
        "orderItem": [{"id": "1", "resource": {"resourceCharacteristic": said}}],
    }
    answer = await it.http.patch(f"{ORDERS}/ro1", json=patch)
    assert answer.status_code == 200, answer.text
    assert answer.json()["priority"] == 1
    assert (await it.http.patch(f"{ORDERS}/ro1", json={"state": "cancelled"})).status_code == 409

    wish = {"resourceOrder": {"id": "ro1"}, "cancellationReason": "needed"}
    task = (await it.http.post(CANCELS, json=wish)).json()
    assert (task["state"], task["resourceOrder"]["id"]) == ("acknowledged", "ro1")
    assert (await it.http.post(CANCELS, json=wish)).status_code == 409
    await it.below.run_to_the_end()
    done = (await it.http.get(f"{CANCELS}/{task['id']}")).json()
    assert (done["state"], (await it.order("ro1"))["state"]) == ("done", "cancelled")
    assert len((await it.http.get(CANCELS)).json()) == 1
    again = await it.http.post(CANCELS, json=wish)
    assert (again.status_code, again.json()["field"]) == (409, "resourceOrder.id")
    for one in await it.told():
        bridge.judge(SPEC, one["eventType"], one)


async def test_what_a_service_order_does_to_a_device_is_that_orders_to_change(it: Desk) -> None:
    await ladder.carried_out(it.below, views.ItemAction.ADD, ladder.ENDS, specification="eline")
    await it.done(body(add("sw1:eth5")))
    listed = (await it.http.get(ORDERS, params={"sort": "id"})).json()
    assert [one["id"] for one in listed] == ["1", "2", "ro2"]
    for answer in (
        await it.http.patch(f"{ORDERS}/1", json={"description": "x"}),
        await it.http.post(CANCELS, json={"resourceOrder": {"id": "1"}}),
    ):
        assert answer.status_code == 409
        assert "what service order 1 does to pe1" in answer.json()["reason"]
    assert [one["id"] for one in (await it.http.get(SERVICE_ORDERS)).json()] == ["1"]
    assert (await it.http.get(f"{SERVICE_ORDERS}/ro2")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("state=completed&orderItem.resource.name=spare", ["ro2"]),
        ("orderItem.resource.id=pe1", ["1"]),
        ("orderItem.state=completed&sort=-id", ["ro2", "2", "1"]),
        ("externalReference.id=1", ["1", "2"]),
        ("id=ro2", ["ro2"]),
        ("externalId=NOC-1", ["ro2"]),
        ("limit=1&offset=2&sort=id", ["ro2"]),
    ],
)
async def test_both_kinds_are_found(it: Desk, asked: str, expected: list[str]) -> None:
    await ladder.carried_out(it.below, views.ItemAction.ADD, ladder.ENDS, specification="eline")
    await it.done(body(add("sw1:eth5"), externalId="NOC-1"))
    assert [one["id"] for one in (await it.http.get(f"{ORDERS}?{asked}")).json()] == expected


async def test_ids_are_sorted_as_people_count(it: Desk) -> None:
    for number in range(10):
        await it.post(body(add("pe1:eth5"), externalId=f"NOC-{number}"))
    listed = (await it.http.get(f"{ORDERS}?sort=-id&limit=2")).json()
    assert [one["id"] for one in listed] == ["ro10", "ro9"]


WRONG: list[tuple[Json, str]] = [
    ({}, "orderItem"),
    ({"serviceOrderItem": []}, "orderItem"),
    (body(), "orderItem"),
    (body(add("pe1:eth5"), state="completed"), "state"),
    (body(add("pe1:eth5"), priority="1"), "priority"),
    (body(add("pe1:eth5") | {"state": "held"}), "orderItem[0].state"),
    (body(add("pe1:eth5") | {"action": "noChange"}), "orderItem[0].action"),
    (body(add("pe1:eth5") | {"action": "move"}), "orderItem[0].action"),
    (body(add("pe1:eth5") | {"quantity": 2}), "orderItem[0].quantity"),
    (body(add("pe1:eth5") | {"orderItem": [1]}), "orderItem[0].orderItem"),
    (body(add("pe1:eth5") | {"resourceSpecification": {"id": "x"}}), "orderItem[0].resourceSpecification"),
    (body(add("pe1:eth5", colour=1)), "orderItem[0].resource.resourceCharacteristic['colour']"),
    (body(add("eth5")), "orderItem[0].resource.resourceCharacteristic[port]"),
    (body(add("pe1:eth5", "a b")), "orderItem[0].resource.name"),
    (body(add("pe1:eth5"), add("pe1:eth3")), "orderItem[1].id"),
    (body({"id": "1", "action": "add", "resource": {}}), "orderItem[0].resource.resourceSpecification"),
    (body({"id": "1", "action": "delete", "resource": {}}), "orderItem[0].resource.id"),
    (body(about("delete", "r9-1")), "orderItem[0].resource.id"),
    (body(about("delete", "s1-1")), "orderItem[0].resource.id"),
    (body(add("pe1:eth5") | {"orderItemRelationship": [{"relationshipType": "dependency", "orderItem": {"itemId": "7"}}]}), "orderItem[0].orderItemRelationship"),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "field"), WRONG)
async def test_a_wrong_body_is_refused_by_its_field_and_nothing_is_stored(
    it: Desk, wish: Json, field: str
) -> None:
    answer = await it.post(wish)
    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
    assert (await it.http.get(ORDERS)).json() == []


async def test_what_only_the_state_tells_is_acknowledged_and_then_rejected(it: Desk) -> None:
    order = await it.done(body(add("pe9:eth5")))
    assert order["state"] == "rejected"
    assert "there is no device pe9" in str(order["note"])


@pytest.mark.parametrize("key", ["ro7", "7", "17", "s1-1"])
async def test_what_is_not_there_is_not_found(it: Desk, key: str) -> None:
    assert (await it.http.get(f"{ORDERS}/{key}")).status_code == 404
    assert (await it.http.patch(f"{ORDERS}/{key}", json={"description": "x"})).status_code == 404
    assert (await it.http.post(CANCELS, json={"resourceOrder": {"id": key}})).status_code == 404


async def test_the_same_request_is_the_same_order(it: Desk) -> None:
    wish = body(add("pe1:eth5"), externalId="NOC-1")
    for headers in ({"Idempotency-Key": "k1"}, {"Idempotency-Key": "k1"}, {}):
        assert (await it.post(wish, **headers)).json()["id"] == "ro1"
    other = body(add("pe1:eth3"), externalId="NOC-1")
    assert (await it.post(other, **{"Idempotency-Key": "k1"})).status_code == 422
    assert (await it.post(other)).status_code == 409


async def test_a_dry_run_shows_it_and_its_hash_is_kept_to(it: Desk) -> None:
    wish = body(add("sw1:eth5", description="spare"))
    (plan,) = (await it.http.post("/api/v1/plan", json=wish)).json()
    assert plan["changes"]
    assert "shutdown" in plan["devices"][0]["diff"]
    assert plan["ports"] == ["sw1:eth5"]
    answer = await it.post(wish, **{"Plan-Hash": plan["hash"]})
    await it.below.run_to_the_end()
    assert (await it.order(answer.json()["id"]))["state"] == "completed"
    assert (await it.http.get(f"/api/v1/orders/{answer.json()['id']}/explain")).status_code == 200


async def test_one_comes_after_another(it: Desk) -> None:
    after = {"relationshipType": "dependency", "orderItem": {"itemId": "1"}}
    second = add("sw1:eth5", "b", "2") | {"orderItemRelationship": [after]}
    order = await it.done(body(add("pe9:eth5", "a"), second))
    assert [one["state"] for one in order["orderItem"]] == ["rejected", "cancelled"]
    other = {
        "relationshipType": "dependency",
        "orderItem": {"itemId": "1", "resourceOrderId": "ro9"},
    }
    late = add("sw1:eth5") | {"orderItemRelationship": [other]}
    assert (await it.post(body(late))).json()["field"] == "orderItem[0].orderItemRelationship"
