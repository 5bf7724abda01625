"""A product order that lacks something says so in its own words, and its PATCH supplies it, by HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bss_bridge.engine import rendering
from tests.integration import test_product_surfaces as surfaces
from tests.integration.test_product_order_patch import characteristics
from tests.integration.test_product_surfaces import Shop
from tests.unit.bss_bridge import official
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio
ORDER = f"{surfaces.ORDERS}/po1"
ASKED = "ProductOrderInformationRequiredEvent"
FAR = "productOrderItem[0].product.productCharacteristic[lineZEnd]"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Shop]:
    async with surfaces.opened(tmp_path, later=("zEnd",)) as shop:
        yield shop


async def begun(it: Shop) -> dict[str, Any]:
    """A bundle whose line lacks its far end, run as far as it goes."""
    answer = await it.post(surfaces.bundle({"name": "lineAEnd", "value": "pe1:eth5"}))
    assert answer.status_code == 201, answer.text
    await it.below.run()
    return await shown(it)


async def shown(it: Shop) -> dict[str, Any]:
    return surfaces.judged((await it.http.get(ORDER)).json())


async def asked(it: Shop) -> list[dict[str, Any]]:
    return [one for one in await surfaces.notified(it) if one["eventType"] == ASKED]


def ours(order: dict[str, Any]) -> list[str]:
    return [one["text"] for one in order.get("note", ()) if one["author"] == rendering.US]


@pytest.mark.reference
async def test_it_is_asked_for_in_words_of_the_product_and_a_patch_supplies_it(it: Shop) -> None:
    order = await begun(it)
    assert (order["state"], order["productOrderItem"][0]["state"]) == ("pending", "pending")
    (note,) = ours(order)
    assert note.startswith("item 1 needs lineZEnd, by 2")
    (told,) = await asked(it)
    assert told["fieldPath"] == FAR
    assert (told["correlationId"], told["priority"]) == ("productOrder:po1", "high")
    assert ours(told["event"]["productOrder"]) == [note]
    for spec in surfaces.SPECS_622:
        bridge.judge(spec, ASKED, told, official.mend_statuses)
    sentence = (await it.below.orders.explain("default", "1")).sentence
    assert "item 1 needs lineZEnd, by 2" in sentence
    assert "oss-agent order amend po1 --item 1 --set NAME=VALUE" in sentence

    answer = await it.http.patch(ORDER, json=await characteristics(it, lineZEnd="pe2:eth5"))
    assert answer.status_code == 200, answer.text
    assert ours(answer.json()) == []
    await it.below.run_to_the_end()
    done = await shown(it)
    assert (done["state"], done["productOrderItem"][0]["state"]) == ("completed", "completed")
    assert (await it.product())["status"] == "active"
    assert len(await asked(it)) == 1
    states = [
        one["event"]["productOrder"]["state"]
        for one in await surfaces.notified(it)
        if one["eventType"] == surfaces.ORDER_STATE
    ]
    assert states[-3:] == ["pending", "inProgress", "completed"]


async def test_another_patch_leaves_it_pending_and_the_service_order_is_not_the_place(
    it: Shop,
) -> None:
    await begun(it)
    wrong = await it.http.patch(ORDER, json=await characteristics(it, lineZEnd="pe1:eth3"))
    place = (wrong.status_code, wrong.json()["field"])
    assert place == (400, FAR), wrong.text
    wish = await characteristics(it, lineBandwidth=20)
    assert (await it.http.patch(ORDER, json=wish)).status_code == 200
    await it.below.run()
    order = await shown(it)
    assert order["state"] == "pending"
    (note,) = ours(order)
    assert "needs lineZEnd" in note


async def test_what_nobody_says_in_time_is_said_in_words_of_the_product(it: Shop) -> None:
    await begun(it)
    it.below.clock.ahead += it.below.limits.information_within + 1
    await it.below.run_to_the_end()
    order = await shown(it)
    assert order["state"] == "partial"
    (note,) = ours(order)
    assert note.startswith(
        "informationMissing: lineZEnd cannot be supplied: nobody said it in time"
    )
