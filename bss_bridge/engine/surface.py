"""The one engine behind every TM Forum resource: a description becomes its routes.

A resource says its name, base paths, port and rendering; list, filters, paging, headers and
single reads follow from TMF630 and are the same for all. What a resource can do beyond reading
(create, patch, delete, tasks) is a capability it names: a new resource costs a table and a model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote, unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from bss_bridge.engine import (
    attributes,
    chapters,
    etags,
    intake,
    parameters,
    past,
    tmf630,
    writes,
)
from oss_agent import errors
from oss_agent.spi import access
from oss_agent.spi.access import Permission
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Filter, Operator, Page, Port, Query

View = TypeVar("View")
Json = dict[str, Any]
_TRIES = 3
"""How often a patch is laid over what somebody else just changed."""
Create = Callable[[Json, Request], Awaitable[Json | writes.Accepted]]
"""From a strict document and its request to the rendered instance (201), or to work that goes on
(202); OrderRejected refuses."""
Answers = dict[int | str, dict[str, Any]]
_SOME: Answers = {206: {"description": "A part of all: see X-Total-Count and Link"}}
_SAME: Answers = {304: {"description": "As the If-None-Match has it"}}
_LATER: Answers = {202: {"description": "The work goes on: Location is its monitor"}}


@dataclass(frozen=True, slots=True)
class Task(Generic[View]):
    """A task resource beside the others of its API (cancelServiceOrder, ackAlarms): POST, GET."""

    name: str
    port: Port[View]
    render: Callable[[View], Json]
    create: Create
    example: Json = field(default_factory=dict[str, Any])
    permission: Permission = Permission.ORDER


@dataclass(frozen=True, slots=True)
class Resource(Generic[View]):
    """One TM Forum resource.

    The first of ``bases`` is canonical; ``example`` is a body shown in the API's document.
    ``permission`` is what each write needs.
    ``wide``: the port understands ``Query.either`` and ``Operator.LIKE``; else those answer 501.
    ``monitored``: its writes may be answered 202, with a monitor to ask.
    ``history``: its reads may be as of a moment; without it that is refused (400).
    """

    name: str
    bases: tuple[str, ...]
    port: Port[View]
    render: Callable[[View], Json]
    create: Create | None = None
    example: Json = field(default_factory=dict[str, Any])
    patch: writes.Patch[View] | None = None
    delete: writes.Delete[View] | None = None
    tasks: tuple[Task[Any], ...] = ()
    permission: Permission = Permission.ORDER
    wide: bool = False
    monitored: bool = False
    history: past.History[View] | None = None

    @property
    def later(self) -> Answers:
        """What its writes may answer beside what they are for."""
        return _LATER if self.monitored else {}

    def when(self, named: Mapping[str, str]) -> AsOf | None:
        """The moment that a read names; None: now. OrderRejected (400)."""
        return past.asked(named, self.name, self.history)

    async def page(self, query: Query, when: AsOf | None) -> Page[View]:
        """Rows that match, now or as of a moment."""
        if when is None or self.history is None:
            return await self.port.find(query)
        return await self.history.port.find(query, when)

    async def one(self, tenant: str, key: str, when: AsOf | None) -> View:
        """One row, now or as of a moment; NotFound."""
        if when is None or self.history is None:
            return await self.port.get(tenant, key)
        return await self.history.port.get(tenant, key, when)


@dataclass(frozen=True, slots=True)
class Paging:
    """How collections answer: rows when nobody asks, and 206 for a part (TMF630's disputed word)."""

    default: int = 100
    partial_content: bool = False


def router(resource: Resource[View], paging: Paging) -> APIRouter:
    """All routes of one resource, each declaring its permission."""
    out = APIRouter(tags=[chapters.of(resource.bases[0])])
    for base in resource.bases:
        for one in (resource, *(_of_task(task, base) for task in resource.tasks)):
            _add_resource(out, base, one, paging)
    return out


def _of_task(task: Task[Any], base: str) -> Resource[Any]:
    return Resource(
        task.name,
        (base,),
        task.port,
        task.render,
        create=task.create,
        example=task.example,
        permission=task.permission,
    )


def _add_resource(out: APIRouter, base: str, resource: Resource[Any], paging: Paging) -> None:
    _add_reads(out, base, resource, paging)
    if resource.create is not None:
        _add_create(out, base, resource, resource.create)
    if resource.patch is not None:
        _add_patch(out, base, resource, resource.patch)
    if resource.delete is not None:
        _add_delete(out, base, resource, resource.delete)


def _add_reads(out: APIRouter, base: str, resource: Resource[View], paging: Paging) -> None:
    collection = f"{base}/{resource.name}"
    declared = access.needs(Permission.READ)

    @out.get(
        collection,
        summary=f"List {resource.name}",
        responses=_SOME if paging.partial_content else {},
        openapi_extra=declared | parameters.of_list(past=resource.history is not None),
    )
    async def find(request: Request) -> JSONResponse:
        text = _query(request)
        rest, named = past.split(text)
        when, tenant = resource.when(named), caller(request).tenant
        asked = tmf630.parse(rest, tenant, default_limit=paging.default, wide=resource.wide)
        page = await resource.page(by_id(asked.query, resource.name), when)
        shown = [tmf630.select(resource.render(view), asked.fields) for view in page.items]
        part = paging.partial_content and len(shown) < page.total
        headers = _headers(collection, text, asked.query.offset, asked.query.limit, page.total)
        headers["X-Result-Count"] = str(len(shown))
        return JSONResponse(shown, 206 if part else 200, headers)

    # A path, because the ids of ports and prefixes may hold a slash, which arrives decoded.
    @out.get(
        f"{collection}/{{id:path}}",
        summary=f"One {resource.name}",
        responses=_SAME,
        openapi_extra=declared | parameters.of_one(past=resource.history is not None),
    )
    async def get(id: str, request: Request) -> Response:  # noqa: A002  the specification's name
        names = tmf630.fields(request.query_params.get("fields"))
        when = resource.when(past.split(_query(request))[1])
        body = resource.render(await resource.one(caller(request).tenant, id, when))
        headers = {"ETag": past.tag(body, when)}
        if resource.patch is not None and when is None:
            headers["Accept-Patch"] = writes.ACCEPTED
        if etags.unchanged(headers["ETag"], request.headers.get("if-none-match")):
            return Response(status_code=304, headers=headers)
        return JSONResponse(tmf630.select(body, names), 200, headers)


def _add_create(out: APIRouter, base: str, resource: Resource[View], create: Create) -> None:
    declared = access.needs(resource.permission) | body_example(resource.example)

    @out.post(
        f"{base}/{resource.name}",
        status_code=201,
        summary=f"Create {resource.name}",
        responses=resource.later,
        openapi_extra=declared,
    )
    async def post(request: Request) -> JSONResponse:
        past.refuse(_query(request))
        names = tmf630.fields(request.query_params.get("fields"))
        made = await create(await json_body(request), request)
        if isinstance(made, writes.Accepted):
            return _accepted(made)
        headers = {"Location": made["href"], "ETag": etags.tag(made)}
        return JSONResponse(tmf630.select(made, names), 201, headers)


def _add_patch(
    out: APIRouter, base: str, resource: Resource[View], patch: writes.Patch[View]
) -> None:
    declared = access.needs(resource.permission) | body_example({}, *writes.MERGE)

    @out.patch(
        f"{base}/{resource.name}/{{id:path}}",
        summary=f"Change {resource.name}",
        responses=resource.later,
        openapi_extra=declared,
    )
    async def change(id: str, request: Request) -> JSONResponse:  # noqa: A002  the specification's name
        past.refuse(_query(request))
        names = tmf630.fields(request.query_params.get("fields"))
        now = await _changed(id, request, resource, patch)
        if isinstance(now, writes.Accepted):
            return _accepted(now)
        return JSONResponse(tmf630.select(now, names), 200, {"ETag": etags.tag(now)})


async def _changed(
    key: str, request: Request, resource: Resource[View], patch: writes.Patch[View]
) -> Json | writes.Accepted:
    """The instance as it is after the patch.

    An owner that was overtaken is asked again with what is there by then: a client that named the
    state it decided on hears 412, any other patch is for the new state too.
    """
    for left in reversed(range(_TRIES)):
        view = await resource.port.get(caller(request).tenant, key)
        body = resource.render(view)
        wished = await writes.change(request, view, body, patch)
        if not wished.names:
            return body
        try:
            now = await patch.apply(wished, request)
        except errors.Conflict:
            if not left:
                raise
        else:
            return now if isinstance(now, writes.Accepted) else resource.render(now)
    raise AssertionError  # the last try returned or raised


def _add_delete(
    out: APIRouter, base: str, resource: Resource[View], delete: writes.Delete[View]
) -> None:
    @out.delete(
        f"{base}/{resource.name}/{{id:path}}",
        status_code=204,
        summary=f"Remove {resource.name}",
        responses=resource.later,
        openapi_extra=access.needs(resource.permission),
    )
    async def remove(id: str, request: Request) -> Response:  # noqa: A002  the specification's name
        past.refuse(_query(request))
        view = await resource.port.get(caller(request).tenant, id)
        current = etags.tag(resource.render(view))
        etags.require(current, request.headers.get("if-match"), must=False)
        going = await delete(view, request)
        return Response(status_code=204) if going is None else _accepted(going)


def _accepted(going: writes.Accepted) -> JSONResponse:
    """TMF640: the monitor stands in a header of its own; Location is where to ask."""
    headers = {"Location": going.location, "monitorId": going.monitor}
    return JSONResponse(going.body, 202, headers)


def caller(request: Request) -> access.Caller:
    """Who sent it: set by the door."""
    found: access.Caller = request.state.caller
    return found


async def json_body(request: Request) -> Json:
    """The strict JSON object of a request. OrderRejected (400, 415)."""
    intake.require_json(request.headers.get("content-type"))
    found = intake.document(await request.body())
    attributes.judge(found)
    return found


def body_example(example: Mapping[str, Any], *types: str) -> Json:
    """OpenAPI of a body that is judged by our own strict reader, with an example for people."""
    content = {"schema": {"type": "object"}, "example": example}
    kinds = types or ("application/json",)
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, content)}}


def _query(request: Request) -> str:
    """The query string as it came, still percent-encoded."""
    text: bytes = request.scope["query_string"]
    return text.decode("ascii", "replace")


def _headers(collection: str, text: str, offset: int, limit: int, total: int) -> dict[str, str]:
    """X-Total-Count and the Link header (RFC 8288) with the pages that exist."""
    kept = [
        quote(part, safe="%=+:@/$!*()~")
        for part in text.split("&")
        if part and unquote_plus(part).partition("=")[0] not in {"offset", "limit"}
    ]
    links = [
        f'<{collection}?{"&".join([*kept, f"offset={start}", f"limit={limit}"])}>; rel="{rel}"'
        for rel, start in pages(offset, limit, total).items()
    ]
    return {"X-Total-Count": str(total)} | ({"Link": ", ".join(links)} if links else {})


def by_id(asked: Query, name: str) -> Query:
    """Whoever filters by href means the id at its end, whatever host stands before it."""

    def meant(one: Filter) -> Filter:
        if one.path != "href" or one.operator not in {Operator.EQ, Operator.NE}:
            return one
        tails = (value.rpartition(f"/{name}/")[2] for value in one.values)
        return replace(one, path="id", values=tuple(map(unquote, tails)))

    return replace(
        asked,
        filters=tuple(map(meant, asked.filters)),
        either=tuple(tuple(map(meant, group)) for group in asked.either),
    )


def pages(offset: int, limit: int, total: int) -> dict[str, int]:
    """Offsets of first, prev, next and last; nothing when all fits in one page."""
    if limit < 1 or (offset == 0 and total <= limit):
        return {}
    last = max(total - 1, 0) // limit * limit
    found = {"first": 0, "last": last}
    if offset > 0:
        found["prev"] = max(offset - limit, 0)
    if offset + limit < total:
        found["next"] = offset + limit
    return found
