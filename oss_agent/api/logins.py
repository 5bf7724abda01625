"""Finding out for the operator which of several logins a device takes."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, logins
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_STRICT = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)
_Word = Annotated[str, pydantic.Field(min_length=1, max_length=63)]


class Login(pydantic.BaseModel):
    """A login to try; ``name`` is what answers call it."""

    model_config = _STRICT

    name: _Word
    username: _Word
    password: pydantic.SecretStr


class Trial(pydantic.BaseModel):
    """Devices that are trusted, and logins in the order in which they are tried."""

    model_config = _STRICT

    devices: Annotated[list[_Word], pydantic.Field(min_length=1, max_length=256)]
    logins: Annotated[list[Login], pydantic.Field(min_length=1, max_length=8)]


def router(desk: logins.Logins) -> APIRouter:
    """The route over ``spi.logins.Logins``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.DEVICES])

    @out.post(
        "/logins",
        summary="Try logins on trusted devices, and keep the one that each takes",
        openapi_extra=access.needs(Permission.DEVICES),
    )
    async def find(body: Trial, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        candidates = [
            logins.Candidate(one.name, one.username, one.password.get_secret_value())
            for one in body.logins
        ]
        found = await desk.find(caller.tenant, body.devices, candidates, by=caller.name)
        return JSONResponse(as_json(found))

    return out
