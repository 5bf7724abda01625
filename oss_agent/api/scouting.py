"""Onboarding by address for the operator: addresses in, what is there out."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, scouting
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_Target = Annotated[str, pydantic.Field(min_length=1, max_length=100)]


_Port = Annotated[int, pydantic.Field(ge=1, le=65_535)]


class Onboard(pydantic.BaseModel):
    """Addresses, ranges and prefixes; secrets are taken and never shown again."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    targets: Annotated[list[_Target], pydantic.Field(min_length=1, max_length=1_024)]
    username: Annotated[str, pydantic.Field(max_length=63)] = ""
    password: pydantic.SecretStr | None = None
    community: pydantic.SecretStr | None = None
    platform: Annotated[str, pydantic.Field(max_length=63)] = ""
    ssh_ports: Annotated[list[_Port], pydantic.Field(max_length=8)] = list(scouting.USUAL.ssh)
    netconf_ports: Annotated[list[_Port], pydantic.Field(max_length=8)] = list(
        scouting.USUAL.netconf
    )
    neighbours: bool = False
    """of the targets only what a neighbour announces as its own"""


def router(scout: scouting.Scout) -> APIRouter:
    """The routes over ``spi.scouting.Scout``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.DEVICES])
    devices = access.needs(Permission.DEVICES)

    @out.post("/onboard", summary="Take in devices by address", openapi_extra=devices)
    async def onboard(body: Onboard, request: Request) -> JSONResponse:
        login = scouting.Login(body.username, _plain(body.password), _plain(body.community))
        caller = asking.caller(request)
        found = await scout.onboard(
            caller.tenant,
            body.targets,
            login,
            platform=body.platform,
            ports=scouting.Ports(tuple(body.ssh_ports), tuple(body.netconf_ports)),
            announced=body.neighbours,
            by=caller.name,
        )
        return JSONResponse(as_json(found))

    @out.get(
        "/onboard/neighbours",
        summary="Neighbours that nobody has taken in, as they announce themselves; asks nobody",
        openapi_extra=access.needs(Permission.READ),
    )
    async def neighbours(request: Request) -> JSONResponse:
        return asking.listing(await scout.candidates(asking.unfiltered(asking.query(request))))

    return out


def _plain(secret: pydantic.SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
