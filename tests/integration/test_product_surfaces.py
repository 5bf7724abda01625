"""TMF622 and TMF637 over the real rows: the business bundle from POST to terminated, by HTTP.

In-process: the shipped offering, two simulated routers, the surfaces' own engine; every body is
judged by the official schemas.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge.engine import surface
from bss_bridge.events import notifications
from bss_bridge.resources import product_ordering, products
from inventory.pools import pools
from inventory.services import ports
from oss_agent.catalog import collection, offerings
from oss_agent.fulfilment import product, product_cancellation
from oss_agent.spi import events
from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import official
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCEL = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
REGRET = {"productOrder": {"id": "po1"}, "cancellationReason": "the customer moved"}
ORDER_STATE = "ProductOrderStateChangeEvent"
PRODUCTS = "/tmf-api/productInventory/v4/product"
SPECS_622 = (
    "TMF622/TMF622-ProductOrder-v4.0.0.swagger.json",
    "TMF622/TMF622_Product_Ordering_Management_API_v4.0.0_swagger.json",
)
SPECS_637 = (
    "TMF637/TMF637-ProductInventory-v4.0.0.swagger.json",
    "TMF637/TMF637_Product_Inventory_Management_API_v4.0.0_swagger.json",
)
_POOLS = (
    pools.PoolRange.of_prefix("internet-v4", "203.0.113.0/24", 30),
    pools.PoolRange("vpn-vni", 20_000, 20_099),
    pools.PoolRange.of_prefix("vpn-transit", "100.64.0.0/24"),
)
LINE = [{"name": "lineAEnd", "value": "pe1:eth5"}, {"name": "lineZEnd", "value": "pe2:eth5"}]


@dataclasses.dataclass
class Shop:
    """The agent beneath, and its surfaces."""

    below: worlds.World
    http: httpx.AsyncClient

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        return await self.http.post(ORDERS, json=body, headers=headers)

    async def ordered(self, body: Any) -> dict[str, Any]:
        """Posted, run to its end, as it is then."""
        answer = await self.post(body)
        assert answer.status_code == 201, answer.text
        await self.below.run_to_the_end()
        shown: dict[str, Any] = (await self.http.get(answer.json()["href"])).json()
        return shown

    async def product(self, key: str = "p1-1") -> dict[str, Any]:
        shown: dict[str, Any] = (await self.http.get(f"{PRODUCTS}/{key}")).json()
        return shown


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(tmp_path) as shop:
        yield shop


@contextlib.asynccontextmanager
async def opened(tmp_path: Path, *versions: str, **more: Any) -> AsyncIterator[Shop]:
    """A shop over a world that is opened with ``more``; each offering is in ``versions``, too."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    async with worlds.open_world(tmp_path, **more) as below:
        await below.rows.write(lambda c: pools.seed(c, _POOLS, tenant=worlds.TENANT, at=at))
        shipped = [one for one in collection.load().offerings if one.version == "1.0"]
        newer = [one.model_copy(update={"version": v}) for one in shipped for v in versions]
        offered = offerings.Offerings((*shipped, *newer), below.parts.catalogue.check, {})
        shop = products.Shop(
            product.ProductOrders(below.parts, offered, below.orders),
            product_cancellation.ProductCancelTasks(below.parts, below.cancellations),
            ports.ProductPort(below.rows),
        )
        extra = products.routers(shop, bridge.LINKS, surface.Paging())
        async with bridge.world(tmp_path, extra=extra) as shown:
            yield Shop(below, shown.http)


async def notified(it: Shop) -> list[dict[str, Any]]:
    """What a hub would be told of products and their orders, in order."""
    rows = await it.below.rows.read(
        lambda c: c.execute(worlds.EVENTS.select().order_by(worlds.EVENTS.c.number)).all()
    )
    kinds = {kind.value: kind for kind in events.EventKind}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        notifications.notification(
            events.Event(
                row.id, kinds[row.kind], "default", row.entity, at, row.payload, tuple(row.changed)
            ),
            bridge.LINKS,
        )
        for row in rows
        if row.entity.startswith(("product", "cancelProduct"))
    ]


def bundle(*more: dict[str, Any]) -> dict[str, Any]:
    """The example of the API's own document, with ``more`` characteristics."""
    body = copy.deepcopy(product_ordering.EXAMPLE)
    told: Any = body["productOrderItem"]
    told[0]["product"]["productCharacteristic"].extend(copy.deepcopy(more))
    return body


def change(action: str, *said: dict[str, Any], key: str = "p1-1") -> dict[str, Any]:
    about = {"id": key} | ({"productCharacteristic": list(said)} if said else {})
    return {"productOrderItem": [{"id": "1", "action": action, "product": about}]}


def judged(body: dict[str, Any]) -> dict[str, Any]:
    """The body, judged as what its place says it is."""
    place = body["href"].removeprefix(bridge.URL).rpartition("/")[0]
    specs, kind = {
        ORDERS: (SPECS_622, "ProductOrder"),
        CANCEL: (SPECS_622, "CancelProductOrder"),
        PRODUCTS: (SPECS_637, "Product"),
    }[place]
    for spec in specs:
        bridge.judge(spec, kind, body, official.mend_statuses)
    return body


def becomes(status: str) -> dict[str, Any]:
    """A modify that says the status alone."""
    about = {"id": "p1-1", "status": status}
    return {"productOrderItem": [{"id": "1", "action": "modify", "product": about}]}


@pytest.mark.reference
async def test_a_bundle_is_suspended_with_all_its_services_and_resumed_or_ended(it: Shop) -> None:
    before = await it.below.snapshots()
    early = await it.post(bundle())
    answer = await it.post(becomes("suspended"))
    assert (early.status_code, answer.status_code) == (201, 409)
    await it.below.run_to_the_end()
    whole = await it.below.snapshots()
    for status, state, now in (
        ("suspended", "inactive", before),
        ("suspended", "inactive", before),
        ("active", "active", whole),
        ("suspended", "inactive", before),
    ):
        done = judged(await it.ordered(becomes(status)))
        assert (done["state"], done["productOrderItem"][0]["product"]["status"]) == (
            "completed",
            status,
        )
        assert judged(await it.product())["status"] == status
        assert await it.below.snapshots() == now
        services = await it.below.rows.read(
            lambda c: it.below.parts.ledger.snapshot(c, worlds.TENANT).services
        )
        assert {one.state.value for one in services.values()} == {state}
    refused = await it.post(becomes("terminated"))
    assert (refused.status_code, refused.json()["field"]) == (
        400,
        "productOrderItem[0].product.status",
    )

    await it.ordered(change("delete"))
    told = [
        one["event"]["product"]["status"]
        for one in await notified(it)
        if one["eventType"] == "ProductStateChangeEvent"
    ]
    assert told == ["active", "suspended", "active", "suspended", "pendingTerminate", "terminated"]
    assert await it.below.snapshots() == before


@pytest.mark.reference
async def test_the_business_bundle_lives_and_ends(it: Shop) -> None:
    before = await it.below.snapshots()
    answer = await it.post(bundle(*LINE))
    order = judged(answer.json())
    assert answer.headers["location"] == order["href"] == f"{bridge.URL}{ORDERS}/po1"
    assert order["relatedParty"][0]["id"] == "acme"
    assert {"id", "href", "state", "orderDate", "productOrderItem", "relatedParty"} <= order.keys()
    assert judged(await it.product())["status"] == "pendingActive"

    await it.below.run_to_the_end()
    done = judged((await it.http.get(order["href"])).json())
    assert (done["state"], done["productOrderItem"][0]["state"]) == ("completed", "completed")
    made = judged(await it.product())
    assert (made["status"], made["isBundle"], made["name"]) == ("active", True, "acme")
    assert {one["name"] for one in made["realizingService"]} == {
        "acme-vpn",
        "acme-internet",
        "acme-line",
    }
    assert made["productOrderItem"][0]["productOrderId"] == "po1"
    needed = {"status", "productOffering", "productCharacteristic", "relatedParty"}
    assert needed <= made.keys()

    more = {"name": "internetBandwidth", "value": 100}
    less = {"name": "lineAEnd", "value": None}, {"name": "lineZEnd", "value": None}
    assert judged(await it.ordered(change("modify", more, *less)))["state"] == "completed"
    made = judged(await it.product())
    assert made["status"] == "active"
    assert {one["name"] for one in made["realizingService"]} == {"acme-vpn", "acme-internet"}
    assert more["value"] in [one["value"] for one in made["productCharacteristic"]]

    assert (await it.ordered(change("delete")))["state"] == "completed"
    assert judged(await it.product())["status"] == "terminated"
    assert await it.below.snapshots() == before


@pytest.mark.reference
async def test_a_part_that_is_refused_is_told_in_a_note(it: Shop) -> None:
    body = bundle(*LINE)
    body["note"] = [{"text": "call before noon"}]
    body["productOrderItem"][0]["product"]["productCharacteristic"][-1]["value"] = "pe2:eth99"
    order = judged(await it.ordered(body))
    assert (order["state"], order["productOrderItem"][0]["state"]) == ("partial", "failed")
    assert order["note"][0]["text"] == "call before noon"
    assert "eth99" in order["note"][1]["text"]
    assert judged(await it.product())["status"] == "pendingActive"


@pytest.mark.reference
async def test_what_never_lived_is_aborted(it: Shop) -> None:
    body = bundle()
    for one in body["productOrderItem"][0]["product"]["productCharacteristic"]:
        if one["name"] == "sites":
            one["value"] = [site | {"port": "pe1:eth77"} for site in one["value"][:1]] * 1
            one["value"].append({"name": "b", "port": "pe2:eth77", "address": "172.16.9.1/24"})
        if one["name"] == "internetPort":
            one["value"] = "pe1:eth78"
    assert (await it.ordered(body))["state"] == "failed"
    made = judged(await it.product())
    assert (made["status"], made["realizingService"]) == ("aborted", [])


async def test_what_the_sender_wrote_beside_our_model_is_given_back(it: Shop) -> None:
    body = bundle()
    body["channel"] = [{"id": "web", "@type": "RelatedChannel"}]
    body["productOrderItem"][0]["colour"] = "blue"
    body["productOrderItem"][0]["product"]["description"] = "for the office"
    body["productOrderItem"][0]["product"]["productCharacteristic"][1]["id"] = "c1"
    body["productOrderItem"][0]["productOffering"]["name"] = "any name"
    order = (await it.post(body)).json()
    item = order["productOrderItem"][0]
    assert (order["channel"], item["colour"]) == (body["channel"], "blue")
    assert item["product"]["description"] == "for the office"
    assert item["product"]["productCharacteristic"][1]["id"] == "c1"
    assert item["productOffering"]["name"] == "Business bundle"


async def test_the_same_post_again_is_answered_with_the_same_order(it: Shop) -> None:
    one = await it.post(bundle(), **{"Idempotency-Key": "k1"})
    two = await it.post(bundle(), **{"Idempotency-Key": "k1"})
    assert one.json() == two.json()
    other = await it.post(bundle(*LINE), **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert len((await it.http.get(ORDERS)).json()) == 1


async def test_a_header_that_would_not_be_obeyed_is_refused(it: Shop) -> None:
    for name, value in (("Plan-Hash", "0" * 64), ("Out-Of-Band", "revert")):
        answer = await it.post(bundle(), **{name: value})
        assert (answer.status_code, answer.json()["field"]) == (400, name)
    assert (await it.http.get(ORDERS)).json() == []


def wrong(path: str, value: Any) -> dict[str, Any]:
    """The bundle with the attribute at ``path`` set, or taken out for None."""
    body: Any = bundle()
    node, steps = body, path.split(".")
    for step in steps[:-1]:
        node = node[int(step) if step.isdecimal() else step]
    if value is None:
        del node[steps[-1]]
    else:
        node[steps[-1]] = value
    return body  # type: ignore[no-any-return]  # a document of any shape, walked by its steps


_ITEM = "productOrderItem.0"
BAD: tuple[tuple[str, Any, str, int], ...] = (
    ("productOrderItem", [], "productOrderItem", 400),
    ("productOrderItem", None, "productOrderItem", 400),
    ("state", "completed", "state", 400),
    ("completionDate", "2026-01-01T00:00:00Z", "completionDate", 400),
    ("requestedStartDate", "tomorrow", "requestedStartDate", 400),
    ("relatedParty", "acme", "relatedParty", 400),
    (f"{_ITEM}.id", 1, "productOrderItem[0].id", 400),
    (f"{_ITEM}.state", "completed", "productOrderItem[0].state", 400),
    (f"{_ITEM}.action", "remove", "productOrderItem[0].action", 400),
    (f"{_ITEM}.action", "noChange", "productOrderItem[0].product.id", 400),
    (f"{_ITEM}.action", "delete", "productOrderItem[0].product.id", 400),
    (f"{_ITEM}.quantity", 2, "productOrderItem[0].quantity", 400),
    (f"{_ITEM}.productOrderItem", [{}], "productOrderItem[0].productOrderItem[0].id", 400),
    (f"{_ITEM}.productOffering", None, "productOrderItem[0].productOffering", 400),
    (f"{_ITEM}.productOffering", {"id": "x"}, "productOrderItem[0].productOffering", 400),
    (f"{_ITEM}.product.id", "p7-1", "productOrderItem[0].product.id", 400),
    (f"{_ITEM}.product.status", "active", "productOrderItem[0].product.status", 400),
    (f"{_ITEM}.product.name", None, "productOrderItem[0].product.name", 400),
)


async def test_a_bad_order_is_refused_by_the_name_of_its_field(it: Shop) -> None:
    for path, value, field, status in BAD:
        answer = await it.post(wrong(path, value))
        assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    assert (await it.http.get(ORDERS)).json() == []


async def test_a_characteristic_is_refused_in_the_words_of_the_product(it: Shop) -> None:
    answer = await it.post(bundle({"name": "lineBandwidth", "value": 33}))
    assert answer.status_code == 400
    assert answer.json()["field"].startswith("productOrderItem[0].product.productCharacteristic[")


@pytest.mark.reference
async def test_an_order_is_cancelled_by_a_task_and_never_leaves_its_diagram(it: Shop) -> None:
    before = await it.below.snapshots()
    await it.post(bundle())
    answer = await it.http.post(CANCEL, json=REGRET)
    task = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == task["href"] == f"{bridge.URL}{CANCEL}/1"
    assert (task["state"], task["productOrder"]["id"]) == ("acknowledged", "po1")
    await it.below.run_to_the_end()

    order, task = [judged((await it.http.get(at)).json()) for at in (f"{ORDERS}/po1", task["href"])]
    assert (order["state"], order["productOrderItem"][0]["state"]) == ("cancelled", "cancelled")
    assert order["cancellationReason"] == task["cancellationReason"] == "the customer moved"
    assert order["cancellationDate"] == task["effectiveCancellationDate"]
    assert task["state"] == "done"
    assert judged(await it.product())["status"] == "cancelled"
    assert await it.below.snapshots() == before
    told = [(one["eventType"], one["event"]) for one in await notified(it)]
    moved = [about["productOrder"]["state"] for kind, about in told if kind == ORDER_STATE]
    assert moved == ["inProgress", "assessingCancellation", "pendingCancellation", "cancelled"]
    tasks = [about["cancelProductOrder"]["state"] for _, about in told if "cancelPro" in str(about)]
    assert tasks == ["acknowledged", "inProgress", "done"]


async def test_what_cannot_be_cancelled_is_said_of_the_product_order(it: Shop) -> None:
    for body, status, field in (
        (REGRET, 404, None),
        ({"productOrder": {"id": "po1"}, "state": "done"}, 400, "state"),
        ({"cancellationReason": "why not"}, 400, "productOrder"),
    ):
        answer = await it.http.post(CANCEL, json=body)
        assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    await it.ordered(bundle())
    answer = await it.http.post(CANCEL, json=REGRET)
    assert (answer.status_code, answer.json()["field"]) == (409, "productOrder.id")
    assert "po1" in answer.json()["reason"]
    assert (await it.http.get(CANCEL)).json() == []
    assert (await it.http.get(f"{CANCEL}/1")).status_code == 404


async def test_cancel_tasks_are_found(it: Shop) -> None:
    await it.post(bundle())
    await it.http.post(CANCEL, json=REGRET)
    for asked, found in (
        ("productOrder.id=po1", ["1"]),
        ("productOrder.id=po2", []),
        ("state=acknowledged&sort=-id", ["1"]),
    ):
        answer = await it.http.get(f"{CANCEL}?{asked}")
        assert [one["id"] for one in answer.json()] == found, asked
    assert (await it.http.get(f"{CANCEL}?state=accepted")).status_code == 400


LISTS: tuple[tuple[str, list[str]], ...] = (
    (f"{ORDERS}?state=acknowledged", ["po1", "po2"]),
    (f"{ORDERS}?state=completed", []),
    (f"{ORDERS}?state.ne=completed&sort=-id&limit=1", ["po2"]),
    (f"{ORDERS}?externalId=two", ["po2"]),
    (f"{ORDERS}?productOrderItem.product.name=zeta", ["po2"]),
    (f"{ORDERS}?productOrderItem.product.id=p1-1", ["po1"]),
    (f"{ORDERS}?productOrderItem.productOffering.id=business-bundle", ["po1", "po2"]),
    (f"{ORDERS}?relatedParty.id=acme;externalId=two", ["po1", "po2"]),
    (f"{ORDERS}?orderDate.gt=2099-01-01T00:00:00Z", []),
    (f"{PRODUCTS}?name=zeta", ["p2-1"]),
    (f"{PRODUCTS}?status=pendingActive&sort=-name", ["p2-1", "p1-1"]),
    (f"{PRODUCTS}?productOrderItem.productOrderId=po1", ["p1-1"]),
    (f"{PRODUCTS}?realizingService.id=s2-1", ["p2-1"]),
    (f"{PRODUCTS}?productOffering.id=other", []),
)
UNKNOWN = (f"{ORDERS}?colour=blue", f"{ORDERS}?state=done", f"{PRODUCTS}?colour=blue")


async def test_lists_are_filtered_sorted_and_paged(it: Shop) -> None:
    for name, key in (("acme", "BSS-4712"), ("zeta", "two")):
        body: Any = bundle() | {"externalId": key}
        body["productOrderItem"][0]["product"]["name"] = name
        await it.post(body)
    for asked, found in LISTS:
        answer = await it.http.get(asked)
        assert (answer.status_code, [one["id"] for one in answer.json()]) == (200, found), asked
    for asked in UNKNOWN:
        answer = await it.http.get(asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalidQuery"), asked


async def test_what_is_not_there_is_404(it: Shop) -> None:
    for place in (f"{ORDERS}/po9", f"{ORDERS}/1", f"{PRODUCTS}/p9-1"):
        assert (await it.http.get(place)).status_code == 404


@pytest.mark.reference
async def test_every_event_is_told_as_its_api_has_it(it: Shop) -> None:
    await it.ordered(bundle())
    told = await notified(it)
    assert {one["eventType"] for one in told} == {
        "ProductOrderCreateEvent",
        "ProductOrderAttributeValueChangeEvent",
        "ProductOrderStateChangeEvent",
        "ProductCreateEvent",
        "ProductStateChangeEvent",
    }
    for one in told:
        for body in one["event"].values():
            judged(body)
    last = told[-1]
    assert last["description"] == "productOrder po1 is completed now"
