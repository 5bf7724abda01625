"""Adoption for the operator: what is on devices already, and how it becomes a service."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, adoption
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_STRICT = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)
_Word = Annotated[str, pydantic.Field(min_length=1, max_length=63)]
_Name = Annotated[
    str, asking.written("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "1 to 63 letters, digits, _ . -")
]
_Key = Annotated[str, asking.written(r"[!-~]{1,255}", "one word of visible ASCII")]
_Line = Annotated[str, pydantic.Field(max_length=500)]


class Where(pydantic.BaseModel):
    """The devices to read: all ends of what is looked for."""

    model_config = _STRICT

    devices: Annotated[list[_Word], pydantic.Field(min_length=1, max_length=50)]


class Wish(pydantic.BaseModel):
    """A candidate as ``find`` told it, completed by a person; ``parts`` and ``doubts`` say nothing."""

    model_config = _STRICT

    id: Annotated[str, pydantic.Field(max_length=63)] = ""
    specification: _Word
    version: Annotated[str, pydantic.Field(max_length=63)] = ""
    name: _Name
    customer: Annotated[str, pydantic.Field(max_length=255)] = ""
    characteristics: Annotated[dict[str, Any], pydantic.Field(max_length=100)]
    claims: Annotated[dict[_Line, _Word], pydantic.Field(max_length=1_000)] = {}
    parts: Annotated[list[_Line], pydantic.Field(max_length=1_000)] = []
    doubts: Annotated[list[str], pydantic.Field(max_length=1_000)] = []
    key: _Key | None = None

    def candidate(self) -> adoption.Candidate:
        """The same for who decides."""
        return adoption.Candidate(
            id=self.id,
            specification=self.specification,
            version=self.version,
            name=self.name,
            characteristics=self.characteristics,
            claims=self.claims,
            customer=self.customer,
            parts=tuple(self.parts),
        )


def router(desk: adoption.Adoptions) -> APIRouter:
    """Routes over ``spi.adoption.Adoptions``."""
    out = APIRouter(prefix="/api/v1/adoptions", tags=[chapters.ADOPTION])
    operate = access.needs(Permission.OPERATE)

    @out.post("/find", summary="What of devices may become a service", openapi_extra=operate)
    async def find(body: Where, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.find(asking.tenant(request), body.devices)))

    @out.post("/plan", summary="What differs from what devices have", openapi_extra=operate)
    async def plan(body: Wish, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.plan(asking.tenant(request), body.candidate())))

    @out.post("", summary="The order that adopts it", status_code=201, openapi_extra=operate)
    async def run(body: Wish, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        made = await desk.run(caller.tenant, caller.name, body.candidate(), body.key)
        return JSONResponse(as_json(made.order), status_code=201)

    return out
