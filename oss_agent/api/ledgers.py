"""The three ledgers side by side, for the operator: now, or as they were."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, clock, ledgers
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

# A port's name has slashes (pe1:ge-0/0/3).
_Name: TypeAlias = Annotated[str, Path(min_length=1, max_length=512)]


def router(port: ledgers.Ledgers, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.ledgers.Ledgers``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.LEDGERS])

    @out.get(
        "/ledger/{name:path}",
        summary="What is planned, configured and observed of a service, device or port",
        openapi_extra=access.needs(Permission.READ),
    )
    async def shown(
        name: _Name, request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await port.show(asking.tenant(request), name, when)))

    return out
