"""The page for people is found from the front, also behind a proxy that moved it below a path."""

from __future__ import annotations

import fastapi
import httpx
import pytest

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

    assert front.headers["location"] == "docs"
    assert (page.status_code, page.url.path) == (200, f"{below}/docs")
