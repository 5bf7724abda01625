"""What was it at 03:12? TMF638 and TMF639 of a moment, and what must not be done with the past."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bss_bridge.engine import past
from oss_agent.spi.moments import AsOf
from tests.unit.bss_bridge import test_engine_writes, world

pytestmark = pytest.mark.anyio

desk = test_engine_writes.desk
SERVICES = "/tmf-api/serviceInventory/v4/service"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
DEVICES = "/tmf-api/resourceInventoryManagement/v4/physicalResource"
NIGHT = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def still(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[world.World]:
    async with world.world(tmp_path_factory.mktemp("past")) as made:
        yield made


@pytest.mark.reference
@pytest.mark.parametrize(
    ("path", "key"), [(SERVICES, "s1"), (RESOURCES, "dev-pe1"), (DEVICES, "dev-pe1")]
)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", None),
        ("$at=2026-11-21T03:12:00Z", AsOf(NIGHT, NIGHT)),
        ("%24at=%222026-11-21T04:12:00%2B01:00%22", AsOf(NIGHT, NIGHT)),
        ("$at=2026-11-21T04:12:00+01:00", AsOf(NIGHT, NIGHT)),
        ("$known=2026-11-21T09:00:00Z", AsOf(MORNING, MORNING)),
        ("$at=2026-11-21T03:12:00Z&$known=2026-11-21T09:00:00Z", AsOf(NIGHT, MORNING)),
        ("$known=2026-11-21T09:00:00Z&$at=2026-11-21T03:12:00.000Z", AsOf(NIGHT, MORNING)),
    ],
)
async def test_the_owner_is_asked_of_that_moment(
    still: world.World, path: str, key: str, asked: str, expected: AsOf | None
) -> None:
    owner: Any = still.services if path == SERVICES else still.resources
    for place in (f"{path}?name=acme-s1&name=pe1&fields=name&{asked}", f"{path}/{key}?{asked}"):
        owner.when = "nobody asked"
        answer = await still.http.get(place)
        assert answer.status_code == 200, answer.text
        assert owner.when == expected
    listed = await still.http.get(f"{path}?name=acme-s1&name=pe1&fields=name&{asked}")
    assert [set(one) for one in listed.json()] == [{"id", "href", "name"}]
    assert listed.headers["x-total-count"] == "1"
    assert [one.path for one in owner.asked[-1].filters][-1] == "name", "no filter by the moment"


async def test_each_page_is_of_the_same_moment(still: world.World) -> None:
    answer = await still.http.get(f"{SERVICES}?$at=2026-11-21T03:12:00Z&limit=0&offset=1")
    assert answer.json() == []
    path = f"{SERVICES}?$at=2026-11-21T03:12:00Z&limit=1&offset=1"
    still.services.when = None
    following = (await still.http.get(path)).links["prev"]["url"]
    await still.http.get(following)
    assert still.services.when == AsOf(NIGHT, NIGHT)


@pytest.mark.parametrize(
    ("asked", "field", "word"),
    [
        ("$at=2026-11-21T10:03:01Z", "$at", "still to come"),
        ("$known=2999-01-01T00:00:00Z", "$known", "still to come"),
        ("$at=2026-11-21T03:12:00Z&$known=2999-01-01T00:00:00Z", "$known", "still to come"),
        ("$at=03:12", "$at", "no date and time"),
        ("$at=2h%20ago", "$at", "no date and time"),
        ("$at=now", "$at", "no date and time"),
        ("$at=2026-11-21", "$at", "no date and time"),
        ("$at=2026-11-21T03:12:00", "$at", "no date and time"),
        ("$at=20261121T031200Z", "$at", "no date and time"),
        ("$at=2026-11-21T03:12:60Z", "$at", "no moment"),
        ("$at=0001-01-01T00:00:00%2B14:00", "$at", "no moment"),
        ("$at=", "$at", "no date and time"),
        ("$at", "$at", "no date and time"),
        ("$at=2026-11-21T03:12:00Z&%24at=2026-11-21T03:12:00Z", "$at", "twice"),
        ("$at.gt=2026-11-21T03:12:00Z", "$at", "no attribute name"),
        ("$at>2026-11-21T03:12:00Z", "$at", "no attribute name"),
        ("$At=2026-11-21T03:12:00Z", "$At", "no attribute name"),
    ],
)
async def test_a_moment_that_is_none_is_refused_by_name(
    still: world.World, asked: str, field: str, word: str
) -> None:
    answer = await still.http.get(f"{SERVICES}?{asked}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert word in answer.json()["reason"]


async def test_a_moment_just_ahead_is_now(still: world.World) -> None:
    """A sender's clock may run a little before ours."""
    await still.http.get(f"{SERVICES}/s1?$at=2026-11-21T10:02:30Z")
    assert still.services.when == AsOf(world.NOW, world.NOW)


@pytest.mark.parametrize(
    "path",
    [
        "/tmf-api/serviceOrdering/v4/serviceOrder",
        "/tmf-api/serviceOrdering/v4/cancelServiceOrder",
        "/tmf-api/alarmManagement/v4/alarm",
    ],
)
@pytest.mark.parametrize("name", ["$at", "$known"])
async def test_who_keeps_no_past_says_so(still: world.World, path: str, name: str) -> None:
    for place in (path, f"{path}/a1"):
        answer = await still.http.get(f"{place}?{name}=2026-11-21T03:12:00Z")
        assert (answer.status_code, answer.json()["field"]) == (400, name)
        assert "now only" in answer.json()["reason"]


async def test_the_past_has_tags_of_its_own(still: world.World) -> None:
    one = f"{SERVICES}/s1"
    now = (await still.http.get(one)).headers["etag"]
    then = await still.http.get(f"{one}?$at=2026-11-21T03:12:00Z")
    later = await still.http.get(f"{one}?$at=2026-11-21T03:12:00Z&$known=2026-11-21T09:00:00Z")
    assert len({now, then.headers["etag"], later.headers["etag"]}) == 3, "the bodies are the same"
    held = {"If-None-Match": then.headers["etag"]}
    again = await still.http.get(f"{one}?$at=2026-11-21T04:12:00%2B01:00", headers=held)
    assert again.status_code == 304
    assert (await still.http.get(one, headers=held)).status_code == 200


async def test_what_was_seen_of_the_past_changes_nothing_now(
    desk: test_engine_writes.Desk,
) -> None:
    one, moment = test_engine_writes.KEPT_ONE, "$at=2026-11-21T03:12:00Z"
    then = await desk.http.get(f"{one}?{moment}")
    assert "accept-patch" not in then.headers
    assert "accept-patch" in (await desk.http.get(one)).headers
    merge = {"Content-Type": test_engine_writes.MERGE}
    tagged = merge | {"If-Match": then.headers["etag"]}
    late = await desk.http.patch(one, content='{"text": "new"}', headers=tagged)
    assert late.status_code == 412
    for answer in (
        await desk.http.patch(f"{one}?{moment}", content='{"text": "new"}', headers=merge),
        await desk.http.delete(f"{one}?{moment}"),
        await desk.http.post(f"{test_engine_writes.TICKETS}?{moment}", json={"text": "a"}),
    ):
        assert (answer.status_code, answer.json()["field"]) == (400, "$at")
    assert desk.owner.changes == []
    assert len(desk.owner.rows.rows) == 1


def test_the_names_can_be_no_attribute() -> None:
    rest, named = past.split("name=a&$at=1&x.$at=2&%24known=3&at=4")
    assert (rest, named) == ("name=a&x.$at=2&at=4", {"$at": "1", "$known": "3"})


async def test_the_document_says_who_answers_of_then(still: world.World) -> None:
    paths = (await still.http.get("/openapi.json")).json()["paths"]

    def named(path: str) -> set[str]:
        return {one["name"] for one in paths[path]["get"].get("parameters", ())}

    for path in (SERVICES, f"{RESOURCES}/{{id}}", DEVICES):
        assert {"$at", "$known", "fields"} <= named(path)
    assert "$at" not in named("/tmf-api/alarmManagement/v4/alarm")
