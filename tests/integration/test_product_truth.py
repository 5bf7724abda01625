"""TMF637 after a modify of which a part failed: the product says what its services have, by HTTP."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from oss_agent.spi import views
from tests.integration import test_product_surfaces as surfaces
from tests.integration.fulfilment import world as worlds
from tests.integration.test_product_surfaces import Shop

pytestmark = pytest.mark.anyio
it = surfaces.it


def said(product: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in product["productCharacteristic"]}


def named(**values: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in values.items()]


async def changes(it: Shop) -> list[dict[str, Any]]:
    kind = "ProductAttributeValueChangeEvent"
    return [one for one in await surfaces.notified(it) if one["eventType"] == kind]


@pytest.mark.reference
async def test_what_reached_the_network_is_shown_and_the_rest_as_it_was(it: Shop) -> None:
    await it.ordered(surfaces.bundle(*surfaces.LINE))
    before = said(await it.product())
    wish = named(internetBandwidth=100, lineZEnd="pe2:eth99")
    order = await it.ordered(surfaces.change("modify", *wish))
    product = surfaces.judged(await it.product())

    assert (order["state"], order["productOrderItem"][0]["state"]) == ("partial", "failed")
    assert said(product) == before | {"internetBandwidth": 100}
    assert product["status"] == "active"
    (told,) = await changes(it)
    assert told["fieldPath"] == "productCharacteristic"
    assert said(told["event"]["product"]) == said(product)

    # laid over the truth: back to what was ordered first is a change again
    back = await it.ordered(surfaces.change("modify", *named(internetBandwidth=50)))
    assert (back["state"], said(await it.product())) == ("completed", before)
    assert "<rate>50000</rate>" in (await it.below.snapshots())["pe1"]


async def test_a_service_that_could_not_come_or_go_is_told_as_it_is(it: Shop) -> None:
    await it.ordered(surfaces.bundle())
    wish = named(
        internetPort=None, internetBandwidth=None, lineAEnd="pe1:eth5", lineZEnd="pe2:eth99"
    )
    order = await it.ordered(surfaces.change("modify", *wish))
    product = await it.product()

    assert order["state"] == "partial"
    assert set(said(product)) == {"sites"}
    assert [one["name"] for one in product["realizingService"]] == ["acme-vpn"]
    (told,) = await changes(it)
    assert told["fieldPath"] == "productCharacteristic,realizingService"


async def test_a_product_that_moves_to_another_version_shows_it(tmp_path: Path) -> None:
    async with surfaces.opened(tmp_path, "0.9") as it:
        await it.ordered(surfaces.bundle())
        wish = surfaces.change("modify", *named(internetBandwidth=100))
        wish["productOrderItem"][0]["productOffering"] = {"id": "business-bundle", "version": "0.9"}
        await it.ordered(wish)
        assert (await it.product())["productOffering"]["version"] == "0.9"
        (told,) = await changes(it)
        assert told["fieldPath"] == "productOffering,productCharacteristic"


async def test_nothing_is_told_of_a_product_that_nothing_changed(it: Shop) -> None:
    await it.ordered(surfaces.bundle(*surfaces.LINE))
    before = await it.product()
    await it.ordered(surfaces.change("modify", *named(lineZEnd="pe2:eth99")))
    assert await it.product() == before
    assert await changes(it) == []


async def test_what_an_order_says_is_laid_over_what_the_service_has_by_now(it: Shop) -> None:
    await it.ordered(surfaces.bundle())
    (service,) = [one["id"] for one in (await it.product())["realizingService"]
                  if one["name"] == "acme-internet"]  # fmt: skip
    whole = worlds.request("", action=views.ItemAction.MODIFY, service_id=service, specification="")
    (item,) = whole.items
    slower = dataclasses.replace(item, characteristics={"bandwidth": 20})
    await it.below.orders.submit(dataclasses.replace(whole, items=(slower,)))
    await it.below.run_to_the_end()
    assert "<rate>20000</rate>" in (await it.below.snapshots())["pe1"]

    again = await it.ordered(surfaces.change("modify", *named(internetBandwidth=50)))
    assert again["state"] == "completed"
    assert "<rate>50000</rate>" in (await it.below.snapshots())["pe1"]
    assert said(await it.product())["internetBandwidth"] == 50
