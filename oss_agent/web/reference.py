"""The page /docs, to which / leads: every route with its permission, parameters and example, from the API's own document.

FastAPI's own page loads its program from elsewhere; an operator's network has no way there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from oss_agent.spi import access
from oss_agent.spi.access import Permission

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the page shows it."""

    method: str
    path: str
    summary: str
    permission: str
    parameters: tuple[str, ...]
    example: str


def operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """An OpenAPI document's operations by their first tag, in the document's order.

    But HEAD, which is there wherever GET is: the page says it once.
    """
    found: dict[str, list[Operation]] = {}
    for path, methods in document.get("paths", {}).items():
        for method, about in methods.items():
            if method == "head":
                continue
            tag = next(iter(about.get("tags", ())), "other")
            found.setdefault(tag, []).append(_operation(path, method, about))
    return found


def _operation(path: str, method: str, about: Mapping[str, Any]) -> Operation:
    example = next(_examples(about), None)
    return Operation(
        method=method.upper(),
        path=path,
        summary=about.get("summary", ""),
        permission=about.get(access.DECLARATION, ""),
        parameters=tuple(p["name"] for p in about.get("parameters", ())),
        example="" if example is None else json.dumps(example, indent=2),
    )


def _examples(about: Mapping[str, Any]) -> Iterator[Any]:
    for media in about.get("requestBody", {}).get("content", {}).values():
        if "example" in media:
            yield media["example"]
        yield from (one.get("value") for one in media.get("examples", {}).values())


def router() -> APIRouter:
    """/docs, its style sheet, and the way there from /."""
    out = APIRouter(include_in_schema=False)
    folder = resources.files("oss_agent.web") / "pages"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string((folder / "reference.html").read_text(encoding="utf-8"))
    style = (folder / "style.css").read_text(encoding="utf-8")

    @out.get("/docs", openapi_extra=access.needs(Permission.READ))
    async def docs(request: Request) -> HTMLResponse:
        document = request.app.openapi()
        html = page.render(info=document["info"], rooms=operations(document))
        return HTMLResponse(html, headers=_HEADERS)

    @out.get("/", openapi_extra=access.needs(Permission.PUBLIC))
    async def front() -> Response:
        # relative: behind a proxy the agent may live below a path
        return RedirectResponse("docs", headers=_HEADERS)

    @out.get("/docs/style.css", openapi_extra=access.needs(Permission.PUBLIC))
    async def sheet() -> Response:
        return Response(style, media_type="text/css", headers=_HEADERS)

    return out
