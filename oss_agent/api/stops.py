"""Stopping writes and letting them go again."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking
from oss_agent.spi import access, stops
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json


class Stop(pydantic.BaseModel):
    """What to stop, and why; ``begins`` and ``ends`` are RFC 3339 with a zone."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    scope: stops.Scope
    name: Annotated[str, pydantic.Field(max_length=255)] = ""
    reason: Annotated[str, pydantic.Field(min_length=1, max_length=500)]
    begins: asking.Moment | None = None
    ends: asking.Moment | None = None

    def request(self) -> stops.StopRequest:
        """As the desk takes it."""
        return stops.StopRequest(self.scope, self.name, self.reason, self.begins, self.ends)


def router(desk: stops.Stops) -> APIRouter:
    """Routes over ``spi.stops.Stops``."""
    out = APIRouter(prefix="/api/v1", tags=["stops"])
    read, operate = access.needs(Permission.READ), access.needs(Permission.OPERATE)

    @out.get("/stops", summary="What keeps writes from the network", openapi_extra=read)
    async def standing(request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.standing(asking.tenant(request))))

    @out.post("/stops", summary="Stop writes", status_code=201, openapi_extra=operate)
    async def stop(body: Stop, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        view = await desk.stop(caller.tenant, caller.name, body.request())
        return JSONResponse(as_json(view), status_code=201)

    @out.delete("/stops/{key}", summary="Let writes go again", openapi_extra=operate)
    async def lift(key: asking.Number, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await desk.lift(caller.tenant, caller.name, key)))

    return out
