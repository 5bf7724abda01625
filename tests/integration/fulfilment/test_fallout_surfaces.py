"""The fallout over HTTP and on the command line: who may, what is refused, what is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bss_bridge import application
from bss_bridge.engine import access as bridge_access
from bss_bridge.resources import ordering, tmf641
from oss_agent.api import fallout as routes
from oss_agent.fulfilment import fallout
from oss_agent.spi import access, orders
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import official
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio
PATH = "/api/v1/fallout"
ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
SPEC_641 = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"


@dataclasses.dataclass
class Desk:
    """The agent beneath, and its desk by HTTP."""

    below: worlds.World
    http: httpx.AsyncClient


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Desk]:
    tokens = bridge_access.Tokens.of(
        (f"{role}-0123456789abcdef", access.Caller(role, worlds.TENANT, (access.Role(role),)))
        for role in ("operator", "reader")
    )
    async with worlds.open_world(tmp_path) as below:
        extra = (routes.router(fallout.FalloutDesk(below.parts)),)
        options = application.Options(tokens=tokens)
        async with bridge.world(tmp_path, options, extra=extra) as shown:
            shown.http.headers["Authorization"] = "Bearer operator-0123456789abcdef"
            yield Desk(below, shown.http)


async def kept(it: Desk) -> str:
    it.below.devices["pe2"].faults = Faults(refuse_commit="no room")
    key = (await it.below.order(fallout="hold")).id
    await it.below.run()
    it.below.devices["pe2"].faults = Faults()
    return key


async def test_from_the_list_to_a_completed_order(it: Desk) -> None:
    assert (await it.http.get(PATH)).json() == []
    key = await kept(it)
    (listed,) = (await it.http.get(PATH)).json()
    assert (listed["order"], listed["cause"]) == (key, "changeRejected")
    (shown,) = (await it.http.get(f"{PATH}/{key}")).json()
    assert shown["fallout"] == listed
    assert shown["characteristics"]["bandwidth"] == 20
    answer = await it.http.post(f"{PATH}/{key}/retry", json={})
    assert (answer.status_code, answer.json()["item"]) == (200, "1")
    await it.below.run()
    assert (await it.below.get(key)).state == "completed"
    assert (await it.http.get(f"{PATH}/{key}")).status_code == 404


WRONG: tuple[tuple[str, object, int], ...] = (
    ("1/retry", {"item": 1}, 400),
    ("1/retry", {"item": ""}, 400),
    ("1/retry", {"what": "1"}, 400),
    ("1/retry", {"item": "2"}, 404),
    ("17/retry", {}, 404),
    ("1/repair", {}, 400),
    ("1/repair", {"characteristics": {}}, 400),
    ("1/repair", {"characteristics": {"bandwidth": "much"}}, 400),
    ("1/mend", {}, 404),
    (f"{'9' * 30}/skip", {}, 400),
)


async def test_what_is_wrong_or_not_allowed_is_refused_and_changes_nothing(it: Desk) -> None:
    key = await kept(it)
    for path, body, status in WRONG:
        answer = await it.http.post(f"{PATH}/{path}", json=body)
        assert answer.status_code == status, (path, body, answer.text)
    reader = {"Authorization": "Bearer reader-0123456789abcdef"}
    wanted = {"characteristics": {"bandwidth": 30}}
    for action, body in (("retry", {}), ("repair", wanted), ("skip", {}), ("rollback", {})):
        refused = await it.http.post(f"{PATH}/{key}/{action}", json=body, headers=reader)
        assert refused.status_code == 403
    assert len((await it.http.get(PATH, headers=reader)).json()) == 1
    assert (await it.below.get(key)).state == "held"


@pytest.mark.reference
async def test_a_held_order_is_a_tmf641_order_that_says_why(it: Desk) -> None:
    body = tmf641.render(await it.below.get(await kept(it)), bridge.LINKS)
    bridge.judge(SPEC_641, "ServiceOrder", body, official.mend_641)
    assert body["state"] == "held"
    (item,) = body["serviceOrderItem"]
    assert item["state"] == "held"
    (error,) = item["errorMessage"]
    assert error["code"] == "changeRejected"
    assert error["referenceError"] == "urn:oss-agent:error:changeRejected#pe2"
    assert "a person to decide" in body["note"][-1]["text"]


@pytest.mark.parametrize(("given", "kept_as"), [("hold", "hold"), ("fail", "fail"), (None, None)])
async def test_an_order_says_what_becomes_of_its_failures(
    tmp_path: Path, given: str | None, kept_as: str | None
) -> None:
    headers = {} if given is None else {"Fallout": given}
    seen: list[orders.OrderRequest] = []
    async with bridge.world(tmp_path) as shown:
        answer = await shown.http.post(ORDERS, json=ordering.EXAMPLE, headers=headers)
        assert answer.status_code == 201
        wrong = await shown.http.post(ORDERS, json=ordering.EXAMPLE, headers={"Fallout": "keep"})
        assert (wrong.status_code, "must be one of fail, hold" in wrong.text) == (400, True)
        seen += shown.orders.requests
    assert [one.fallout for one in seen] == [kept_as]
