"""PATCH of TMF622 over the real rows: a product order changes with the service order it became.

Every answer is judged by the official schemas on its way.
"""

from __future__ import annotations

from typing import Any

import pytest

from oss_agent import errors
from oss_agent.spi import orders
from tests.integration import test_product_surfaces as surfaces
from tests.integration.test_product_surfaces import Shop

pytestmark = pytest.mark.anyio
it = surfaces.it
ORDER = f"{surfaces.ORDERS}/po1"


async def characteristics(
    it: Shop, *without: str, order: str = ORDER, **said: Any
) -> dict[str, Any]:
    """A merge patch of the one item, with these characteristics instead, and some left out."""
    shown = (await it.http.get(order)).json()["productOrderItem"][0]["product"]
    values = {one["name"]: one["value"] for one in shown["productCharacteristic"]}
    left = {name: value for name, value in values.items() if name not in without} | said
    told = [{"name": name, "value": value} for name, value in left.items()]
    return {"productOrderItem": [{"id": "1", "product": {"productCharacteristic": told}}]}


async def below(it: Shop) -> dict[str, Any]:
    order = await it.below.get("1")
    (found,) = [one for one in order.items if one.specification.id == "internet-access"]
    return dict(found.characteristics)


async def test_a_characteristic_reaches_the_service_that_it_is_for(it: Shop) -> None:
    await it.post(surfaces.bundle())
    wish = await characteristics(it, internetBandwidth=100) | {"description": "faster", "note": []}
    answer = await it.http.patch(ORDER, json=wish)

    assert answer.status_code == 200, answer.text
    assert surfaces.judged(answer.json())["description"] == "faster"
    assert (await below(it))["bandwidth"] == 100
    assert (await it.below.get("1")).description == "faster"
    await it.below.run_to_the_end()
    assert (await it.http.get(ORDER)).json()["state"] == "completed"
    said = {one["name"]: one["value"] for one in (await it.product())["productCharacteristic"]}
    assert said["internetBandwidth"] == 100
    assert "<rate>100000</rate>" in (await it.below.snapshots())["pe1"]
    late = await it.http.patch(ORDER, json={"priority": "1"})
    assert (late.status_code, late.json()["code"]) == (409, "illegalState")


async def test_one_that_is_on_hold_is_amended_and_released_by_its_state(it: Shop) -> None:
    await it.post(surfaces.bundle())
    await it.below.orders.hold("default", "carol", "1", "")
    answer = await it.http.patch(ORDER, json=await characteristics(it, internetPort="pe2:eth4"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "held"
    assert (await it.http.patch(ORDER, json={"state": "inProgress"})).status_code == 200
    await it.below.run_to_the_end()

    assert (await it.http.get(ORDER)).json()["state"] == "completed"
    assert (await below(it))["accessPort"] == "pe2:eth4"


async def test_what_is_wrong_is_refused_by_name_and_items_below_are_not_amended_by_themselves(
    it: Shop,
) -> None:
    await it.post(surfaces.bundle())
    bad = await it.http.patch(ORDER, json=await characteristics(it, internetBandwidth="fast"))
    place = "productOrderItem[0].product.productCharacteristic[internetBandwidth]"
    assert (bad.status_code, bad.json()["field"]) == (400, place)
    seen = await it.below.get("1")
    change = orders.ItemChange(seen.items[0].id, {})
    with pytest.raises(errors.OrderRejected, match="product order po1 became: amend that one"):
        await it.below.orders.amend(orders.Amendment(seen, "bss", items=(change,)))


async def test_what_622_lets_a_patch_say_and_we_do_not_model_is_kept(it: Shop) -> None:
    await it.post(surfaces.bundle())
    account = {"id": "B-1", "name": "acme", "@type": "BillingAccountRef"}
    said = {"billingAccount": account, "notificationContact": "ops@acme.example"}
    answer = await it.http.patch(ORDER, json=said | {"channel": [{"id": "web"}]})
    assert answer.status_code == 200, answer.text
    shown = surfaces.judged((await it.http.get(ORDER)).json())
    assert {name: shown[name] for name in said} == said
    gone = await it.http.patch(ORDER, json={"notificationContact": None})
    assert "notificationContact" not in gone.json()
    wrong = {"billingAccount": ([], ""), "notificationContact": (1, ""), "quote": ([1], "[0]")}
    for name, (value, inside) in wrong.items():
        bad = await it.http.patch(ORDER, json={name: value})
        assert (bad.status_code, bad.json()["field"]) == (400, f"{name}{inside}")
    other = await it.http.patch(ORDER, json={"externalId": "another"})
    assert (other.status_code, other.json()["field"]) == (400, "externalId")


async def test_a_status_belongs_to_its_item_and_a_cancellation_to_its_task(it: Shop) -> None:
    await it.ordered(surfaces.bundle())
    await it.post(surfaces.becomes("suspended"))
    order = f"{surfaces.ORDERS}/po2"
    wish = {"productOrderItem": [{"id": "1", "product": {"status": "active"}}]}
    other = await it.http.patch(order, json=wish)
    place = "productOrderItem[0].product.status"
    assert (other.status_code, other.json()["field"]) == (400, place)
    assert "cancel the order" in other.json()["reason"]
    gone = await it.http.patch(order, json={"state": "cancelled"})
    assert (gone.status_code, gone.json()["code"]) == (409, "illegalState")
    assert "cancelProductOrder" in gone.json()["reason"]
    assert (await it.http.get(order)).json()["state"] == "acknowledged"
