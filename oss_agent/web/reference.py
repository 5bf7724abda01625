"""The page /docs, to which / leads: every route with who may use it, its words and an example, by chapter.

It is made of the API's own document. FastAPI's own page loads its program from elsewhere; an
operator's network has no way there.
"""

from __future__ import annotations

import json
import re
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
class Word:
    """A parameter, or an attribute of the body: its name, what it is, whether it must be there."""

    name: str
    about: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the page shows it."""

    method: str
    path: str
    summary: str
    roles: str
    parameters: tuple[Word, ...]
    body: str
    attributes: tuple[Word, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Operations that belong together, under the name by which the page leads there."""

    name: str
    anchor: str
    about: str
    operations: tuple[Operation, ...]


def chapters(document: Mapping[str, Any]) -> tuple[Chapter, ...]:
    """An OpenAPI document by its tags: those it describes in their order, then the others.

    But HEAD, which is there wherever GET is: the page says it once.
    """
    found: dict[str, list[Operation]] = {one["name"]: [] for one in document.get("tags", ())}
    about = {one["name"]: one.get("description", "") for one in document.get("tags", ())}
    for path, methods in document.get("paths", {}).items():
        for method, said in methods.items():
            if method == "head":
                continue
            tag = next(iter(said.get("tags", ())), "other")
            found.setdefault(tag, []).append(_operation(document, path, method, said))
    return tuple(
        Chapter(name, _anchor(name), about.get(name, ""), tuple(sorted(inside, key=_of_hub)))
        for name, inside in found.items()
        if inside
    )


def _of_hub(one: Operation) -> bool:
    """Listeners stand last: they are told of what stands before."""
    return "/hub" in one.path


def _anchor(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower())


def _operation(
    document: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]
) -> Operation:
    example = next(_examples(said), None)
    return Operation(
        method=method.upper(),
        path=path,
        summary=said.get("summary", ""),
        roles=_roles(said.get(access.DECLARATION)),
        parameters=tuple(_parameter(one) for one in said.get("parameters", ())),
        body=next(_about(document, said), ""),
        attributes=tuple(_attributes(document, said)),
        example=json.dumps(example, indent=2) if example else "",
    )


def _roles(permission: str | None) -> str:
    """Who may: in the words that a token carries."""
    if permission is None or permission == Permission.PUBLIC:
        return "everybody"
    may = [role for role, granted in access.ROLES.items() if permission in granted]
    return "every role" if len(may) == len(access.ROLES) else " or ".join(may)


def _parameter(one: Mapping[str, Any]) -> Word:
    about = one.get("description") or f"in the {one.get('in', 'request')}"
    return Word(one["name"], about, bool(one.get("required")))


def _about(document: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[str]:
    """What the body is, in the words that stand at its source."""
    for schema in _bodies(document, said):
        yield " ".join(str(schema.get("description", "")).replace("``", "").split())


def _bodies(document: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for media in said.get("requestBody", {}).get("content", {}).values():
        yield _resolved(document, media.get("schema", {}))


def _attributes(document: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[Word]:
    """What the body may have, where the document says it."""
    for schema in _bodies(document, said):
        required = schema.get("required", ())
        for name, one in schema.get("properties", {}).items():
            yield Word(name, _kind(document, one), name in required)


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a schema refers to; of alternatives the one that is something."""
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return _resolved(document, one)
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    one = _resolved(document, schema)
    if "enum" in one:
        return ", ".join(map(str, one["enum"]))
    return str(schema.get("description") or one.get("type", "any"))


def _examples(said: Mapping[str, Any]) -> Iterator[Any]:
    for media in said.get("requestBody", {}).get("content", {}).values():
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
        html = page.render(info=document["info"], chapters=chapters(document))
        return HTMLResponse(html, headers=_HEADERS)

    @out.get("/", openapi_extra=access.needs(Permission.PUBLIC))
    async def front() -> Response:
        # relative: behind a proxy the agent may live below a path
        return RedirectResponse("docs", headers=_HEADERS)

    @out.get("/docs/style.css", openapi_extra=access.needs(Permission.PUBLIC))
    async def sheet() -> Response:
        return Response(style, media_type="text/css", headers=_HEADERS)

    return out
