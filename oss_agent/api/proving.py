"""Proving a device for the operator: its driver's laws are run on it, and it may be written to."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access
from oss_agent.spi.access import Permission
from oss_agent.spi.proving import Proving
from oss_agent.spi.views import as_json


class Prove(pydantic.BaseModel):
    """The device's name again: its driver's laws commit on it."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    confirm: Annotated[str, pydantic.Field(min_length=1, max_length=255)]


def router(proving: Proving) -> APIRouter:
    """The route over ``spi.proving.Proving``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.DEVICES])

    @out.post(
        "/devices/{name}/prove",
        summary="Run the driver's laws on a read-only device: it commits there",
        openapi_extra=access.needs(Permission.DEVICES),
    )
    async def prove(name: str, body: Prove, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        report = await proving.prove(caller.tenant, name, confirmed=body.confirm, by=caller.name)
        return JSONResponse(as_json(report))

    return out
