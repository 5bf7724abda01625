"""The operator API over ports in memory: every route, its JSON, its refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydantic
import pytest

from oss_agent import errors
from oss_agent.api import asking, health
from oss_agent.spi import moments
from oss_agent.spi.query import Filter, Operator, Query
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

FINGERPRINT = "SHA256:" + "a" * 43


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[world.World]:
    async with world.world(tmp_path) as made:
        made.orders.rows.append(world.finished_order())
        yield made


@pytest.mark.parametrize(
    ("path", "place", "value"),
    [
        ("/api/v1/devices", (0, "name"), "pe1"),
        ("/api/v1/devices?name=pe1", (0, "name"), "pe1"),
        ("/api/v1/devices/pe1", ("platform",), "frr_linux"),
        ("/api/v1/topology", (0, "z_port"), "eth1"),
        ("/api/v1/orders/17", ("items", 0, "evidence", 0, "kind"), "ping"),
        ("/api/v1/orders/17/explain", ("sentence",), "waits for pe2"),
        ("/api/v1/orders/17/plans", (0, "natives", "pe1"), "+ x"),
        ("/api/v1/alarms?state=raised", (0, "alarmed_object"), "pe1:eth4"),
        ("/api/v1/services", (0, "operating_status"), "running"),
        ("/api/v1/services/s1", ("name",), "acme-s1"),
        ("/api/v1/services/acme-s1", ("id",), "s1"),
        ("/api/v1/why?device=pe1&path=/a/b[name=c]", (0, "path"), "/a/b[name=c]"),
        ("/api/v1/outbox", (0, "tenant"), "default"),
        ("/api/v1/outbox", (0, "states"), ["parked", "pending"]),
        ("/api/v1/outbox?state=done&receiver=billing&limit=5", (0, "states"), ["done"]),
        ("/api/v1/outbox?state=done&receiver=billing&limit=5", (0, "receiver"), "billing"),
        ("/api/v1/outbox/receivers", (0, "receiver"), "billing"),
        ("/api/v1/outbox/events/usage-a/b", ("event", "id"), "usage-a/b"),
        ("/healthz", ("alive",), True),
        ("/readyz", ("unknown_transactions", 0), "t9"),
        ("/readyz", ("parts", 0, "name"), "store"),
    ],
)
async def test_reads(it: world.World, path: str, place: tuple[Any, ...], value: Any) -> None:
    answer = await it.http.get(path)
    found = answer.json()
    assert answer.status_code == 200
    for step in place:
        found = found[step]
    assert found == value


async def test_the_topology_is_whole_or_a_page(it: world.World) -> None:
    whole = await it.http.get("/api/v1/topology")
    number = len(whole.json())
    assert (number > 0, whole.headers["X-Total-Count"]) == (True, str(number))
    page = await it.http.get("/api/v1/topology?offset=0&limit=1")
    assert (page.json(), page.headers["X-Total-Count"]) == (whole.json()[:1], str(number))
    rest = await it.http.get(f"/api/v1/topology?offset={number}")
    assert (rest.json(), rest.headers["X-Total-Count"]) == ([], str(number))
    assert (await it.http.get("/api/v1/topology?limit=-1")).status_code == 400


@pytest.mark.parametrize("path", ["devices", "devices/pe1", "services", "services/s1", "topology"])
async def test_a_ledger_is_asked_of_a_moment(it: world.World, path: str) -> None:
    answer = await it.http.get(f"/api/v1/{path}?at=2026-11-20T03:12:00Z&known=2026-11-20")
    assert answer.status_code == 200
    at, known = datetime(2026, 11, 20, 3, 12, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    asked = {one[0]: one[2] for one in it.onboarding.calls if one[0] == "links"}
    when = it.services.when or it.onboarding.when or asked.get("links")
    assert when == moments.AsOf(at, known)
    for bad in ("at=soon", "known=2999-01-01"):
        refused = await it.http.get(f"/api/v1/{path}?{bad}")
        assert refused.status_code == 400
        assert "is no moment" in refused.text or "still to come" in refused.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"receiver": "billing", "event": "e1"}, 200),
        ({"receiver": "billing", "event": "e2"}, 404),
        ({"receiver": "billing"}, 200),
        ({"receiver": "other"}, 404),
        ({"event": "e1"}, 400),
        ({"receiver": "billing", "event": 1}, 400),
    ],
)
async def test_a_delivery_is_tried_again(it: world.World, body: Any, status: int) -> None:
    answer = await it.http.post("/api/v1/outbox/redeliver", json=body)

    assert answer.status_code == status
    if status == 200:
        assert answer.json()["deliveries"] == (1 if "event" in body else 7)


@pytest.mark.parametrize(
    "path",
    ["?state=odd", "?limit=0", "?limit=9999", "?offset=-1", f"?receiver={'x' * 256}"],
)
async def test_an_odd_question_about_deliveries_is_refused(it: world.World, path: str) -> None:
    assert (await it.http.get(f"/api/v1/outbox{path}")).status_code == 400


async def test_an_event_that_is_not_there_or_not_mine_is_not_found(it: world.World) -> None:
    assert (await it.http.get("/api/v1/outbox/events/e9")).status_code == 404


@pytest.mark.parametrize(
    ("key", "plan", "status"),
    [
        ("17", world.PLAN, 200),
        ("17", world.PLAN[:12], 200),
        ("17", "f" * 64, 409),
        ("17", "short", 400),
        ("none", world.PLAN, 404),
    ],
)
async def test_the_plan_that_was_looked_at_is_approved(
    it: world.World, key: str, plan: str, status: int
) -> None:
    answer = await it.http.post(f"/api/v1/orders/{key}/approve", json={"hash": plan})

    assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/devices/none",
        "/api/v1/orders/none",
        "/api/v1/orders/none/explain",
        "/api/v1/services/none",
    ],
)
async def test_what_is_not_there_is_404(it: world.World, path: str) -> None:
    answer = await it.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "notFound"


async def test_lists_page_and_say_how_many(it: world.World) -> None:
    it.onboarding.rows.extend(world.device(f"pe{number}") for number in range(2, 6))
    answer = await it.http.get("/api/v1/devices?offset=1&limit=2")
    assert [one["name"] for one in answer.json()] == ["pe2", "pe3"]
    assert answer.headers["x-total-count"] == "5"
    await it.http.get("/api/v1/devices?limit=99999")
    assert it.onboarding.asked[-1].limit == 1000


async def test_acts_reach_the_port(it: world.World) -> None:
    files = {"topology-data.json": "{}\n"}
    report = await it.http.post("/api/v1/import", json={"files": files})
    trusted = await it.http.post("/api/v1/devices/pe1/trust", json={"fingerprint": FINGERPRINT})
    found = await it.http.post("/api/v1/discover", json={"device": None})
    await it.http.post("/api/v1/discover", json={"device": "pe1"})
    await it.http.post("/api/v1/discover")
    assert report.json()["links"] == 7
    assert trusted.json()["name"] == "pe1"
    assert found.json()[0]["neighbours"] == 2
    assert it.onboarding.calls == [
        ("import", "default", files),
        ("trust", "default", "pe1", FINGERPRINT),
        ("discover", "default", None),
        ("discover", "default", "pe1"),
        ("discover", "default", None),
    ]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("import", {}, "files"),
        ("import", {"files": []}, "files"),
        ("import", {"files": {"a": 1}}, "files.a"),
        ("import", {"files": {}, "force": True}, "force"),
        ("import", [], ""),
        ("discover", {"device": 7}, "device"),
        ("discover", {"device": ""}, "device"),
        ("orders/17/approve", {"hash": "zz"}, "hash"),
        ("devices/pe1/trust", {}, "fingerprint"),
        ("devices/pe1/trust", {"fingerprint": "MD5:aa"}, "fingerprint"),
        ("devices/pe1/trust", {"fingerprint": FINGERPRINT + "\n"}, "fingerprint"),
    ],
)
async def test_bad_bodies_are_refused_naming_the_field(
    it: world.World, path: str, body: Any, field: str
) -> None:
    answer = await it.http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json().get("field", "") == field
    assert "^" not in answer.json()["reason"]
    assert "Value error" not in answer.json()["reason"]
    assert it.onboarding.calls == []


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (asking.Number, "0"),
        (asking.Number, "-1"),
        (asking.Number, str(2**63)),
        (asking.Moment, "2026-12-01T00:00:00"),
        (asking.Moment, "9999-12-31T23:00:00-14:00"),
        (asking.Moment, "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_no_database_can_hold_is_refused(kind: Any, given: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(kind).validate_python(given)


def test_what_is_computed_as_a_whole_is_given_by_pages_and_takes_no_filters() -> None:
    page = Query("default", offset=4, limit=3)
    assert asking.unfiltered(page) is page
    port = Filter("port", Operator.EQ, ("eth1",))
    with pytest.raises(errors.OrderRejected, match="cannot be asked for here"):
        asking.unfiltered(Query("default", (port,)))


async def test_not_ready_is_503_and_says_which_part(it: world.World) -> None:
    it.ready.append(health.Part("store", ready=False, detail="disk full"))
    answer = await it.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["parts"][1]["detail"] == "disk full"
    assert (await it.http.get("/healthz")).status_code == 200


async def test_metrics_are_the_exposition(it: world.World) -> None:
    answer = await it.http.get("/metrics")
    assert answer.content == b"up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=")
