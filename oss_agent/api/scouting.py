"""Onboarding by address for the operator: addresses in, what is there out."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking
from oss_agent.spi import access, scouting
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_Target = Annotated[str, pydantic.Field(min_length=1, max_length=100)]


class Onboard(pydantic.BaseModel):
    """Addresses, ranges and prefixes; secrets are taken and never shown again."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    targets: Annotated[list[_Target], pydantic.Field(min_length=1, max_length=1_024)]
    username: Annotated[str, pydantic.Field(max_length=63)] = ""
    password: pydantic.SecretStr | None = None
    community: pydantic.SecretStr | None = None
    platform: Annotated[str, pydantic.Field(max_length=63)] = ""


def router(scout: scouting.Scout) -> APIRouter:
    """The route over ``spi.scouting.Scout``."""
    out = APIRouter(prefix="/api/v1", tags=["network"])
    devices = access.needs(Permission.DEVICES)

    @out.post("/onboard", summary="Take in devices by address", openapi_extra=devices)
    async def onboard(body: Onboard, request: Request) -> JSONResponse:
        login = scouting.Login(body.username, _plain(body.password), _plain(body.community))
        found = await scout.onboard(
            asking.tenant(request), body.targets, login, platform=body.platform
        )
        return JSONResponse(as_json(found))

    return out


def _plain(secret: pydantic.SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
