"""A value of another type is refused in the words of JSON, wherever in a body it stands."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bss_bridge.engine import attributes, matching, wire
from oss_agent import errors
from oss_agent.spi import query, views
from tests.unit.bss_bridge import official, world

pytestmark = pytest.mark.anyio
ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
ITEM = "serviceOrderItem[0]"
SERVICE = f"{ITEM}.service"
INNER = ("Input", "tuple", "instance", "dictionary", "class", "validation", "Field required")
"""Words that only who wrote the program knows."""


@pytest.fixture(scope="module")
async def still(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[world.World]:
    async with world.world(tmp_path_factory.mktemp("still")) as made:
        yield made


def order(place: str, value: Any) -> dict[str, Any]:
    """A good order with one value put where ``place`` leads."""
    body = copy.deepcopy(world.ORDER)
    *steps, last = place.replace("[", ".[").split(".")
    here: Any = body
    for step in steps:
        here = here[int(step[1:-1])] if step.startswith("[") else here[step]
    here[int(last[1:-1]) if last.startswith("[") else last] = value
    return body


WRONG: list[tuple[str, Any, str]] = [
    ("serviceOrderItem", 7, "must be a list"),
    ("serviceOrderItem", {}, "must be a list"),
    ("serviceOrderItem", [], "must not be empty"),
    (ITEM, 7, "must be an object"),
    (f"{ITEM}.id", 1, "must be text"),
    (f"{ITEM}.id", "", "must not be empty"),
    (f"{ITEM}.action", 7, "must be one of add, modify, delete, noChange"),
    (SERVICE, [], "must be an object"),
    (f"{SERVICE}.name", "x" * 256, "must have at most 255 characters"),
    (f"{SERVICE}.isServiceEnabled", "yes", "must be true or false"),
    (f"{SERVICE}.serviceSpecification", "e-line", "must be an object"),
    (f"{SERVICE}.serviceCharacteristic", {"bandwidth": 20}, "must be a list"),
    (f"{SERVICE}.serviceCharacteristic[0]", "bandwidth", "must be an object"),
    ("description", 7, "must be text"),
    ("requestedStartDate", 7, "must be an RFC 3339 date and time, such as"),
    ("@type", 7, "must be text"),
    ("@baseType", [], "must be text"),
    ("@schemaLocation", {}, "must be text"),
    (f"{ITEM}.@type", True, "must be text"),
    (f"{SERVICE}.@type", 7, "must be text"),
    (f"{SERVICE}.serviceSpecification.@referredType", 7, "must be text"),
    (f"{SERVICE}.serviceCharacteristic[0].@type", 7, "must be text"),
    ("relatedParty[0].@referredType", 7, "must be text"),
    ("relatedParty", {}, "must be a list of objects"),
    ("relatedParty[0]", "acme", "must be an object"),
    ("note", 7, "must be a list of objects"),
    ("note[0].text", 7, "must be text"),
    ("externalReference", "BSS-1", "must be a list of objects"),
    (f"{SERVICE}.isStateful", 1, "must be true or false"),
    (f"{SERVICE}.serviceType", 1, "must be text"),
]


@pytest.mark.parametrize(("place", "value", "words"), WRONG, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("path", [ORDERS, "/api/v1/plan"])
async def test_it_is_named_with_its_place_and_what_it_must_be(
    still: world.World, path: str, place: str, value: Any, words: str
) -> None:
    answer = await still.http.post(path, json=order(place, value))

    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["field"] == place
    assert words in body["reason"]
    assert not [word for word in INNER if word in body["reason"]]
    assert still.orders.requests == []


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        (ORDERS, {}, "serviceOrderItem", "is missing"),
        ("/tmf-api/serviceOrdering/v4/hub", {"callback": 7}, "callback", "must be text"),
        ("/tmf-api/serviceOrdering/v4/hub", {}, "callback", "is missing"),
        ("/tmf-api/serviceOrdering/v4/cancelServiceOrder", {}, "serviceOrder", "is missing"),
        (
            "/tmf-api/serviceOrdering/v4/cancelServiceOrder",
            {"serviceOrder": "17"},
            "serviceOrder",
            "must be an object",
        ),
        ("/api/v1/outbox/redeliver", {"receiver": []}, "receiver", "must be text"),
        ("/api/v1/outbox/redeliver", {}, "receiver", "is missing"),
        ("/api/v1/outbox/redeliver", [], "", "the body must be an object"),
        ("/api/v1/import", {"files": []}, "files", "must be an object"),
    ],
)
async def test_so_it_is_everywhere(
    still: world.World, path: str, body: Any, field: str, words: str
) -> None:
    answer = await still.http.post(path, json=body)

    found = answer.json()
    assert (answer.status_code, found.get("field", "")) == (400, field), found
    assert words in found["reason"]
    assert not [word for word in INNER if word in found["reason"]]


async def test_null_and_what_a_characteristic_holds_are_nobodys_business(tmp_path: Path) -> None:
    body = order(f"{SERVICE}.serviceCharacteristic[1].value", {"@type": 7, "note": 7})
    async with world.world(tmp_path) as it:
        answer = await it.http.post(ORDERS, json=body | {"@type": None, "note": None})
    assert answer.status_code == 201


async def test_what_a_sender_adds_to_a_characteristic_is_its_own(tmp_path: Path) -> None:
    body = order(f"{SERVICE}.serviceCharacteristic[0].note", "of ours")
    async with world.world(tmp_path) as it:
        answer = await it.http.post(ORDERS, json=body)
    assert answer.status_code == 201


async def test_a_patch_is_judged_as_an_order_is(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it:
        await it.http.post(ORDERS, json=world.ORDER)
        answer = await it.http.patch(f"{ORDERS}/1", json={"note": [{"text": "x", "@type": 7}]})
        kinds = {"Content-Type": "application/json-patch+json"}
        operation = {"op": "replace", "path": "/note/0/text", "value": 7}
        other = await it.http.patch(f"{ORDERS}/1", content=json.dumps([operation]), headers=kinds)
    assert (answer.status_code, answer.json()["field"]) == (400, "note[0].@type")
    assert (other.status_code, other.json()["field"]) == (400, "note[0].text")


@pytest.mark.parametrize("action", ["noChange", "move", 7, None])
def test_the_actions_of_a_resource_order_are_told_as_that_api_spells_them(action: Any) -> None:
    item = {"id": "1", "action": action, "resource": {}}
    with pytest.raises(errors.OrderRejected) as refused:
        wire.parse(wire.ResourceOrder, {"orderItem": [item]})
    assert refused.value.reason == "must be one of add, modify, delete, no_change"
    assert refused.value.field == "orderItem[0].action"
    known = wire.parse(wire.ResourceItem, item | {"action": "no_change"})
    assert known.action is views.ItemAction.NO_CHANGE


def test_a_filter_on_what_nothing_has_is_told_with_what_there_is() -> None:
    asked = query.Query("default", (query.Filter("colour", query.Operator.EQ, ("red",)),))
    with pytest.raises(errors.OrderRejected, match=r"known are a, a\.b, c") as refused:
        matching.refuse_unknown(asked, [{"a": [{"b": 1}]}, {"c": 2}])
    assert refused.value.field == "colour"


async def test_what_leads_nowhere_says_where_the_ways_are(still: world.World) -> None:
    answer = await still.http.get("/tmf-api/serviceOrder/v4/serviceOrder")
    assert answer.status_code == 404
    assert "/docs" in answer.json()["reason"]


CREATED: Mapping[str, tuple[str, ...]] = {
    "TMF622/TMF622_Product_Ordering_Management_API_v4.0.0_swagger.json": (
        "ProductOrder_Create",
        "CancelProductOrder_Create",
    ),
    "TMF640/TMF640-ServiceActivation-v4.0.0.swagger.json": ("Service_Create",),
    "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json": (
        "ServiceOrder_Create",
        "CancelServiceOrder_Create",
    ),
    "TMF652/TMF652-ResourceOrder-v4.0.0.swagger.json": (
        "ResourceOrder_Create",
        "CancelResourceOrder_Create",
    ),
    "TMF653/TMF653_Service_Test_Management_API_v4.2.0_swagger.json": ("ServiceTest_Create",),
}


def typed(file: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(attribute, JSON type) of all that may stand in a body of these definitions."""
    todo, seen = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for attribute, about in official.definition(file, name).get("properties", {}).items():
            kind, below = about.get("type"), about.get("$ref") or about.get("items", {}).get("$ref")
            if below is not None:
                todo.append(below.rpartition("/")[2])
                inner = official.definition(file, todo[-1]).get("type", "object")
                kind = f"{kind} of {inner}" if kind else inner
            yield attribute, kind


def test_of_a_characteristic_all_is_known_that_its_definition_has() -> None:
    file = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"
    known = {*official.definition(file, "Characteristic")["properties"], "@referredType"}
    assert {*attributes.OF_CHARACTERISTICS, "value"} == known


def test_each_attribute_has_the_type_of_the_official_documents() -> None:
    found: dict[str, set[str]] = {}
    for file, names in CREATED.items():
        for attribute, kind in typed(file, names):
            found.setdefault(attribute, set()).add(kind)
    for kind, names in {
        "string": attributes.TEXTS,
        "array of object": attributes.LISTS,
        "object": attributes.OBJECTS,
        "boolean": attributes.SWITCHES,
    }.items():
        assert {name: found.get(name) for name in names} == {name: {kind} for name in names}
