"""What the engine gives a resource that may be written: PATCH, DELETE, tasks, ETag, every error."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request

from bss_bridge.engine import past, surface, writes
from oss_agent import errors
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

BASE = "/tmf-api/ticket/v4"
TICKETS = f"{BASE}/ticket"
ONE = f"{TICKETS}/1"
KEPT_ONE = f"{BASE}/kept/1"
"""The same one, where its past is kept."""
SPEC_641 = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"


@dataclasses.dataclass(frozen=True)
class Ticket:
    """The smallest thing that can be written."""

    id: str
    body: Mapping[str, Any]
    tenant: str = "default"


@dataclasses.dataclass
class Tickets:
    """Its owner: rows, and what a concurrent writer or a running job does in between."""

    rows: world.MemoryPort[Ticket]
    changes: list[writes.Change[Ticket]] = dataclasses.field(default_factory=list[Any])
    overtaken: bool = False

    async def apply(self, change: writes.Change[Ticket], request: Request) -> Ticket:
        assert surface.caller(request).tenant == change.view.tenant
        self.changes.append(change)
        if self.overtaken:
            raise errors.Conflict("another change came first", holder="bob")
        now = Ticket(change.view.id, {k: v for k, v in change.after.items() if k not in OURS})
        self.rows.rows[self.rows.rows.index(change.view)] = now
        return now

    async def delete(self, view: Ticket, request: Request) -> writes.Accepted | None:
        del request
        if view.body["state"] == "busy":
            monitor = {"id": "m1", "href": f"{BASE}/monitor/m1", "state": "InProgress"}
            return writes.Accepted(monitor, "m1", monitor["href"])
        self.rows.rows.remove(view)
        return None

    async def close(self, found: dict[str, Any], request: Request) -> dict[str, Any]:
        del request
        return show(Ticket("t1", found))

    async def create(self, found: dict[str, Any], request: Request) -> writes.Accepted:
        del request
        return writes.Accepted(found, "m1", f"{BASE}/monitor/m1")


OURS = frozenset({"id", "href", "@type"})


def show(view: Ticket) -> dict[str, Any]:
    return {"@type": "Ticket"} | dict(view.body) | {"id": view.id, "href": f"{TICKETS}/{view.id}"}


@dataclasses.dataclass
class Desk:
    """The owner and the HTTP client of a test."""

    owner: Tickets
    http: httpx.AsyncClient


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    body = {"state": "open", "text": "old", "note": [{"text": "a"}, {"text": "b"}], "who": {"a": 1}}
    owner = Tickets(world.MemoryPort([Ticket("1", body)], show))
    task = surface.Task(
        "closeTicket", world.MemoryPort([Ticket("t1", {})], show), show, owner.close
    )
    resource = surface.Resource(
        "ticket",
        (BASE,),
        owner.rows,
        show,
        create=owner.create,
        patch=writes.Patch(frozenset({"text", "note", "who", "state"}), owner.apply),
        delete=owner.delete,
        tasks=(task,),
    )
    strict = surface.Resource(
        "guarded",
        (BASE,),
        owner.rows,
        show,
        patch=writes.Patch(frozenset({"text"}), owner.apply, must_match=True),
    )
    kept = surface.Resource(
        "kept",
        (BASE,),
        owner.rows,
        show,
        patch=writes.Patch(frozenset({"text"}), owner.apply),
        delete=owner.delete,
        history=past.History(owner.rows, world.StillClock()),
    )
    routers = [surface.router(one, surface.Paging()) for one in (resource, strict, kept)]
    async with world.world(tmp_path, extra=routers) as it:
        yield Desk(owner, it.http)


MERGE = "application/merge-patch+json"
OPERATIONS = "application/json-patch+json"


async def patch(desk: Desk, body: str, kind: str = MERGE, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await desk.http.patch(ONE, content=body, headers={"Content-Type": kind} | given)


@pytest.mark.parametrize("kind", [MERGE, "application/json", "application/json; charset=utf-8"])
async def test_merge_patch_changes_what_it_names(desk: Desk, kind: str) -> None:
    answer = await patch(desk, '{"text": "new", "who": {"a": null, "b": 2}}', kind)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["text"], body["who"], body["state"]) == ("new", {"b": 2}, "open")
    assert desk.owner.changes[0].names == ("text", "who")
    assert (await desk.http.get(ONE)).json() == body


async def test_json_patch_changes_one_member_of_an_array(desk: Desk) -> None:
    operations = [
        {"op": "test", "path": "/state", "value": "open"},
        {"op": "replace", "path": "/note/1/text", "value": "c"},
    ]
    answer = await patch(desk, json.dumps(operations), OPERATIONS)
    assert answer.json()["note"] == [{"text": "a"}, {"text": "c"}]
    assert desk.owner.changes[0].before["note"] == [{"text": "a"}, {"text": "b"}]


async def test_a_patch_that_changes_nothing_is_answered_and_not_applied(desk: Desk) -> None:
    """A client that sends back all it read, with one attribute changed, is understood too."""
    whole = (await desk.http.get(ONE)).json()
    assert (await desk.http.patch(ONE, json=whole)).json() == whole
    assert desk.owner.changes == []
    assert (await desk.http.patch(ONE, json=whole | {"text": "x"})).status_code == 200


async def test_fields_choose_what_a_patch_shows(desk: Desk) -> None:
    answer = await desk.http.patch(f"{ONE}?fields=text", json={"text": "x"})
    assert answer.json() == {"id": "1", "href": ONE, "text": "x"}


async def test_a_tag_guards_against_a_change_in_between(desk: Desk) -> None:
    seen = await desk.http.get(f"{ONE}?fields=text")
    assert seen.headers["accept-patch"] == writes.ACCEPTED
    first = await patch(desk, '{"text": "x"}', if_match=seen.headers["etag"])
    late = await patch(desk, '{"text": "y"}', if_match=seen.headers["etag"])
    assert (first.status_code, late.status_code) == (200, 412)
    assert first.headers["etag"] in late.json()["reason"]
    assert (await desk.http.get(ONE)).headers["etag"] == first.headers["etag"]
    again = await patch(desk, '{"text": "y"}', if_match=f'W/"x", {first.headers["etag"]}')
    assert again.status_code == 200
    assert (await patch(desk, '{"text": "z"}', if_match="*")).status_code == 200
    gone = await desk.http.delete(ONE, headers={"If-Match": seen.headers["etag"]})
    assert gone.status_code == 412


async def test_a_weak_tag_does_not_allow_a_change(desk: Desk) -> None:
    tag = (await desk.http.get(ONE)).headers["etag"]
    assert (await patch(desk, '{"text": "y"}', if_match=f"W/{tag}")).status_code == 412


async def test_what_a_client_holds_already_is_not_sent_again(desk: Desk) -> None:
    tag = (await desk.http.get(ONE)).headers["etag"]
    same = await desk.http.get(ONE, headers={"If-None-Match": f"W/{tag}"})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await desk.http.get(ONE, headers={"If-None-Match": '"x"'})).status_code == 200


async def test_a_resource_may_demand_the_tag(desk: Desk) -> None:
    answer = await desk.http.patch(f"{BASE}/guarded/1", json={"text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (428, "preconditionRequired")
    assert desk.owner.changes == []


async def test_an_owner_that_was_overtaken_answers_409(desk: Desk) -> None:
    desk.owner.overtaken = True
    answer = await patch(desk, '{"text": "x"}')
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "bob" in answer.json()["reason"]


async def test_deleted_is_204_then_404(desk: Desk) -> None:
    assert (await desk.http.delete(ONE)).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        answer = await desk.http.request(method, ONE, json={})
        assert answer.status_code == 404


async def test_work_that_goes_on_is_202_with_its_monitor(desk: Desk) -> None:
    await patch(desk, '{"state": "busy"}')
    for answer in (await desk.http.delete(ONE), await desk.http.post(TICKETS, json={"a": 1})):
        assert answer.status_code == 202
        assert answer.headers["monitorid"] == "m1"
        assert answer.headers["location"] == f"{BASE}/monitor/m1"


async def test_a_task_is_created_and_read(desk: Desk) -> None:
    made = await desk.http.post(f"{BASE}/closeTicket", json={"ticket": {"id": "1"}})
    assert made.status_code == 201
    assert made.headers["location"] == made.json()["href"]
    assert (await desk.http.get(f"{BASE}/closeTicket/t1")).json()["id"] == "t1"
    assert (await desk.http.get(f"{BASE}/closeTicket")).status_code == 200


DEEP = "/a" * 33
BAD = [
    (MERGE, '{"id": "2"}', 400, "notPatchable"),
    (MERGE, '{"href": null}', 400, "notPatchable"),
    (MERGE, '{"colour": "red"}', 400, "notPatchable"),
    (MERGE, "[]", 400, "invalidPatch"),
    (MERGE, '"x"', 400, "invalidPatch"),
    (MERGE, "{", 400, "invalidJson"),
    (MERGE, '{"text": NaN}', 400, "invalidJson"),
    (MERGE, '{"text": "a\\u0000"}', 400, "invalidJson"),
    ("text/plain", "{}", 415, "unsupportedMediaType"),
    ("application/json-patch-query+json", "[]", 415, "unsupportedMediaType"),
    ("application/json; charset=latin-1", "{}", 415, "unsupportedMediaType"),
    (OPERATIONS, "{}", 400, "invalidPatch"),
    (OPERATIONS, "[7]", 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "increment", "path": "/a"}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": ["add"], "path": "/a"}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "add", "path": "a", "value": 1}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "add", "path": "/a~2", "value": 1}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "add", "path": "/text"}]', 400, "invalidPatch"),
    (OPERATIONS, f'[{{"op": "add", "path": "{DEEP}", "value": 1}}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "remove", "path": ""}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "replace", "path": "", "value": []}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "move", "from": "/who", "path": "/who/a"}]', 400, "invalidPatch"),
    (OPERATIONS, '[{"op": "remove", "path": "/nothing"}]', 422, "noSuchPlace"),
    (OPERATIONS, '[{"op": "replace", "path": "/note/2", "value": 1}]', 422, "noSuchPlace"),
    (OPERATIONS, '[{"op": "add", "path": "/note/03", "value": 1}]', 422, "noSuchPlace"),
    (OPERATIONS, '[{"op": "add", "path": "/note/4", "value": 1}]', 422, "noSuchPlace"),
    (OPERATIONS, '[{"op": "test", "path": "/who/a", "value": true}]', 409, "testFailed"),
    (OPERATIONS, '[{"op": "replace", "path": "/id", "value": "2"}]', 400, "notPatchable"),
]


@pytest.mark.reference
@pytest.mark.parametrize(("kind", "body", "status", "code"), BAD)
async def test_bad_patch_is_refused_in_the_error_form(
    desk: Desk, kind: str, body: str, status: int, code: str
) -> None:
    answer = await patch(desk, body, kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert desk.owner.changes == []
    world.judge(SPEC_641, "Error", answer.json())


async def test_copies_that_double_are_refused_before_they_are_made(desk: Desk) -> None:
    doubling = '{"op": "copy", "from": "/note", "path": "/note/-"}'
    answer = await patch(desk, f"[{','.join([doubling] * 60)}]", OPERATIONS)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidPatch")


async def test_405_names_every_method_of_an_instance(desk: Desk) -> None:
    answer = await desk.http.put(ONE, json={})
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH"
    assert answer.json()["status"] == "405"
