"""PATCH of TMF641 over the real rows: what may change, what is refused by name, and two writers.

Every answer is judged by the official schemas on its way.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio

ORDER = "/tmf-api/serviceOrdering/v4/serviceOrder/1"
_ITEM = "/serviceOrderItem/0/service/serviceCharacteristic"
_JSON_PATCH = {"content-type": "application/json-patch+json"}


def said(*characteristics: dict[str, Any]) -> dict[str, Any]:
    """A merge patch of the one item's characteristics."""
    service = {"serviceCharacteristic": list(characteristics)}
    return {"serviceOrderItem": [{"id": "1", "service": service}]}


@dataclasses.dataclass
class Desk:
    """The agent beneath, and its surface."""

    below: worlds.World
    http: httpx.AsyncClient

    async def patch(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.http.patch(ORDER, json=body, headers=headers)

    async def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(ORDER)).json()
        return found


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Desk]:
    async with (
        worlds.open_world(tmp_path) as below,
        bridge.world(tmp_path, real=below.orders) as shown,
    ):
        yield Desk(below, shown.http)


async def test_plain_attributes_and_what_we_do_not_model_are_kept_as_they_are_sent(
    it: Desk,
) -> None:
    await it.below.order(description="first", category="x")
    wish = {
        "description": "second",
        "category": None,
        "priority": "1",
        "requestedCompletionDate": "2027-01-01T00:00:00Z",
        "externalReference": [{"id": "c-1", "name": "c-1", "externalReferenceType": "crm"}],
        "note": [{"text": "the customer called"}],
    }
    answer = await it.patch(wish)

    assert answer.status_code == 200, answer.text
    now = await it.shown()
    assert answer.json() == now
    assert "category" not in now
    for name in wish.keys() - {"category", "requestedCompletionDate"}:
        assert now[name] == wish[name]
    assert now["requestedCompletionDate"] == "2027-01-01T00:00:00.000Z"
    kind = worlds.EVENTS.c.kind == "ServiceOrderAttributeValueChangeEvent"
    (told,) = await it.below.rows.read(
        lambda c: c.execute(worlds.EVENTS.select().where(kind)).all()
    )
    assert told.changed == sorted(wish)
    await it.below.run()
    assert (await it.shown())["description"] == "second"


async def test_one_characteristic_of_an_item_by_json_patch(it: Desk) -> None:
    await it.below.order()
    shown = (await it.shown())["serviceOrderItem"][0]["service"]["serviceCharacteristic"]
    place = [one["name"] for one in shown].index("bandwidth")
    body = [{"op": "replace", "path": f"{_ITEM}/{place}/value", "value": 50}]
    answer = await it.http.patch(ORDER, json=body, headers=_JSON_PATCH)

    assert answer.status_code == 200, answer.text
    await it.below.run()
    assert (await it.shown())["state"] == "completed"
    assert "<rate>50000</rate>" in (await it.below.snapshots())["pe1"]


async def test_items_of_a_merge_patch_say_only_what_changes_of_each(it: Desk) -> None:
    await it.below.order()
    said = [
        {"name": "aEnd", "value": "pe1:eth3", "note": "kept"},
        {"name": "zEnd", "value": "pe2:eth3"},
    ]
    wish = {"serviceOrderItem": [{"id": "1", "service": {"serviceCharacteristic": said}}]}
    answer = await it.patch(wish)

    assert answer.status_code == 200, answer.text
    service = answer.json()["serviceOrderItem"][0]["service"]
    auto = {"@type": "Characteristic", "valueType": "string"}
    assert service["serviceCharacteristic"] == [auto | one for one in said]
    assert service["name"] == "acme"
    assert (await it.below.get("1")).items[0].characteristics == {
        "aEnd": "pe1:eth3",
        "zEnd": "pe2:eth3",
    }


@pytest.mark.parametrize(
    ("wish", "status", "field"),
    [
        ({"orderDate": "2026-01-01T00:00:00Z"}, 400, "orderDate"),
        ({"externalId": "another"}, 400, "externalId"),
        ({"colour": "red"}, 400, "colour"),
        ({"priority": 1}, 400, "priority"),
        ({"requestedStartDate": "tomorrow"}, 400, "requestedStartDate"),
        ({"note": "text"}, 400, "note"),
        ({"note": [{"author": "oss-agent", "text": "x"}]}, 400, "note[0].author"),
        ({"relatedParty": [{"id": "else", "role": "customer"}]}, 400, "relatedParty"),
        ({"state": "completed"}, 400, "state"),
        ({"state": "cancelled"}, 409, "state"),
        ({"state": "inProgress"}, 409, "state"),
        ({"serviceOrderItem": []}, 400, "serviceOrderItem"),
        (
            {"serviceOrderItem": [{"id": "1", "action": "delete"}]},
            400,
            "serviceOrderItem[0].action",
        ),
        (
            {"serviceOrderItem": [{"id": "1", "service": {"name": "other"}}]},
            400,
            "serviceOrderItem[0].service.name",
        ),
        (said({"name": "aEnd"}), 400, "serviceOrderItem[0].service.serviceCharacteristic[0].value"),
        (said(), 400, "serviceOrderItem[0].service.serviceCharacteristic[aEnd]"),
    ],
)
async def test_what_cannot_be_patched_is_refused_by_name(
    it: Desk, wish: dict[str, Any], status: int, field: str
) -> None:
    await it.below.order()
    before = await it.shown()
    answer = await it.patch(wish)

    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    assert await it.shown() == before


async def test_it_is_held_and_released_by_its_state(it: Desk) -> None:
    await it.below.order()
    held = await it.patch({"state": "held"})
    assert (held.status_code, held.json()["state"]) == (200, "held")
    assert held.json()["serviceOrderItem"][0]["state"] == "held"
    assert "put the order on hold" in held.json()["note"][0]["text"]
    assert (await it.patch({"state": "inProgress"})).json()["state"] == "inProgress"
    await it.below.run()
    late = await it.patch({"description": "late"})

    assert (await it.shown())["state"] == "completed"
    assert late.status_code == 409
    assert "order 1 is completed" in late.json()["reason"]


async def test_of_two_patches_for_the_same_state_one_hears_412(it: Desk) -> None:
    await it.below.order()
    tag = (await it.http.get(ORDER)).headers["etag"]
    wishes = [it.patch({"description": text}, **{"If-Match": tag}) for text in ("a", "b")]
    answers = await asyncio.gather(*wishes)

    assert sorted(one.status_code for one in answers) == [200, 412]
    done = next(one for one in answers if one.status_code == 200)
    assert (await it.shown())["description"] == done.json()["description"]


async def test_two_patches_of_any_state_are_both_done(it: Desk) -> None:
    await it.below.order()
    wishes = [it.patch({name: "x"}) for name in ("description", "category", "priority")]
    answers = await asyncio.gather(*wishes)

    assert [one.status_code for one in answers] == [200, 200, 200]
    now = await it.shown()
    assert [now[name] for name in ("description", "category", "priority")] == ["x", "x", "x"]
