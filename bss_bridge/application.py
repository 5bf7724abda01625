"""The HTTP application: surfaces, hubs, the operator's routers, one door, one form of error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from bss_bridge.engine import access, chapters, head, hrefs, intake, past, problem, surface
from bss_bridge.engine.door import Door, Limits
from bss_bridge.events import hub
from bss_bridge.resources import ordering, tmf638, tmf639, tmf641, tmf641_cancel, tmf642
from oss_agent import errors
from oss_agent.spi import refused_values
from oss_agent.spi.orders import Cancellations, Orders
from oss_agent.spi.query import LedgerPort, Port
from oss_agent.spi.views import AlarmView, CancelView, ResourceView, ServiceView


@dataclass(frozen=True, slots=True)
class Rooms:
    """The ports behind the surfaces, and the hub's office."""

    orders: Orders
    cancellations: Cancellations
    services: LedgerPort[ServiceView]
    resources: LedgerPort[ResourceView]
    alarms: Port[AlarmView]
    hub: hub.HubOffice


@dataclass(frozen=True, slots=True)
class Options:
    """How the application answers: who may, how much, how pages look."""

    tokens: access.Tokens = field(default_factory=access.Tokens)
    limits: Limits = field(default_factory=Limits)
    paging: surface.Paging = field(default_factory=surface.Paging)
    version: str = "0.1"
    chapters: Sequence[Mapping[str, str]] = ()
    """OpenAPI's tags of the operator's routes, which stand behind the TM Forum ones."""


_ABOUT: Final = """\
Where the settings have tokens each request carries `Authorization: Bearer TOKEN`; `x-permission` says what \
a route needs of it. Every refusal is JSON with `code`, `reason`, `message` and `status`, and `field` where \
one is wrong."""


def application(rooms: Rooms, options: Options, operator: Sequence[APIRouter] = ()) -> FastAPI:
    """Compose it. ConfigurationError when a route declares no permission (deny by default)."""
    routers = (*bridge_routers(rooms, options.paging), *operator)
    access.require_declarations(routers)
    app = _Application(
        title="oss-agent",
        version=options.version,
        summary="An order becomes a proven, watched and billed service, or the network is as before.",
        description=_ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=[*chapters.tags(), *map(dict, options.chapters)],
        redirect_slashes=False,
        docs_url=None,  # its page needs the internet; whoever composes brings one that does not
        redoc_url=None,
        responses=problem.ANSWERS,
        dependencies=[Depends(access.authorise)],
    )
    for router in routers:
        app.include_router(router)
    _answer_errors(app, routers)
    app.add_middleware(Door, tokens=options.tokens, limits=options.limits)
    app.add_middleware(head.Head)  # the last one added is asked first
    return app


class _Application(FastAPI):
    """FastAPI whose document knows what ``head.Head`` answers."""

    def openapi(self) -> dict[str, Any]:
        """The API's own document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = head.documented(super().openapi())
        return self.openapi_schema


def bridge_routers(rooms: Rooms, paging: surface.Paging) -> tuple[APIRouter, ...]:
    """Every TM Forum surface, the hubs and the dry-run."""
    links = rooms.hub.hrefs
    order = surface.Resource(
        "serviceOrder",
        (hrefs.SERVICE_ORDERING,),
        tmf641.Port(rooms.orders),
        lambda view: tmf641.render(view, links),
        create=ordering.creation(rooms.orders, links),
        patch=ordering.patch(rooms.orders),
        example=ordering.EXAMPLE,
        wide=True,
        tasks=(_cancellations(rooms, links),),
    )
    return (
        surface.router(order, paging),
        surface.router(_services(rooms, links), paging),
        surface.router(_resources(rooms, links), paging),
        *(surface.router(one, paging) for one in _parts_of_resources(rooms, links)),
        surface.router(_alarms(rooms, links), paging),
        *hub.routers(rooms.hub),
        ordering.plan_router(rooms.orders),
    )


def _cancellations(rooms: Rooms, links: hrefs.Hrefs) -> surface.Task[CancelView]:
    return surface.Task(
        "cancelServiceOrder",
        tmf641_cancel.Port(rooms.cancellations),
        lambda view: tmf641_cancel.render(view, links),
        tmf641_cancel.creation(rooms.cancellations, links),
        example=tmf641_cancel.EXAMPLE,
    )


def _services(rooms: Rooms, links: hrefs.Hrefs) -> surface.Resource[ServiceView]:
    bases = (hrefs.SERVICE_INVENTORY,)
    return surface.Resource(
        "service",
        bases,
        rooms.services,
        lambda view: tmf638.render(view, links),
        wide=True,
        history=past.History(rooms.services, rooms.hub.clock),
    )


def _resources(rooms: Rooms, links: hrefs.Hrefs) -> surface.Resource[ResourceView]:
    bases = (hrefs.RESOURCE_INVENTORY,)
    return surface.Resource(
        "resource",
        bases,
        rooms.resources,
        lambda view: tmf639.render(view, links),
        wide=True,
        history=past.History(rooms.resources, rooms.hub.clock),
    )


def _parts_of_resources(
    rooms: Rooms, links: hrefs.Hrefs
) -> tuple[surface.Resource[ResourceView], ...]:
    """Version 4's sub-collections: the same resources, each with its href there."""

    def shown(name: str) -> Callable[[ResourceView], dict[str, Any]]:
        place = f"{hrefs.RESOURCE_INVENTORY}/{name}"
        return lambda view: tmf639.render(view, links) | {"href": links.to(place, view.id)}

    parts = {name: tmf639.Part(rooms.resources, of) for name, of in tmf639.PARTS.items()}
    return tuple(
        surface.Resource(
            name,
            (hrefs.RESOURCE_INVENTORY,),
            part,
            shown(name),
            wide=True,
            history=past.History(part, rooms.hub.clock),
        )
        for name, part in parts.items()
    )


def _alarms(rooms: Rooms, links: hrefs.Hrefs) -> surface.Resource[AlarmView]:
    return surface.Resource(
        "alarm", hrefs.ALARMS, rooms.alarms, lambda view: tmf642.render(view, links), wide=True
    )


def _answer_errors(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    log = structlog.get_logger(__name__)

    async def agent(request: Request, bad: Exception) -> JSONResponse:
        assert isinstance(bad, errors.AgentError)  # noqa: S101  narrows what Starlette types loosely
        found = problem.of_error(bad)
        if found.status == problem.INTERNAL:
            log.error("request failed", path=request.url.path, exc_info=bad)
        return _json(found)

    async def protocol(request: Request, bad: Exception) -> JSONResponse:
        assert isinstance(bad, HTTPException)  # noqa: S101  narrows what Starlette types loosely
        return _json(_of_protocol(bad, request, routers))

    async def validation(_: Request, bad: Exception) -> JSONResponse:
        assert isinstance(bad, RequestValidationError)  # noqa: S101  as above
        return _json(_of_validation(bad))

    async def fault(request: Request, bad: Exception) -> JSONResponse:
        log.error("request failed", path=request.url.path, exc_info=bad)
        return _json(problem.internal())

    app.add_exception_handler(errors.AgentError, agent)
    app.add_exception_handler(HTTPException, protocol)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(Exception, fault)


def _json(found: problem.Problem) -> JSONResponse:
    return JSONResponse(found.body(), found.status, found.headers)


_WORDS = {
    400: ("invalidBody", "the request cannot be read"),
    404: ("notFound", "no such path: /docs and /openapi.json have those that there are"),
    405: ("methodNotAllowed", "this path does not take the method"),
}


def _of_protocol(
    bad: HTTPException, request: Request, routers: Sequence[APIRouter]
) -> problem.Problem:
    code, reason = _WORDS.get(bad.status_code, ("refused", str(bad.detail)))
    headers = dict(bad.headers or {})
    if bad.status_code == problem.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request.url.path, routers)))
    return problem.Problem(bad.status_code, code, reason, headers=headers)


def _methods(path: str, routers: Sequence[APIRouter]) -> set[str]:
    """All methods of a path: Starlette names only those of the first route that matches."""
    routes = (route for router in routers for route in router.routes)
    return head.allowed(
        {
            method
            for route in routes
            if isinstance(route, APIRoute) and route.path_regex.match(path)
            for method in route.methods or ()
        }
    )


def _of_validation(bad: RequestValidationError) -> problem.Problem:
    """The first wrong field of a typed handler; 400 as TMF630 has it, not 422."""
    first: dict[str, Any] = dict(bad.errors()[0])
    place = tuple(first["loc"])[1:]
    if first["type"] == "json_invalid":
        return problem.Problem(400, "invalidJson", "the body is not JSON")
    where = intake.dotted(place)
    said = refused_values.said(first["type"], first.get("ctx", {}), first["msg"])
    reason = f"{where}: {said}" if where else f"the body {said}"
    return problem.Problem(400, "invalidBody", reason, where)
