"""Pools for the operator: what is left, who has what, until when; reservations."""

from __future__ import annotations

from typing import Annotated, Final

import pydantic
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, clock
from oss_agent.spi.access import Permission
from oss_agent.spi.pools import Pools
from oss_agent.spi.views import as_json

_YEAR: Final = 366 * 86_400.0


class Reservation(pydantic.BaseModel):
    """What is to be kept, under which name, for how long; of a block ``/29`` is any prefix so long."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    key: Annotated[
        str, asking.written(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "1 to 64 letters, digits, . _ -")
    ]
    value: Annotated[str, pydantic.Field(min_length=1, max_length=64)] | None = None
    seconds: Annotated[float, pydantic.Field(gt=0, le=_YEAR)] = 86_400.0


def router(pools: Pools, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.pools.Pools``."""
    out = APIRouter(prefix="/api/v1/pools", tags=[chapters.POOLS])
    _add_reads(out, pools, time)
    _add_acts(out, pools)
    return out


def _add_reads(out: APIRouter, pools: Pools, time: clock.Clock) -> None:
    read = access.needs(Permission.READ)

    @out.get("", summary="Pools and what is left of them", openapi_extra=read)
    async def listing(
        request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await pools.list(asking.tenant(request), when)))

    @out.get("/forecast", summary="Pools by when they will be full", openapi_extra=read)
    async def forecast(request: Request) -> JSONResponse:
        return JSONResponse(as_json(await pools.forecasts(asking.tenant(request))))

    @out.get("/{name}", summary="One pool, with its forecast", openapi_extra=read)
    async def one(
        name: str, request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await pools.get(asking.tenant(request), name, when)))

    @out.get("/{name}/claims", summary="What of a pool is not free", openapi_extra=read)
    async def claims(
        name: str, request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await pools.claims(asking.tenant(request), name, when)))


def _add_acts(out: APIRouter, pools: Pools) -> None:
    operate = access.needs(Permission.OPERATE)

    @out.post("/{name}/reservations", summary="Keep a value for a while", openapi_extra=operate)
    async def reserve(name: str, body: Reservation, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        made = await pools.reserve(
            caller.tenant,
            name,
            key=body.key,
            wanted=body.value,
            seconds=body.seconds,
            by=caller.name,
        )
        return JSONResponse(as_json(made))

    @out.delete(
        "/{name}/reservations/{key}",
        status_code=204,
        summary="Give a reservation back",
        openapi_extra=operate,
    )
    async def forgo(name: str, key: str, request: Request) -> Response:
        caller = asking.caller(request)
        await pools.forgo(caller.tenant, name, key=key, by=caller.name)
        return Response(status_code=204)
