"""Cases for the operator: what of the network a person should look at, and deciding about it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import pydantic
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, cases, clock, moments
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_Key: TypeAlias = Annotated[str, Path(min_length=1, max_length=64)]


class Decision(pydantic.BaseModel):
    """What a person decided. ``until``: RFC 3339, or as ``in 2h``, for ignore alone."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    decision: Annotated[str, pydantic.Field(min_length=1, max_length=40)]
    reason: Annotated[str, pydantic.Field(max_length=1_000)] = ""
    until: Annotated[str, pydantic.Field(max_length=100)] | None = None


def router(desk: cases.Cases, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.cases.Cases``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.CASES])
    _add_reads(out, desk, time)
    _add_decisions(out, desk, time)
    return out


def _add_reads(out: APIRouter, desk: cases.Cases, time: clock.Clock) -> None:
    read = access.needs(Permission.READ)

    @out.get("/cases", summary="What a person should look at", openapi_extra=read)
    async def listed(
        request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return asking.listing(await desk.find(asking.query(request, asking.TIMES), when))

    @out.get("/cases/count", summary="How many there are, by state", openapi_extra=read)
    async def counted(
        request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(dict(await desk.counts(asking.tenant(request), when)))

    @out.get("/cases/{key}", summary="One case", openapi_extra=read)
    async def shown(
        key: _Key, request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await desk.get(asking.tenant(request), key, when)))


def _add_decisions(out: APIRouter, desk: cases.Cases, time: clock.Clock) -> None:
    devices = access.needs(Permission.DEVICES)

    @out.post("/cases/{key}/accept", summary="Say that it is right", openapi_extra=devices)
    async def accept(key: _Key, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await desk.accept(caller.tenant, key, caller.name)))

    @out.post(
        "/cases/{key}/decision",
        summary="Accept, revert, adopt, or ignore until",
        openapi_extra=devices,
    )
    async def decide(key: _Key, body: Decision, request: Request) -> JSONResponse:
        caller, until = asking.caller(request), None
        if body.until is not None:
            until = asking.moment("until", body.until, moments.future, time.now())
        view = await desk.decide(
            caller.tenant, key, body.decision, caller.name, reason=body.reason, until=until
        )
        return JSONResponse(as_json(view))
