"""Every event that the bridge can tell is a valid notification; a query chooses whom and what."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bss_bridge.engine import hrefs
from bss_bridge.events import notifications, subscription
from oss_agent import errors
from oss_agent.catalog import collection, shelf
from oss_agent.spi import events, views
from oss_agent.spi.events import EventKind
from tests.unit.bss_bridge import world

SHELF = shelf.Shelf(collection.load())
SPECIFICATIONS = {
    "serviceOrder": "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json",
    "cancelServiceOrder": "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json",
    "service": "TMF638/TMF638-ServiceInventory-v4.0.0.swagger.json",
    "resource": "TMF639/TMF639-ResourceInventory-v4.0.0.swagger.json",
    "serviceTest": "TMF653/TMF653_Service_Test_Management_API_v4.2.0_swagger.json",
    "monitor": "TMF640/TMF640-ServiceActivation-v4.0.0.swagger.json",
    "serviceSpecification": "TMF633/TMF633-ServiceCatalog-v4.0.0.swagger.json",
    "serviceCandidate": "TMF633/TMF633-ServiceCatalog-v4.0.0.swagger.json",
    "resourceSpecification": "TMF634/TMF634-ResourceCatalog-v4.1.0.swagger.json",
    "resourceCandidate": "TMF634/TMF634-ResourceCatalog-v4.1.0.swagger.json",
    "alarm": "TMF642/TMF642-Alarm-v4.0.0.swagger.json",
    "usage": "TMF635/TMF635-UsageManagement-v4.0.0.swagger.json",
}
VIEWS: dict[str, Any] = {
    "serviceOrder": world.finished_order(),
    "cancelServiceOrder": views.CancelView(
        "3", "default", views.TaskState.ACKNOWLEDGED, "17", "acme", world.NOW, "no need", world.NOW
    ),
    "service": world.service(),
    "monitor": world.finished_order(),
    "serviceTest": world.service_test(),
    "resource": world.resource(),
    "serviceSpecification": SHELF.services()[0],
    "serviceCandidate": SHELF.services()[0],
    "resourceSpecification": SHELF.resources()[0],
    "resourceCandidate": SHELF.resources()[0],
    "alarm": world.alarm(),
    "usage": world.usage(),
}
HUBS = [f"{base}/hub" for bases in notifications.hub_bases() for base in bases]


def told(kind: EventKind) -> bool:
    about = notifications.entity_of(kind)
    return about is not None and about.name in VIEWS


def happened(kind: EventKind, **changes: Any) -> events.Event:
    about = notifications.entity_of(kind)
    assert about is not None
    view = dataclasses.replace(VIEWS[about.name], **changes)
    return events.Event("e-1", kind, "default", f"{about.name}:1", world.NOW, views.as_json(view))


def mended(definitions: dict[str, Any]) -> None:
    """Two slips of the files: a required id that no property has, an alarm's id as a number."""
    definitions.get("ServiceOrderItemRef", {}).pop("required", None)
    if "Alarm" in definitions:
        definitions["Alarm"]["properties"]["id"] = {"type": "string"}


def test_every_kind_of_event_has_a_surface() -> None:
    """But a roll-up for one billing system, which is no TM Forum event."""
    homeless = {kind for kind in EventKind if notifications.entity_of(kind) is None}
    assert homeless == {EventKind.USAGE_DAY}


@pytest.mark.reference
@pytest.mark.parametrize("kind", [kind for kind in EventKind if told(kind)])
def test_a_notification_satisfies_the_official_schema(kind: EventKind) -> None:
    about = notifications.entity_of(kind)
    assert about is not None
    body = notifications.notification(happened(kind), world.LINKS)

    assert body["eventType"] == body["@type"] == notifications.name(kind)
    assert set(body["event"]) == {about.name}
    world.judge(SPECIFICATIONS[about.name], notifications.name(kind), body, mended)
    members = world.definition(SPECIFICATIONS[about.name], notifications.name(kind))["properties"]
    assert set(members) - {"id", "href", "fieldPath"} <= set(body), "the envelope is whole"


@pytest.mark.reference
@pytest.mark.parametrize("kind", [kind for kind in EventKind if told(kind)])
def test_the_path_is_one_that_version_4_has(kind: EventKind) -> None:
    about = notifications.entity_of(kind)
    assert about is not None
    paths = world.document(SPECIFICATIONS[about.name])["paths"]
    assert notifications.listener_path(kind) in paths


def test_the_envelope_says_when_what_and_how_urgent() -> None:
    body = notifications.notification(happened(EventKind.SERVICE_ORDER_STATE), world.LINKS)
    assert body["eventTime"] == body["timeOcurred"] == "2026-11-21T10:02:00.000Z"
    assert body["description"] == "serviceOrder 1 is failed now"
    assert body["priority"] == "normal"
    alarm = notifications.notification(happened(EventKind.ALARM_CREATE), world.LINKS)
    assert alarm["priority"] == "high"
    over = happened(EventKind.ALARM_STATE, state="cleared")
    assert notifications.notification(over, world.LINKS)["priority"] == "normal"


def test_an_attribute_change_says_which() -> None:
    what = ("operatingStatus", "operatingStatusReason")
    one = dataclasses.replace(happened(EventKind.SERVICE_OPERATING_STATUS), changed=what)
    body = notifications.notification(one, world.LINKS)
    assert body["fieldPath"] == "operatingStatus,operatingStatusReason"
    moved = dataclasses.replace(happened(EventKind.SERVICE_STATE), changed=("state",))
    assert "fieldPath" not in notifications.notification(moved, world.LINKS)
    asked = subscription.parse("fields=fieldPath", "default")
    assert subscription.select(body, asked)["fieldPath"] == body["fieldPath"]


def test_the_same_event_is_the_same_notification() -> None:
    one = happened(EventKind.SERVICE_STATE)
    assert notifications.notification(one, world.LINKS) == notifications.notification(
        dataclasses.replace(one), world.LINKS
    )


def test_an_operating_status_is_an_attribute_to_version_4_and_itself_to_billing() -> None:
    one = happened(EventKind.SERVICE_OPERATING_STATUS)
    assert (
        notifications.notification(one, world.LINKS)["eventType"]
        == "ServiceAttributeValueChangeEvent"
    )
    assert (
        notifications.envelope(one, world.LINKS)["eventType"] == "ServiceOperatingStatusChangeEvent"
    )


@pytest.mark.anyio
@pytest.mark.parametrize("hub", HUBS)
async def test_every_surface_with_events_has_a_hub(tmp_path: Path, hub: str) -> None:
    async with world.world(tmp_path) as it:
        answer = await it.http.post(hub, json={"callback": "http://127.0.0.1:9/"})
        assert answer.status_code == 201
        key = answer.json()["id"]
        assert answer.headers["location"] == f"{world.URL}{hub}/{key}"
        assert (await it.http.get(f"{hub}/{key}")).status_code == 405
        assert (await it.http.delete(f"{hub}/{key}")).status_code == 204


@pytest.mark.anyio
async def test_a_listener_is_the_same_at_both_bases_of_alarms(tmp_path: Path) -> None:
    first, second = (f"{base}/hub" for base in hrefs.ALARMS)
    async with world.world(tmp_path) as it:
        body = {"callback": "http://127.0.0.1:9/"}
        keys = {(await it.http.post(hub, json=body)).json()["id"] for hub in (first, second)}
        assert len(keys) == 1
        assert (await it.http.delete(f"{second}/{keys.pop()}")).status_code == 204


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("eventType=ServiceStateChangeEvent", 400),
        ("eventType=serviceOrderStateChangeEvent", 201),
        ("eventType=ServiceStateChangeEvent,ServiceOrderStateChangeEvent", 201),
        ("eventType.ne=ServiceStateChangeEvent", 201),
        ("fields=eventType,event.serviceOrder.state,description", 201),
        ("event.serviceOrder.state=completed", 201),
        ("event.cancelServiceOrder.state=done", 201),
        ("priority=1", 201),
        ("state=completed", 400),
        ("event.service.state=active", 400),
        ("event=x", 400),
        ("fields=", 400),
        ("fields=a b", 400),
        ("fields=" + ",".join(f"a{n}" for n in range(101)), 400),
    ],
)
async def test_a_query_that_can_never_hold_is_refused(
    tmp_path: Path, query: str, status: int
) -> None:
    async with world.world(tmp_path) as it:
        hub = f"{hrefs.SERVICE_ORDERING}/hub"
        answer = await it.http.post(hub, json={"callback": "http://127.0.0.1:9/", "query": query})
        assert answer.status_code == status
        if status == 400:
            assert answer.json()["field"] == "query"


IDENTITY = {"eventId", "eventTime", "eventType"}


@pytest.mark.parametrize(
    ("fields", "members", "entity"),
    [
        ("title", {"title"}, None),
        ("event", {"event"}, "whole"),
        ("state", {"event"}, {"id", "href", "state"}),
        ("id,state,title", {"event", "title"}, {"id", "href", "state"}),
        ("event.serviceOrder.state", {"event"}, {"id", "href", "state"}),
        ("event.service.state", {"event"}, {"id", "href"}),
        ("nothing", {"event"}, {"id", "href"}),
    ],
)
def test_fields_choose_what_is_sent(fields: str, members: set[str], entity: Any) -> None:
    body = notifications.notification(happened(EventKind.SERVICE_ORDER_STATE), world.LINKS)
    sent = subscription.select(body, subscription.parse(f"fields={fields}", "default"))
    assert set(sent) == IDENTITY | members
    if entity == "whole":
        assert sent["event"] == body["event"]
    elif entity is not None:
        assert set(sent["event"]["serviceOrder"]) == entity


def test_fields_reach_into_arrays() -> None:
    body = notifications.notification(happened(EventKind.SERVICE_ORDER_STATE), world.LINKS)
    asked = subscription.parse("fields=serviceOrderItem.state", "default")
    (item,) = subscription.select(body, asked)["event"]["serviceOrder"]["serviceOrderItem"]
    assert item == {"state": "failed"}


def test_without_fields_everything_is_sent() -> None:
    body = notifications.notification(happened(EventKind.SERVICE_ORDER_STATE), world.LINKS)
    assert subscription.select(body, subscription.parse("", "default")) == body


@pytest.mark.parametrize("query", ["sort=id", "limit=1", "offset=3", "eventType", "a.regex=b"])
def test_what_a_stream_has_not_is_refused(query: str) -> None:
    with pytest.raises(errors.OrderRejected):
        subscription.parse(query, "default")
