"""TMF641 cancelServiceOrder over tasks in memory: what is answered, judged by the official schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bss_bridge.resources import tmf641_cancel
from oss_agent.spi import views
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
SPEC_641 = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"
CANCEL = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[world.World]:
    async with world.world(tmp_path) as made:
        yield made


@pytest.mark.reference
async def test_a_posted_cancellation_is_a_task_with_its_place(it: world.World) -> None:
    body = {
        "serviceOrder": {"id": "17"},
        "cancellationReason": "moved",
        "requestedCancellationDate": "2026-11-22T10:00:00Z",
        "colour": "blue",
    }
    answer = await it.http.post(CANCEL, json=body)
    shown = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == shown["href"] == f"{world.URL}{CANCEL}/1"
    assert shown["state"] == "accepted"
    assert shown["serviceOrder"]["href"] == f"{world.URL}{ORDERS}/17"
    assert shown["colour"] == "blue"
    (wish,) = it.cancellations.wishes
    assert (wish.order, wish.reason, wish.asked_by) == ("17", "moved", "anonymous")
    assert (await it.http.get(f"{CANCEL}/1")).json() == shown
    world.judge(SPEC_641, "CancelServiceOrder", shown)


@pytest.mark.reference
def test_an_ended_cancellation_says_what_came_of_it_in_the_specifications_form() -> None:
    error = views.ErrorView("pointOfNoReturn", "item 1 is completed", "not cancelled", world.NOW)
    for state, extra in ((views.TaskState.TERMINATED, error), (views.TaskState.DONE, None)):
        view = views.CancelView(
            "1", "default", state, "17", "bss", world.NOW, "moved", world.NOW, world.NOW,
            "in words", extra,
        )  # fmt: skip
        shown = tmf641_cancel.render(view, world.LINKS)
        assert (shown["state"], shown["completionMessage"]) == (state.value, "in words")
        assert ("errorMessage" in shown) is (extra is not None)
        world.judge(SPEC_641, "CancelServiceOrder", shown)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "serviceOrder"),
        ({"serviceOrder": {"href": "x"}}, "serviceOrder.id"),
        ({"serviceOrder": {"id": 17}}, "serviceOrder.id"),
        ({"serviceOrder": {"id": "17"}, "state": "done"}, "state"),
        (
            {"serviceOrder": {"id": "17"}, "requestedCancellationDate": "soon"},
            "requestedCancellationDate",
        ),
    ],
)
async def test_a_cancellation_that_says_nothing_is_refused_by_its_field(
    it: world.World, body: dict[str, Any], field: str
) -> None:
    answer = await it.http.post(CANCEL, json=body)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert it.cancellations.wishes == []


async def test_tasks_are_filtered_by_the_specifications_word_for_their_state(
    it: world.World,
) -> None:
    await it.http.post(CANCEL, json={"serviceOrder": {"id": "17"}})
    await it.http.get(CANCEL, params={"state": "accepted"})
    assert it.cancellations.asked[-1].filters[0].values == ("acknowledged",)
    for word in ("acknowledged", "nope"):
        assert (await it.http.get(CANCEL, params={"state": word})).status_code == 400
