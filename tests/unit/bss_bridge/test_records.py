"""The surfaces that only read: resource orders, usage, events; judged by the official schemas."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge import application, records
from bss_bridge.engine import access as tokens
from bss_bridge.engine import surface
from bss_bridge.resources import resource_ordering, tmf635, tmf652
from oss_agent.spi import access, events, views
from oss_agent.spi.resource_orders import AnyResourceOrder, ResourceOrderView
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

RESOURCE_ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
USAGE = "/tmf-api/usageManagement/v4/usage"
TOPICS = "/tmf-api/event/v4/topic"
SPECS_652 = (
    "TMF652/TMF652-ResourceOrder-v4.0.0.swagger.json",
    "TMF652/TMF652_Resource_Order_Management_API_v4.0.0_swagger.json",
)
SPECS_635 = (
    "TMF635/TMF635-UsageManagement-v4.0.0.swagger.json",
    "TMF635/TMF635_Usage_Management_API_v4.0.0_swagger.json",
)
SPEC_688 = "TMF688/TMF688-Event-v4.0.0.swagger.json"
ORDERED = ResourceOrderView(
    "3", "default", "17", "t1", views.OrderState.COMPLETED, world.NOW, world.NOW, "pe1",
    "eline-pe", views.ItemAction.ADD, views.OrderState.COMPLETED,
)  # fmt: skip


def event(key: str, kind: events.EventKind, view: Any) -> events.Event:
    entity = f"{type(view).__name__}:{view.id}"
    return events.Event(key, kind, "default", entity, world.NOW, views.as_json(view))


HAPPENED = (
    event("e1", events.EventKind.SERVICE_CREATE, world.service()),
    event("e2", events.EventKind.SERVICE_OPERATING_STATUS, world.service()),
    event("e3", events.EventKind.ALARM_CREATE, world.alarm()),
)


def ordered(*rows: AnyResourceOrder) -> resource_ordering.ResourceOrdering:
    """The ports behind TMF652, over these."""
    known = world.MemoryPort(rows, lambda view: tmf652.render(view, world.LINKS))
    return resource_ordering.ResourceOrdering(
        world.MemoryOrders(), known, world.MemoryCancellations()
    )


def _event_row(one: events.Event) -> dict[str, Any]:
    """What an owner filters: its own kinds, not the names of version 4."""
    return {"id": one.id, "eventType": one.kind.value, "correlationId": one.entity}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    open_order = dataclasses.replace(
        ORDERED,
        id="4",
        state=views.OrderState.IN_PROGRESS,
        item_state=views.OrderState.IN_PROGRESS,
        completion_date=None,
    )
    kept = records.Records(
        world.MemoryPort([world.usage()], lambda view: tmf635.kept(view, world.LINKS)),
        world.MemoryPort(HAPPENED, _event_row),
    )
    extra = (
        *records.routers(kept, world.LINKS, surface.Paging()),
        *resource_ordering.routers(ordered(ORDERED, open_order), world.LINKS, surface.Paging()),
    )
    async with world.world(tmp_path, extra=extra) as it:
        yield it.http


@pytest.mark.reference
@pytest.mark.parametrize("spec", SPECS_652)
async def test_resource_orders_satisfy_the_schema_at_both_bases(
    http: httpx.AsyncClient, spec: str
) -> None:
    for base in ("resourceOrdering", "resourceOrderingManagement"):
        answer = await http.get(f"/tmf-api/{base}/v4/resourceOrder")
        for body in answer.json():
            world.judge(spec, "ResourceOrder", body)
            assert {"id", "href", "state", "orderDate", "orderItem"} <= body.keys()
            assert body["orderItem"][0]["state"] == body["state"]
            assert (await http.get(f"/tmf-api/{base}/v4/resourceOrder/{body['id']}")).json() == body


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("state=completed", ["3"]),
        ("orderItem.state=inProgress", ["4"]),
        ('orderDate="2026-11-21T10:02:00.000Z"', ["3", "4"]),
        ("externalReference.id=17&id=3", ["3"]),
        (f"href={world.URL}{RESOURCE_ORDERS}/4", ["4"]),
        (f"href!={RESOURCE_ORDERS}/4", ["3"]),
        ("name.regex=pe1$;id=9", ["3", "4"]),
    ],
)
async def test_resource_orders_are_filtered(
    http: httpx.AsyncClient, asked: str, expected: list[str]
) -> None:
    answer = await http.get(f"{RESOURCE_ORDERS}?{asked}")
    assert [body["id"] for body in answer.json()] == expected


async def test_only_an_operator_orders_resources(tmp_path: Path) -> None:
    extra = resource_ordering.routers(ordered(ORDERED), world.LINKS, surface.Paging())
    for role, status in ((access.Role.ORDERER, 403), (access.Role.OPERATOR, 201)):
        token, caller = "0123456789abcdef", access.Caller("somebody", "default", (role,))
        options = application.Options(tokens=tokens.Tokens.of([(token, caller)]))
        async with world.world(tmp_path, options, extra=extra) as it:
            answer = await it.http.post(
                RESOURCE_ORDERS,
                json=resource_ordering.EXAMPLE,
                headers={"Authorization": f"Bearer {token}"},
            )
        assert answer.status_code == status, answer.text


@pytest.mark.reference
@pytest.mark.parametrize("spec", SPECS_635)
async def test_usage_satisfies_the_schema_and_its_specification_is_there(
    http: httpx.AsyncClient, spec: str
) -> None:
    (body,) = (await http.get(USAGE)).json()
    world.judge(spec, "Usage", body)
    named = body["usageSpecification"]
    assert named.keys() >= {"id", "href", "name"}
    found = (await http.get(named["href"])).json()
    world.judge(spec, "UsageSpecification", found)
    assert (found["id"], found["name"]) == (named["id"], named["name"])
    assert (await http.get(body["href"])).json() == body


@pytest.mark.reference
async def test_every_topic_lists_its_own_events(http: httpx.AsyncClient) -> None:
    seen: dict[str, list[str]] = {}
    for topic in (await http.get(TOPICS)).json():
        world.judge(SPEC_688, "Topic", topic)
        assert (await http.get(topic["href"])).json() == topic
        for body in (await http.get(f"{TOPICS}/{topic['id']}/event")).json():
            world.judge(SPEC_688, "Event", body)
            assert (await http.get(body["href"])).json() == body
            seen.setdefault(topic["id"], []).append(body["id"])
    assert seen == {"service": ["e1", "e2"], "alarm": ["e3"]}


async def test_an_event_is_found_under_the_name_it_was_told_by(http: httpx.AsyncClient) -> None:
    """Version 4 has no event for the operating status: listeners got a changed attribute."""
    path = f"{TOPICS}/service/event?eventType=ServiceAttributeValueChangeEvent"
    (body,) = (await http.get(path)).json()
    assert (body["id"], body["eventType"]) == ("e2", "ServiceAttributeValueChangeEvent")
    assert body["event"]["service"]["operatingStatus"] == "running"
    assert (await http.get(f"{TOPICS}/service/event/e3")).status_code == 404
    assert (await http.get(f"{TOPICS}/nothing")).status_code == 404


@pytest.mark.parametrize("path", [USAGE, TOPICS, f"{TOPICS}/service/event"])
async def test_what_is_only_read_takes_no_other_method(http: httpx.AsyncClient, path: str) -> None:
    for method in ("PATCH", "DELETE"):
        answer = await http.request(method, f"{path}/1")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
