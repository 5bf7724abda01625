"""HEAD is answered wherever GET is: the same status and headers, no body, and both documents say so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge.engine import serve
from oss_agent.web import reference
from tests.unit.bss_bridge import test_http_door, world

pytestmark = pytest.mark.anyio
ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
IDS = {"id": "1", "key": "1", "name": "pe1", "order": "1", "number": "1"}


async def both(http: httpx.AsyncClient, path: str, **more: Any) -> httpx.Response:
    """HEAD and GET of one path agree in all but the body."""
    head, get = await http.head(path, **more), await http.get(path, **more)
    assert (head.status_code, head.headers) == (get.status_code, get.headers), path
    assert not head.content
    return head


async def test_every_get_has_its_head(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it:
        gets = [path for path, some in it.app.openapi()["paths"].items() if "get" in some]
        assert len(gets) > 25
        for path in gets:
            assert (await both(it.http, path.format_map(Known()))).status_code != 405


class Known(dict[str, str]):
    """Something for every parameter of a path."""

    def __missing__(self, name: str) -> str:
        return IDS.get(name, "1")


async def test_a_list_is_counted_without_being_sent(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it:
        await it.http.post(ORDERS, json=world.ORDER)
        head = await both(it.http, f"{ORDERS}?limit=1")
        assert head.headers["X-Total-Count"] == "1"
        assert int(head.headers["Content-Length"]) > 100
        tag = (await both(it.http, f"{ORDERS}/1")).headers["ETag"]
        assert (
            await both(it.http, f"{ORDERS}/1", headers={"If-None-Match": tag})
        ).status_code == 304


async def test_a_refusal_has_no_body_either(tmp_path: Path) -> None:
    async with world.world(tmp_path, test_http_door.guarded()) as it:
        assert (await both(it.http, ORDERS)).status_code == 401
        secret = next(iter(test_http_door.SECRETS.values()))
        headers = {"Authorization": f"Bearer {secret}"}
        assert (await both(it.http, f"{ORDERS}/none", headers=headers)).status_code == 404
        assert (await both(it.http, "/nowhere", headers=headers)).status_code == 404


async def test_where_there_is_no_get_there_is_no_head(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it:
        answer = await both(it.http, "/tmf-api/serviceOrdering/v4/hub")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_allow_and_the_document_name_the_same_methods(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it:
        paths = (await it.http.get("/openapi.json")).json()["paths"]
        for path, operations in paths.items():
            answer = await it.http.request("TRACE", path.format_map(Known()))
            assert answer.status_code == 405
            said = {one.strip().lower() for one in answer.headers["Allow"].split(",")}
            assert said == set(operations), path
            if "get" in operations:
                answers = operations["head"]["responses"]
                assert answers.keys() == operations["get"]["responses"].keys()
                assert not any("content" in one for one in answers.values())
        ids = [one["operationId"] for some in paths.values() for one in some.values()]
        assert len(ids) == len(set(ids))


async def test_the_page_for_people_says_it_once(tmp_path: Path) -> None:
    async with world.world(tmp_path, extra=[reference.router()]) as it:
        page = (await it.http.get("/docs")).text
    assert page.count("HEAD") == 1


async def test_it_is_so_on_a_socket(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it, asyncio.timeout(300):
        role = serve.HttpRole(it.app, serve.listen(serve.Bind(port=0)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(role.run())
            await role.wait_started()
            async with httpx.AsyncClient(base_url=role.url, trust_env=False, timeout=300) as http:
                for path in ("/healthz", "/readyz", "/metrics", ORDERS, "/openapi.json"):
                    head, get = await http.head(path), await http.get(path)
                    assert (head.status_code, head.content) == (200, b"")
                    assert head.headers["Content-Length"] == str(len(get.content))
            role.stop()
