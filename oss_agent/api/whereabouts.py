"""Where an address is, for the operator: one question."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json
from oss_agent.spi.whereabouts import Finder

_Address = Annotated[str, Query(min_length=1, max_length=64, description="IP or MAC, any notation")]


def router(finder: Finder) -> APIRouter:
    """The route over ``spi.whereabouts.Finder``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.DEVICES])
    read = access.needs(Permission.READ)

    @out.get("/where", summary="Where an IP or MAC address is", openapi_extra=read)
    async def where(request: Request, of: _Address) -> JSONResponse:
        return JSONResponse(as_json(await finder.where(asking.tenant(request), of)))

    return out
