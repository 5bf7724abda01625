"""The page for people is found from the front, also behind a proxy, and leads to every chapter of the API."""

from __future__ import annotations

import re
from typing import Any

import fastapi
import httpx
import pytest

from bss_bridge.engine import chapters as bridge
from oss_agent.api import chapters as operator
from oss_agent.spi import access
from oss_agent.web import reference

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("below", ["", "/oss"])
async def test_the_front_leads_to_the_reference(below: str) -> None:
    app = fastapi.FastAPI(docs_url=None)
    app.include_router(reference.router(), prefix=below)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://oss") as http:
        front = await http.get(f"{below}/")
        page = await http.get(f"{below}/", follow_redirects=True)
        (sheet,) = re.findall(r'stylesheet" href="([^"]+)"', page.text)
        style = await http.get(page.url.join(sheet))

    assert front.headers["location"] == "docs"
    assert (page.status_code, page.url.path) == (200, f"{below}/docs")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


DOCUMENT: dict[str, Any] = {
    "tags": [
        {"name": "TMF641 Service Ordering", "description": "Order."},
        {"name": "Empty", "description": "Nothing stands here."},
    ],
    "paths": {
        "/later": {"get": {"tags": ["Told by nobody"], "summary": "Look"}},
        "/hold": {
            "post": {
                "tags": ["TMF641 Service Ordering"],
                "summary": "Hold it",
                access.DECLARATION: "order",
                "parameters": [{"name": "id", "in": "path", "required": True}],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "anyOf": [{"$ref": "#/components/schemas/Hold"}, {"type": "null"}]
                            }
                        }
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Hold": {
                "description": "What is held,\n    by ``scope``.",
                "required": ["scope"],
                "properties": {"scope": {"enum": ["all", "site"]}, "reason": {"type": "string"}},
            }
        }
    },
}


def test_chapters_stand_as_the_document_describes_them_and_empty_ones_are_left_out() -> None:
    found = reference.chapters(DOCUMENT)

    assert [(one.name, one.anchor, one.about) for one in found] == [
        ("TMF641 Service Ordering", "tmf641-service-ordering", "Order."),
        ("Told by nobody", "told-by-nobody", ""),
    ]


def test_an_operation_says_who_may_and_what_its_words_are() -> None:
    (hold,) = reference.chapters(DOCUMENT)[0].operations

    assert hold.roles == "orderer or admin"
    assert hold.parameters == (reference.Word("id", "in the path", required=True),)
    assert hold.body == "What is held, by scope."
    assert hold.attributes == (
        reference.Word("scope", "all, site", required=True),
        reference.Word("reason", "string", required=False),
    )


def test_no_two_chapters_are_called_alike() -> None:
    names = [one["name"] for one in (*bridge.tags(), *operator.tags())]

    assert len(set(names)) == len(names)
