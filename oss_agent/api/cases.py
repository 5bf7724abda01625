"""Cases for the operator: what of the network a person should look at, and saying that it is right."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking
from oss_agent.spi import access, cases
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json


def router(desk: cases.Cases) -> APIRouter:
    """Routes over ``spi.cases.Cases``."""
    out = APIRouter(prefix="/api/v1", tags=["network"])
    read, devices = access.needs(Permission.READ), access.needs(Permission.DEVICES)

    @out.get("/cases", summary="What a person should look at", openapi_extra=read)
    async def listed(request: Request) -> JSONResponse:
        return asking.listing(await desk.find(asking.query(request)))

    @out.post("/cases/{key}/accept", summary="Say that it is right", openapi_extra=devices)
    async def accept(key: str, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await desk.accept(caller.tenant, key, caller.name)))

    return out
