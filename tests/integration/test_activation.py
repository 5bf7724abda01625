"""TMF640 over the real rows: a service is posted, patched and deleted, and its monitors say the end.

In-process: two simulated routers, the surfaces' own engine; every body by the official schemas.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge.engine import hrefs, surface
from bss_bridge.events import notifications
from bss_bridge.resources import activation
from inventory.services import ports
from oss_agent.fulfilment.record import monitors
from oss_agent.spi import events
from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio

SERVICES = f"{hrefs.ACTIVATION}/service"
MONITORS = f"{hrefs.ACTIVATION}/monitor"
ORDERS = f"{hrefs.SERVICE_ORDERING}/serviceOrder"
SPEC = "TMF640/TMF640-ServiceActivation-v4.0.0.swagger.json"


@dataclasses.dataclass
class Desk:
    """The agent beneath, and its surface."""

    below: worlds.World
    http: httpx.AsyncClient

    async def monitor(self, key: str) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.http.get(f"{MONITORS}/{key}")).json()
        bridge.judge(SPEC, "Monitor", shown)
        return shown

    async def ended(self, answer: httpx.Response) -> dict[str, Any]:
        """The monitor that an answer promised, when its order has ended."""
        assert answer.status_code == 202, answer.text
        bridge.judge(SPEC, "Monitor", answer.json())
        assert answer.json()["state"] == "InProgress"
        assert answer.headers["location"] == answer.json()["href"]
        await self.below.run_to_the_end()
        return await self.monitor(answer.headers["monitorid"])

    async def service(self, key: str = "s1-1") -> dict[str, Any]:
        shown: dict[str, Any] = (await self.http.get(f"{SERVICES}/{key}")).json()
        return shown

    async def told(self, entity: str) -> list[dict[str, Any]]:
        """What a hub of TMF640 would be told of an entity, in order."""
        asked = worlds.EVENTS.select().where(worlds.EVENTS.c.entity == entity)
        rows = await self.below.rows.read(
            lambda c: c.execute(asked.order_by(worlds.EVENTS.c.number)).all()
        )
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            notifications.notification(
                events.Event(
                    r.id,
                    events.EventKind(r.kind),
                    "default",
                    r.entity,
                    at,
                    r.payload,
                    tuple(r.changed),
                ),
                bridge.LINKS,
                hrefs.ACTIVATION,
            )
            for r in rows
        ]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Desk]:
    async with worlds.open_world(tmp_path) as below:
        behind = activation.Activation(
            below.orders, ports.ServicePort(below.rows), monitors.Monitors(below.rows)
        )
        extra = activation.routers(behind, bridge.LINKS, surface.Paging())
        async with bridge.world(tmp_path, extra=extra) as shown:
            yield Desk(below, shown.http)


def characteristic(shown: dict[str, Any], name: str) -> Any:
    return {one["name"]: one["value"] for one in shown["serviceCharacteristic"]}[name]


def with_bandwidth(shown: dict[str, Any], wished: int) -> list[dict[str, Any]]:
    kept = [one for one in shown["serviceCharacteristic"] if one["name"] != "bandwidth"]
    return [*kept, {"name": "bandwidth", "value": wished}]


@pytest.mark.reference
async def test_a_service_is_activated_changed_and_ended(it: Desk) -> None:
    before = await it.below.snapshots()
    done = await it.ended(await it.http.post(SERVICES, json=activation.EXAMPLE))
    assert (done["state"], done["response"]["statusCode"]) == ("Completed", "201")
    assert done["request"]["method"] == "POST"
    assert json.loads(done["request"]["body"])["name"] == "acme-hq-branch"
    assert done["sourceHref"] == f"{bridge.URL}{SERVICES}/s1-1"
    made = await it.service()
    assert json.loads(done["response"]["body"]) == {"id": "s1-1", "href": made["href"]}
    assert {"id", "href", "state", "serviceDate", "serviceSpecification"} <= made.keys()
    assert (made["state"], made["href"]) == ("active", done["sourceHref"])

    wished = {"serviceCharacteristic": with_bandwidth(made, 50)}
    done = await it.ended(await it.http.patch(f"{SERVICES}/s1-1", json=wished))
    assert (done["state"], done["response"]["statusCode"]) == ("Completed", "200")
    assert [
        one["value"] for one in json.loads(done["request"]["body"])["serviceCharacteristic"]
    ] == [50]
    now = await it.service()
    (changed,) = [one for one in await it.told("service:s1-1") if "fieldPath" in one]
    assert changed["eventType"] == "ServiceAttributeValueChangeEvent"
    assert changed["fieldPath"] == "serviceCharacteristic,relatedEntity"
    assert characteristic(now, "bandwidth") == 50
    assert characteristic(now, "vni") == characteristic(made, "vni")

    done = await it.ended(await it.http.delete(f"{SERVICES}/s1-1"))
    assert (done["state"], done["response"]["statusCode"]) == ("Completed", "204")
    assert (await it.service())["state"] == "terminated"
    assert await it.below.snapshots() == before
    for method in ("PATCH", "DELETE"):
        again = await it.http.request(method, f"{SERVICES}/s1-1", json={"state": "inactive"})
        assert (again.status_code, again.json()["field"]) == (409, "state")


async def test_a_patch_of_its_state_suspends_a_service_and_one_of_its_flag_resumes_it(
    it: Desk,
) -> None:
    before = await it.below.snapshots()
    await it.ended(await it.http.post(SERVICES, json=activation.EXAMPLE))
    whole = await it.below.snapshots()
    done = await it.ended(await it.http.patch(f"{SERVICES}/s1-1", json={"state": "inactive"}))
    assert json.loads(done["request"]["body"]) == {"state": "inactive"}
    now = await it.service()
    assert (now["state"], now["hasStarted"], now["isServiceEnabled"]) == ("inactive", True, False)
    assert await it.below.snapshots() == before
    await it.ended(await it.http.patch(f"{SERVICES}/s1-1", json={"isServiceEnabled": True}))
    assert (await it.service())["state"] == "active"
    assert await it.below.snapshots() == whole


@pytest.mark.reference
async def test_the_monitor_of_what_failed_says_why_in_the_words_of_its_service(it: Desk) -> None:
    before = await it.below.snapshots()
    body = json.loads(json.dumps(activation.EXAMPLE).replace("pe2:eth4", "pe2:eth99"))
    done = await it.ended(await it.http.post(SERVICES, json=body))
    assert (done["state"], done["response"]["statusCode"]) == ("InError", "409")
    assert "eth99" in done["response"]["body"]
    assert "serviceOrderItem" not in done["response"]["body"]
    assert await it.below.snapshots() == before


@pytest.mark.reference
async def test_its_events_are_those_of_its_api(it: Desk) -> None:
    await it.ended(await it.http.post(SERVICES, json=activation.EXAMPLE))
    told = await it.told("monitor:1")
    assert [(one["eventType"], one["event"]["monitor"]["state"]) for one in told] == [
        ("MonitorCreateEvent", "InProgress"),
        ("MonitorStateChangeEvent", "Completed"),
    ]
    told += await it.told("service:s1-1")
    for one in told:
        bridge.judge(SPEC, one["eventType"], one)
        assert one["domain"] == "ServiceActivationAndConfiguration"
        for shown in one["event"].values():
            assert hrefs.ACTIVATION in shown["href"]
    assert told[-1]["event"]["service"]["state"] == "active"


async def test_an_order_of_the_ordering_api_has_no_monitor(it: Desk) -> None:
    await it.below.order("beta")
    await it.http.post(SERVICES, json=activation.EXAMPLE)
    assert [one["id"] for one in (await it.http.get(MONITORS)).json()] == ["2"]
    assert (await it.http.get(f"{MONITORS}/1")).status_code == 404
    assert not await it.told("monitor:1")


async def test_the_same_request_again_is_the_same_monitor(it: Desk) -> None:
    key = {"Idempotency-Key": "k1"}
    one, two = [await it.http.post(SERVICES, json=activation.EXAMPLE, headers=key) for _ in "12"]
    assert one.headers["monitorid"] == two.headers["monitorid"] == "1"
    other = await it.http.post(SERVICES, json=activation.EXAMPLE | {"name": "b"}, headers=key)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")


async def test_monitors_are_found(it: Desk) -> None:
    done = await it.ended(await it.http.post(SERVICES, json=activation.EXAMPLE))
    await it.http.post(SERVICES, json=activation.EXAMPLE | {"name": "second"})
    for asked, found in (
        ("state=Completed", ["1"]),
        ("state=InProgress", ["2"]),
        ("state.ne=Completed", ["2"]),
        ("state=InError", []),
        (f"sourceHref={done['sourceHref']}", ["1"]),
        (f"href={done['href']}", ["1"]),
        ("sort=-id&limit=1", ["2"]),
        ("id=1;state=InProgress", ["1", "2"]),
    ):
        answer = await it.http.get(f"{MONITORS}?{asked}")
        assert (answer.status_code, [one["id"] for one in answer.json()]) == (200, found), asked
    answer = await it.http.get(f"{MONITORS}?colour=blue")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidQuery")


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"state": None}, "state"),
    ({"state": "designed"}, "state"),
    ({"id": "s9"}, "id"),
    ({"serviceSpecification": None}, "serviceSpecification"),
    ({"serviceSpecification": {"id": "moon"}}, "serviceSpecification"),
    ({"serviceCharacteristic": [{"name": "bandwidth"}]}, "serviceCharacteristic[0].value"),
    ({"relatedParty": "acme"}, "relatedParty"),
)


async def test_a_bad_service_is_refused_by_the_name_of_its_field(it: Desk) -> None:
    for changes, field in BAD:
        body = {k: v for k, v in (activation.EXAMPLE | changes).items() if v is not None}
        answer = await it.http.post(SERVICES, json=body)
        assert (answer.status_code, answer.json().get("field", "")[: len(field)]) == (400, field)
    assert (await it.http.get(MONITORS)).json() == []


async def test_a_patch_is_judged_before_it_is_an_order(it: Desk) -> None:
    await it.ended(await it.http.post(SERVICES, json=activation.EXAMPLE))
    place = f"{SERVICES}/s1-1"
    read = await it.http.get(place)
    shown = read.json()
    same = await it.http.patch(place, json={"serviceCharacteristic": with_bandwidth(shown, 20)})
    assert (same.status_code, same.json()) == (200, shown)
    for body, status, field in (
        ({"name": "other"}, 400, "name"),
        ({"state": "designed"}, 400, "state"),
        ({"serviceCharacteristic": [{"name": "bandwidth", "value": 50}]}, 400, None),
        ({"serviceCharacteristic": with_bandwidth(shown, -1)}, 400, None),
        ({"serviceCharacteristic": [7]}, 400, "serviceCharacteristic[0]"),
        ({"serviceCharacteristic": "all"}, 400, "serviceCharacteristic"),
    ):
        answer = await it.http.patch(place, json=body)
        assert answer.status_code == status, (body, answer.text)
        assert answer.json()["field"].startswith(field or "serviceCharacteristic["), answer.text
    stale = {"If-Match": '"old"'}
    assert (await it.http.delete(place, headers=stale)).status_code == 412
    at = {"If-Match": read.headers["etag"], "Content-Type": "application/json-patch+json"}
    place_of = [one["name"] for one in shown["serviceCharacteristic"]].index("bandwidth")
    steps = [{"op": "replace", "path": f"/serviceCharacteristic/{place_of}/value", "value": 50}]
    done = await it.ended(await it.http.patch(place, content=json.dumps(steps), headers=at))
    assert done["state"] == "Completed"
    assert characteristic(await it.service(), "bandwidth") == 50
    assert (await it.http.delete(f"{SERVICES}/s9-1")).status_code == 404


@pytest.mark.reference
async def test_a_service_is_suspended_and_resumed_by_its_state(it: Desk) -> None:
    await it.ended(await it.http.post(SERVICES, json=activation.EXAMPLE))
    lives = await it.below.snapshots()
    done = await it.ended(await it.http.patch(f"{SERVICES}/s1-1", json={"state": "inactive"}))
    assert (done["state"], json.loads(done["request"]["body"])) == (
        "Completed",
        {"state": "inactive"},
    )
    assert (await it.service())["state"] == "inactive"
    assert await it.below.snapshots() != lives
    done = await it.ended(await it.http.patch(f"{SERVICES}/s1-1", json={"state": "active"}))
    assert (done["state"], (await it.service())["state"]) == ("Completed", "active")
    assert await it.below.snapshots() == lives
