"""Drift for the operator: an audit now, of a device or of what a service stands on."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, drift
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json


class Check(pydantic.BaseModel):
    """A device by name, or a service by id or name."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    target: Annotated[str, pydantic.Field(min_length=1, max_length=255)]


def router(audits: drift.Audits) -> APIRouter:
    """The route over ``spi.drift.Audits``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.LEDGERS])
    discover = access.needs(Permission.DISCOVER)

    @out.post(
        "/drift/check",
        summary="Compare what devices hold of ours with what was read back",
        openapi_extra=discover,
    )
    async def check(body: Check, request: Request) -> JSONResponse:
        told = await audits.check(asking.tenant(request), body.target)
        return JSONResponse(as_json(told))

    return out
