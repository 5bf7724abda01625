"""What is going on: orders in full, services, alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent import errors
from oss_agent.api import asking, chapters
from oss_agent.spi import access, catalogue, clock
from oss_agent.spi.access import Permission
from oss_agent.spi.moments import AsOf
from oss_agent.spi.orders import OF_RESOURCES, Orders
from oss_agent.spi.query import Filter, LedgerPort, Operator, Port, Query
from oss_agent.spi.views import AlarmView, ServiceState, ServiceView, as_json

_CHANGING: Final = (
    (OF_RESOURCES, access.needs(Permission.OPERATE)),
    ("", access.needs(Permission.ORDER)),
)
"""How the ids of orders begin, and what it needs to change such a one; the first that fits counts."""


class Approve(pydantic.BaseModel):
    """The plan a person looked at: its hash, or the twelve characters that are shown of it."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    hash: Annotated[str, asking.written("[0-9a-f]{12,64}", "12 to 64 digits of the plan's hash")]


class Choice(pydantic.BaseModel):
    """What becomes of edits by hand in the service's own part, for this order alone."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    policy: catalogue.OutOfBand


class Hold(pydantic.BaseModel):
    """Why an order is put on hold; it stays with the order."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    reason: Annotated[str, pydantic.Field(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class Ports:
    """The rooms asked here."""

    orders: Orders
    services: LedgerPort[ServiceView]
    alarms: Port[AlarmView]


def router(ports: Ports, time: clock.Clock) -> APIRouter:
    """Routes over the reading ports."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.ORDERS])
    _add_orders(out, ports.orders)
    _add_choice(out, ports.orders)
    for begins, needed in _CHANGING:
        _add_approval(out, ports.orders, begins, needed)
        _add_holds(out, ports.orders, begins, needed)
    _add_alarms(out, ports.alarms)
    _add_services(out, ports.services, time)
    return out


def _add_orders(out: APIRouter, orders: Orders) -> None:
    read = access.needs(Permission.READ)

    @out.get("/orders/{key}", summary="One order in full", openapi_extra=read)
    async def order(key: str, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await orders.get(asking.tenant(request), key)))

    @out.get("/orders/{key}/explain", summary="What it waits for", openapi_extra=read)
    async def explain(key: str, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await orders.explain(asking.tenant(request), key)))

    @out.get(
        "/orders/{key}/plans",
        summary="What its items would send, and was approved",
        openapi_extra=read,
    )
    async def plans(key: str, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await orders.plans(asking.tenant(request), key)))


def _add_approval(out: APIRouter, orders: Orders, begins: str, needed: dict[str, Any]) -> None:
    @out.post(
        f"/orders/{begins}{{key}}/approve",
        summary="Approve the plan it waits with",
        openapi_extra=needed,
    )
    async def approve(key: str, body: Approve, request: Request) -> JSONResponse:
        caller, order = asking.caller(request), f"{begins}{key}"
        item = await orders.approve(caller.tenant, caller.name, order, body.hash)
        return JSONResponse({"order": order, "item": item, "approved": body.hash})


def _add_choice(out: APIRouter, orders: Orders) -> None:
    @out.post(
        "/orders/{key}/policy",
        summary="Choose what becomes of edits by hand, while it waits",
        openapi_extra=access.needs(Permission.OPERATE),
    )
    async def choose(key: str, body: Choice, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        items = await orders.choose(caller.tenant, caller.name, key, body.policy)
        return JSONResponse({"order": key, "items": list(items), "policy": body.policy})


def _add_holds(out: APIRouter, orders: Orders, begins: str, needed: dict[str, Any]) -> None:
    @out.post(
        f"/orders/{begins}{{key}}/hold",
        summary="Keep what is not decided from going on",
        openapi_extra=needed,
    )
    async def hold(key: str, body: Hold, request: Request) -> JSONResponse:
        caller, order = asking.caller(request), f"{begins}{key}"
        held = await orders.hold(caller.tenant, caller.name, order, body.reason)
        return JSONResponse(as_json(held))

    @out.post(
        f"/orders/{begins}{{key}}/release",
        summary="Let what is on hold go on",
        openapi_extra=needed,
    )
    async def release(key: str, request: Request) -> JSONResponse:
        caller, order = asking.caller(request), f"{begins}{key}"
        return JSONResponse(as_json(await orders.release(caller.tenant, caller.name, order)))


def _add_alarms(out: APIRouter, alarms: Port[AlarmView]) -> None:
    @out.get("/alarms", summary="Alarms", openapi_extra=access.needs(Permission.READ))
    async def listed(request: Request) -> JSONResponse:
        return asking.listing(await alarms.find(asking.query(request)))


def _add_services(out: APIRouter, of: LedgerPort[ServiceView], time: clock.Clock) -> None:
    read = access.needs(Permission.READ)

    @out.get("/services", summary="Services, now or as they were", openapi_extra=read)
    async def services(
        request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return asking.listing(await of.find(asking.query(request, asking.TIMES), when))

    @out.get("/services/{key}", summary="One service, by id or name", openapi_extra=read)
    async def service(
        key: str, request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await _service(of, asking.tenant(request), key, when)))


async def _service(
    services: LedgerPort[ServiceView], tenant: str, key: str, when: AsOf | None
) -> ServiceView:
    try:
        return await services.get(tenant, key, when)
    except errors.NotFound:
        named = Filter("name", Operator.EQ, (key,))
        page = await services.find(Query(tenant, (named,), limit=asking.LIMIT), when)
        if not page.items:
            raise
        return min(page.items, key=_unlikely)


def _unlikely(service: ServiceView) -> tuple[bool, bool]:
    """A name is a customer's service first, not what it stands on, and one that lives."""
    return service.category != "CFS", service.state is ServiceState.TERMINATED
