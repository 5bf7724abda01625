"""Stopping writes and letting them go again."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Annotated, TypeAlias

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, clock, moments, stops
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_Words: TypeAlias = Annotated[str, pydantic.Field(max_length=100)]


class Stop(pydantic.BaseModel):
    """What to stop, and why; ``begins`` and ``ends`` are moments: RFC 3339, ``22:00``, ``in 2h``."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    scope: stops.Scope
    name: Annotated[str, pydantic.Field(max_length=255)] = ""
    reason: Annotated[str, pydantic.Field(min_length=1, max_length=500)]
    begins: _Words | None = None
    ends: _Words | None = None

    def request(self, now: datetime) -> stops.StopRequest:
        """As the desk takes it. OrderRejected (400) for what is no moment, or an end that is over."""
        begins = ends = None
        if self.ends is not None:
            ends = asking.moment("ends", self.ends, moments.future, now)
        if self.begins is not None:
            read = functools.partial(_begin, ends=self.ends)
            begins = asking.moment("begins", self.begins, read, now)
        return stops.StopRequest(self.scope, self.name, self.reason, begins, ends)


def _begin(text: str, now: datetime, ends: str | None) -> datetime:
    return moments.begin(text, ends, now)


def router(desk: stops.Stops, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.stops.Stops``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.STOPS])
    read, operate = access.needs(Permission.READ), access.needs(Permission.OPERATE)

    @out.get("/stops", summary="What keeps writes from the network", openapi_extra=read)
    async def standing(request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.standing(asking.tenant(request))))

    @out.post("/stops", summary="Stop writes", status_code=201, openapi_extra=operate)
    async def stop(body: Stop, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        view = await desk.stop(caller.tenant, caller.name, body.request(time.now()))
        return JSONResponse(as_json(view), status_code=201)

    @out.delete("/stops/{key}", summary="Let writes go again", openapi_extra=operate)
    async def lift(key: asking.Number, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await desk.lift(caller.tenant, caller.name, key)))

    return out
