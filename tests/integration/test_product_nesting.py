"""TMF622 items in items, relations between them and mere context, over the real rows, by HTTP."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.turn import trial_leases
from tests.integration import test_product_surfaces as surfaces
from tests.integration.fulfilment import world as worlds
from tests.integration.test_product_surfaces import Shop

pytestmark = pytest.mark.anyio
it = surfaces.it
RELATION = "productOrderItemRelationship"


def vpn(key: str, number: int, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An item that adds a product of one VPN on port eth<number> of both routers."""
    site = {"port": f"pe1:eth{number}", "address": f"172.16.{number}.1/24", "name": "a"}
    other = {"port": f"pe2:eth{number}", "address": f"172.17.{number}.1/24", "name": "b"}
    said = [{"name": "sites", "value": [site, other]}]
    return {
        "id": key,
        "action": "add",
        "productOffering": {"id": "business-bundle"},
        "product": {"name": f"acme-{key}", "productCharacteristic": said},
        **({"productOrderItem": list(children)} if children else {}),
        **more,
    }


def relies(*keys: str, word: str = "reliesOn") -> dict[str, Any]:
    return {RELATION: [{"id": key, "relationshipType": word} for key in keys]}


def going(key: str, product: str, action: str = "delete", **more: Any) -> dict[str, Any]:
    return {"id": key, "action": action, "product": {"id": product}, **more}


async def completed_in_turn(it: Shop, order: str) -> list[str]:
    """The items of a service order by the time at which they were completed."""
    found = [
        (at, item.id)
        for item in (await it.below.get(order)).items
        for name, at in item.milestones
        if name == "completed"
    ]
    return [key for _, key in sorted(found)]


@pytest.mark.reference
async def test_items_in_items_are_built_from_within_and_shown_as_they_were_sent(it: Shop) -> None:
    inner = vpn("110", 4, **relies("100", word="bundledBy"))
    sent = [vpn("120", 5, **relies("100")), vpn("100", 3, inner)]
    done = surfaces.judged(await it.ordered({"productOrderItem": sent}))

    last, outer = done["productOrderItem"]
    (nested,) = outer["productOrderItem"]
    assert (last["id"], outer["id"], nested["id"]) == ("120", "100", "110")
    assert "productOrderItem" not in last
    assert nested[RELATION] == inner[RELATION]
    assert {one["state"] for one in (done, last, outer, nested)} == {"completed"}
    assert [one["product"]["id"] for one in (last, outer, nested)] == ["p1-1", "p1-2", "p1-3"]
    assert await completed_in_turn(it, "1") == ["110.vpn", "100.vpn", "120.vpn"]
    found = (await it.http.get(surfaces.ORDERS, params={"productOrderItem.id": "110"})).json()
    assert [one["id"] for one in found] == ["po1"]

    away = [going("1", "p1-1", **relies("2")), going("2", "p1-2")]
    await it.ordered({"productOrderItem": away})
    assert await completed_in_turn(it, "2") == ["1.vpn", "2.vpn"]


async def test_a_nested_item_is_patched_where_it_stands(it: Shop) -> None:
    await it.post({"productOrderItem": [vpn("100", 3, vpn("110", 4))]})
    moved = vpn("110", 5)["product"]["productCharacteristic"]
    patch = {"id": "110", "product": {"productCharacteristic": moved}}
    wish = {"productOrderItem": [{"id": "100", "productOrderItem": [patch]}]}
    answer = await it.http.patch(f"{surfaces.ORDERS}/po1", json=wish)
    assert answer.status_code == 200, answer.text
    bad: Any = copy.deepcopy(wish)
    bad["productOrderItem"][0]["productOrderItem"][0]["product"]["productCharacteristic"] = [
        {"name": "sites", "value": 1}
    ]
    refused = await it.http.patch(f"{surfaces.ORDERS}/po1", json=bad)
    place = "productOrderItem[0].productOrderItem[0].product.productCharacteristic[sites]"
    assert (refused.status_code, refused.json()["field"]) == (400, place)
    await it.below.run_to_the_end()
    sites = (await it.product("p1-2"))["productCharacteristic"][0]["value"]
    assert [one["port"] for one in sites] == ["pe1:eth5", "pe2:eth5"]


async def test_a_part_that_joins_comes_before_what_stood_in_line_already(it: Shop) -> None:
    await it.post({"productOrderItem": [vpn("120", 5, **relies("100")), vpn("100", 3)]})
    while not await completed_in_turn(it, "1"):
        if not await it.below.flow.step():
            await it.below.feeder.feed()
    at = it.below.clock.now()
    await it.below.rows.write(lambda c: trial_leases.take(c, "1", worlds.TENANT, "pe1", at))
    await it.below.run()
    assert await it.below.count(tables.queue)

    said = vpn("100", 3)["product"]["productCharacteristic"]
    line = {"lineAEnd": "pe1:eth4", "lineZEnd": "pe2:eth4"}
    said += [{"name": name, "value": value} for name, value in line.items()]
    wish = {"id": "100", "product": {"productCharacteristic": said}}
    answer = await it.http.patch(
        f"{surfaces.ORDERS}/po1", json={"productOrderItem": [{"id": "120"}, wish]}
    )
    assert answer.status_code == 200, answer.text
    assert await it.below.count(tables.queue) == 0
    await it.below.rows.write(lambda c: trial_leases.release(c, "1", at))
    await it.below.run_to_the_end()
    assert await completed_in_turn(it, "1") == ["100.vpn", "100.line", "120.vpn"]


@pytest.mark.reference
async def test_a_product_is_mentioned_and_nothing_of_it_is_touched(it: Shop) -> None:
    await it.ordered({"productOrderItem": [vpn("1", 3)]})
    was, seen = await it.below.snapshots(), await it.product()
    mention = going("1", "p1-1", "noChange")
    said = [{"name": "x", "value": 1}]
    mention |= {"product": {"id": "p1-1", "status": "active", "productCharacteristic": said}}
    alone = await it.post({"productOrderItem": [mention]})
    shown = surfaces.judged(alone.json())
    assert (alone.status_code, shown["state"]) == (201, "completed"), alone.text
    assert shown["productOrderItem"][0]["state"] == "completed"
    assert shown["productOrderItem"][0]["product"]["status"] == "active"
    states = [e["event"]["productOrder"]["state"] for e in await surfaces.notified(it)
              if e["eventType"] == surfaces.ORDER_STATE and e["correlationId"].endswith("po2")]  # fmt: skip
    assert states == ["inProgress", "completed"]

    parent = going("1", "p1-1", "noChange", productOrderItem=[vpn("2", 4, **relies("1"))])
    whole = surfaces.judged(await it.ordered({"productOrderItem": [parent]}))
    assert whole["state"] == "completed"
    assert await it.product() == seen
    assert was["pe1"] != (await it.below.snapshots())["pe1"]
    patched = await it.http.patch(f"{surfaces.ORDERS}/po2", json={"priority": "1"})
    assert patched.status_code == 409


async def test_context_does_not_stand_in_the_way_and_has_to_be_there(it: Shop) -> None:
    await it.ordered({"productOrderItem": [vpn("1", 3)]})
    await it.post({"productOrderItem": [going("1", "p1-1")]})
    busy = await it.post({"productOrderItem": [going("1", "p1-1", "noChange"), vpn("2", 4)]})
    assert busy.status_code == 201, busy.text
    words = {"productCharacteristic": [{"name": "sites", "value": []}]}
    change = {"productOrderItem": [{"id": "1", "product": words}, {"id": "2"}]}
    refused = await it.http.patch(f"{surfaces.ORDERS}/po3", json=change)
    assert (refused.status_code, refused.json()["code"]) == (400, "notPatchable")
    await it.below.run_to_the_end()
    for product, status, code in (("p1-1", 409, "illegalState"), ("p9-9", 400, "unknownProduct")):
        answer = await it.post({"productOrderItem": [going("1", product, "noChange")]})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    await it.post({"productOrderItem": [vpn("1", 5)], "requestedStartDate": "2099-01-01T00:00:00Z"})
    early = await it.post({"productOrderItem": [going("1", "p4-1", "noChange")]})
    assert (early.status_code, early.json()["code"]) == (422, "nothingToDo"), early.text


async def test_what_is_wrong_with_relations_is_named(it: Shop) -> None:
    for item, field in (
        (vpn("1", 3, **relies("9")), f"productOrderItem[0].{RELATION}"),
        (vpn("1", 3, **relies("1")), f"productOrderItem[0].{RELATION}"),
        (vpn("1", 3, **relies("1", word="migratesTo")),
         f"productOrderItem[0].{RELATION}[0].relationshipType"),
        (vpn("1", 3, **{RELATION: [{"relationshipType": "reliesOn"}]}),
         f"productOrderItem[0].{RELATION}[0].id"),
        (vpn("1", 3, **{RELATION: {}}), f"productOrderItem[0].{RELATION}"),
        (vpn("1", 3, vpn("1", 4)), "productOrderItem[0].productOrderItem[0].id"),
        (vpn("1", 3, vpn("2", 4, state="held")), "productOrderItem[0].productOrderItem[0].state"),
    ):  # fmt: skip
        answer = await it.post({"productOrderItem": [item]})
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert (await it.http.get(surfaces.ORDERS)).json() == []
