"""TMF653 over the real rows: the proof of each order, and tests of a living service on demand.

In-process: two simulated routers, the surfaces' own engine; every body by the official schema.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge.engine import hrefs, surface
from bss_bridge.events import notifications
from bss_bridge.resources import service_testing
from oss_agent import errors
from oss_agent.catalog import collection, shelf
from oss_agent.fulfilment import service_test
from oss_agent.fulfilment.record import service_test_rows, service_test_tables
from oss_agent.fulfilment.transact import on_demand
from oss_agent.spi import events, views
from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio

TESTS = f"{hrefs.SERVICE_TEST}/serviceTest"
SPECIFICATIONS = f"{hrefs.SERVICE_TEST}/serviceTestSpecification"
SPEC = "TMF653/TMF653_Service_Test_Management_API_v4.2.0_swagger.json"
ASKED = service_testing.EXAMPLE | {"relatedService": {"id": "s1-1"}}


@dataclasses.dataclass
class Lab:
    """The agent beneath, its tests, and their surface."""

    below: worlds.World
    tests: service_test.ServiceTests
    http: httpx.AsyncClient

    async def ended(self, key: str) -> dict[str, Any]:
        """A test when it has ended, run by the role."""
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            role = group.create_task(self.tests.run())
            while await self.below.rows.read(service_test_rows.open_ones):  # noqa: ASYNC110  rows tell no end
                await asyncio.sleep(0.02)
            role.cancel()
        return await self.test(key)

    async def test(self, key: str) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.http.get(f"{TESTS}/{key}")).json()
        bridge.judge(SPEC, "ServiceTest", shown)
        return shown

    async def told(self, entity: str) -> list[dict[str, Any]]:
        asked = worlds.EVENTS.select().where(worlds.EVENTS.c.entity == entity)
        rows = await self.below.rows.read(
            lambda c: c.execute(asked.order_by(worlds.EVENTS.c.number)).all()
        )
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            notifications.notification(
                events.Event(r.id, events.EventKind(r.kind), "default", r.entity, at, r.payload),
                bridge.LINKS,
            )
            for r in rows
        ]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Lab]:
    async with worlds.open_world(tmp_path) as below:
        tests = service_test.ServiceTests(below.parts)
        behind = service_testing.Laboratory(tests, shelf.Shelf(collection.load()))
        extra = service_testing.routers(behind, bridge.LINKS, surface.Paging())
        await below.order()
        await below.run_to_the_end()
        async with bridge.world(tmp_path, extra=extra) as shown:
            yield Lab(below, tests, shown.http)


@pytest.mark.reference
async def test_every_proof_of_an_order_is_a_test(it: Lab) -> None:
    (found,) = (await it.http.get(TESTS)).json()
    proof = await it.test("1-1.1")
    assert found == proof
    assert (proof["state"], proof["mode"], proof["name"]) == (
        "completed",
        "PROACTIVE",
        "add of acme",
    )
    assert proof["relatedService"]["id"] == "s1-1"
    assert proof["relatedEntity"][0]["id"] == "1"
    (item,) = (await it.below.get("1")).items
    assert len(proof["testMeasure"]) == len(item.evidence) > 1
    specification = (await it.http.get(proof["testSpecification"]["href"])).json()
    bridge.judge(SPEC, "ServiceTestSpecification", specification)
    metrics = {one["metricName"] for one in specification["testMeasureDefinition"]}
    assert metrics >= {one["value"]["name"] for one in proof["testMeasure"]}
    (told,) = await it.told("serviceTest:1-1.1")
    bridge.judge(SPEC, "ServiceTestCreateEvent", told)
    assert "transcript" not in str(told)


@pytest.mark.reference
async def test_a_living_service_is_tested_on_demand(it: Lab) -> None:
    before = await it.below.snapshots()
    answer = await it.http.post(TESTS, json=ASKED)
    assert (answer.status_code, answer.json()["state"]) == (201, "acknowledged")
    key = answer.json()["id"]
    assert answer.headers["location"] == answer.json()["href"]
    done = await it.ended(key)
    assert (done["state"], done["mode"]) == ("completed", "ONDEMAND")
    outcomes = {
        one["value"]["name"]: one["value"]["value"]["outcome"] for one in done["testMeasure"]
    }
    assert outcomes["config-equal"] == "proven"
    assert outcomes["ping"] == "not proven", "nothing moves on simulated routers, and it says so"
    assert done["startDateTime"] <= done["endDateTime"]
    assert await it.below.snapshots() == before
    told = await it.told(f"serviceTest:{key}")
    assert [one["event"]["serviceTest"]["state"] for one in told] == [
        "acknowledged", "inProgress", "completed",
    ]  # fmt: skip
    for one in told:
        bridge.judge(SPEC, one["eventType"], one)


@pytest.mark.reference
async def test_what_somebody_took_away_by_hand_is_found(it: Lab) -> None:
    router = it.below.devices["pe2"].datastores
    router.running = router.running.__class__()
    key = (await it.http.post(TESTS, json=ASKED)).json()["id"]
    done = await it.ended(key)
    assert done["state"] == "failed"
    assert done["reason"].startswith("config-equal on pe2")
    violated = [one["metricName"] for one in done["testMeasure"] if "ruleViolation" in one]
    assert violated == ["config-equal on pe2"]


async def test_a_fault_of_the_agent_fails_the_test_and_not_the_daemon(
    it: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(on_demand, "questions", broken)
    key = (await it.http.post(TESTS, json=ASKED)).json()["id"]
    done = await it.ended(key)
    assert done["state"] == "failed"
    assert done["reason"] == "a fault of the agent: RuntimeError, see its log"


async def test_a_router_that_is_away_fails_the_test_and_not_the_role(it: Lab) -> None:
    await it.below.lines.renew("pe2")
    await it.below.devices["pe2"].__aexit__(None, None, None)
    key = (await it.http.post(TESTS, json=ASKED)).json()["id"]
    done = await it.ended(key)
    assert done["state"] == "failed"
    assert "pe2" in done["reason"]


async def test_what_a_crash_left_open_is_run_again(it: Lab) -> None:
    key = (await it.http.post(TESTS, json=ASKED)).json()["id"]
    row = service_test_tables.service_test
    begun = row.update().where(row.c.id == key).values(state="inProgress")
    await it.below.rows.write(lambda c: c.execute(begun).rowcount)
    assert (await it.ended(key))["state"] == "completed"


REFUSED: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"relatedService": {"id": "s9"}}, 400, "relatedService.id"),
    ({"relatedService": {}}, 400, "relatedService.id"),
    ({"testSpecification": {"id": "l3vpn"}}, 400, "testSpecification.id"),
    ({"testSpecification": {"id": "eline", "version": "9.0"}}, 400, "testSpecification.id"),
    ({"mode": "PROACTIVE"}, 400, "mode"),
    ({"startDateTime": "2030-01-01T00:00:00Z"}, 400, "startDateTime"),
    ({"state": "completed"}, 400, "state"),
    ({"name": ""}, 400, "name"),
)


async def test_what_cannot_be_tested_is_refused_by_name(it: Lab) -> None:
    for changes, status, field in REFUSED:
        answer = await it.http.post(TESTS, json=ASKED | changes)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert len((await it.http.get(TESTS)).json()) == 1
    first = (await it.http.post(TESTS, json=ASKED)).json()
    again = await it.http.post(TESTS, json=ASKED)
    assert (again.status_code, again.json()["field"]) == (409, "relatedService.id")
    assert first["id"] in again.json()["reason"]


async def test_a_terminated_service_is_not_tested(it: Lab) -> None:
    await it.below.order(action=views.ItemAction.DELETE, service_id="s1-1", characteristics={})
    await it.below.run_to_the_end()
    answer = await it.http.post(TESTS, json=ASKED)
    assert (answer.status_code, answer.json()["code"]) == (409, "notActive")


async def test_too_many_wait_for_nobody(it: Lab) -> None:
    it.below.parts = dataclasses.replace(
        it.below.parts, limits=dataclasses.replace(it.below.limits, tests_open=0)
    )
    tests = service_test.ServiceTests(it.below.parts)
    wish = service_testing.wish(ASKED, "default", "bss")
    with pytest.raises(errors.OrderRejected) as refused:
        await tests.request(wish)
    assert (refused.value.status, refused.value.code) == (429, "tooManyTests")


async def test_tests_are_found(it: Lab) -> None:
    key = (await it.http.post(TESTS, json=ASKED)).json()["id"]
    for asked, found in (
        ("state=completed", ["1-1.1"]),
        ("state.ne=completed", [key]),
        ("mode=ONDEMAND", [key]),
        ("relatedService.id=s1-1&sort=-name", [key, "1-1.1"]),
        ("testSpecification.id=l3vpn", []),
        ("startDateTime.lt=2020-01-01T00:00:00Z", []),
        ("name.regex=^add", ["1-1.1"]),
        ("limit=1&offset=1", [key]),
    ):
        answer = await it.http.get(f"{TESTS}?{asked}")
        assert (answer.status_code, [one["id"] for one in answer.json()]) == (200, found), asked
    assert (await it.http.get(f"{TESTS}?colour=red")).status_code == 400
    assert (await it.http.get(f"{TESTS}/t99")).status_code == 404
    assert (await it.http.delete(f"{TESTS}/{key}")).status_code == 405


def test_places_go_to_the_tenant_with_the_fewest() -> None:
    waiting = [service_test_rows.Open(f"a{n}", "a", f"s{n}") for n in range(5)]
    waiting.append(service_test_rows.Open("b0", "b", "s9"))
    assert [one.id for one in service_test.choose(waiting, {}, 3)] == ["a0", "b0", "a1"]
    assert [one.id for one in service_test.choose(waiting, {"a0": "a"}, 2)] == ["b0"]
    assert service_test.choose(waiting, {"a0": "a", "a1": "a"}, 2) == []
