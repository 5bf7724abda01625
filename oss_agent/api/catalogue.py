"""The catalogue's files: what taking them would change, and taking them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, specifications
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json


def router(files: specifications.Files) -> APIRouter:
    """Routes over ``spi.specifications.Files``."""
    out = APIRouter(prefix="/api/v1/catalogue", tags=[chapters.CATALOGUE])
    read, operate = access.needs(Permission.READ), access.needs(Permission.OPERATE)

    @out.get("/changes", summary="What a reload would change", openapi_extra=read)
    async def changes() -> JSONResponse:
        return JSONResponse(as_json(await files.pending()))

    @out.post("/reload", summary="Take the catalogue's files", openapi_extra=operate)
    async def reload(request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await files.reload(caller.tenant, caller.name)))

    return out
