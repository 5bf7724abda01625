"""What failed and is kept until a person decides, and the decisions."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import pydantic
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, fallout
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_Key: TypeAlias = Annotated[str, Path(max_length=20)]


class Which(pydantic.BaseModel):
    """The item that is decided about; none: the order's only one in trouble."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    item: Annotated[str, pydantic.Field(min_length=1, max_length=255)] | None = None


class Repair(Which):
    """The characteristics that it shall have instead; null takes one back."""

    characteristics: Annotated[dict[str, Any], pydantic.Field(min_length=1, max_length=100)]


def router(desk: fallout.FalloutDesk) -> APIRouter:
    """Routes over ``spi.fallout.FalloutDesk``."""
    out = APIRouter(prefix="/api/v1/fallout", tags=[chapters.FALLOUT])
    _add_reads(out, desk)
    _add_attempts(out, desk)
    _add_ends(out, desk)
    return out


def _add_reads(out: APIRouter, desk: fallout.FalloutDesk) -> None:
    read = access.needs(Permission.READ)

    @out.get("", summary="What failed and waits for a person's decision", openapi_extra=read)
    async def standing(request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.standing(asking.tenant(request))))

    @out.get("/{order}", summary="The same of one order, to decide by", openapi_extra=read)
    async def look(order: _Key, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.look(asking.tenant(request), order)))


def _add_attempts(out: APIRouter, desk: fallout.FalloutDesk) -> None:
    operate = access.needs(Permission.OPERATE)

    @out.post("/{order}/retry", summary="Try it again", openapi_extra=operate)
    async def retry(order: _Key, body: Which, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await desk.retry(caller.tenant, caller.name, order, body.item)))

    @out.post("/{order}/repair", summary="Ask for something else", openapi_extra=operate)
    async def repair(order: _Key, body: Repair, request: Request) -> JSONResponse:
        caller, wanted = asking.caller(request), body.characteristics
        return JSONResponse(
            as_json(await desk.repair(caller.tenant, caller.name, order, body.item, wanted))
        )


def _add_ends(out: APIRouter, desk: fallout.FalloutDesk) -> None:
    operate = access.needs(Permission.OPERATE)

    @out.post("/{order}/skip", summary="Go on without it", openapi_extra=operate)
    async def skip(order: _Key, body: Which, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(as_json(await desk.skip(caller.tenant, caller.name, order, body.item)))

    @out.post("/{order}/rollback", summary="Undo its order", openapi_extra=operate)
    async def rollback(order: _Key, body: Which, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        return JSONResponse(
            as_json(await desk.rollback(caller.tenant, caller.name, order, body.item))
        )
