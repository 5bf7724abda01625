"""Kept configurations for the operator: list, show, compare, take one now."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, TypeAlias

import pydantic
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from oss_agent import errors
from oss_agent.api import asking, chapters
from oss_agent.spi import access, backups, clock, moments
from oss_agent.spi.access import Permission
from oss_agent.spi.device import Datastore
from oss_agent.spi.views import as_json

_Device: TypeAlias = Annotated[str, Path(min_length=1, max_length=255)]
_Name: TypeAlias = Annotated[str | None, Query(min_length=1, max_length=255)]
_Store: TypeAlias = Annotated[str, Query(max_length=255)]
_Number: TypeAlias = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
_From: TypeAlias = Annotated[str | None, Query(alias="from", max_length=100)]
_DIGITS: Final = 9


class _Asked(pydantic.BaseModel):
    """Which place of a device, and whether with its secrets: what every question may say."""

    model_config = pydantic.ConfigDict(frozen=True)

    store: _Store = ""
    datastore: Datastore = Datastore.RUNNING
    secrets: bool = False

    def which(self, request: Request, device: str) -> backups.Which:
        """The place."""
        return backups.Which(asking.tenant(request), device, self.store, self.datastore)

    def watcher(self, request: Request) -> backups.Watcher:
        """Who is shown secrets, if anybody. OrderRejected (403)."""
        if not self.secrets:
            return backups.Watcher()
        caller = asking.caller(request)
        if not caller.may(Permission.SECRETS):
            raise errors.OrderRejected(
                f"{caller.name} may not see secrets: it needs {Permission.SECRETS}; without "
                "'secrets' they are masked",
                status=403,
                code="forbidden",
            )
        return backups.Watcher(caller.name)


_Question: TypeAlias = Annotated[_Asked, Query()]


def router(desk: backups.Backups, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.backups.Backups``."""
    out = APIRouter(prefix="/api/v1/backups", tags=[chapters.BACKUPS])
    _add_list(out, desk, time)
    _add_texts(out, desk, time)
    _add_take(out, desk)
    return out


def _add_list(out: APIRouter, desk: backups.Backups, time: clock.Clock) -> None:
    @out.get(
        "",
        summary="What is kept now, or was; of one device all its versions",
        openapi_extra=access.needs(Permission.READ),
    )
    async def listed(
        request: Request, device: _Name = None, at: asking.Text = None
    ) -> JSONResponse:
        when = _moment("at", at, time.now())
        part = asking.query(request, ("device", "at"))
        window = backups.Window(part.offset, part.limit)
        return asking.listing(await desk.find(part.tenant, device, when, window))


def _add_texts(out: APIRouter, desk: backups.Backups, time: clock.Clock) -> None:
    read = access.needs(Permission.READ)

    @out.get("/{device}", summary="A configuration as it was", openapi_extra=read)
    async def shown(
        device: _Device,
        request: Request,
        asked: _Question,
        version: _Number = None,
        at: asking.Text = None,
    ) -> JSONResponse:
        point = backups.Point(version, _moment("at", at, time.now()))
        found = await desk.show(asked.which(request, device), point, asked.watcher(request))
        return JSONResponse(as_json(found))

    @out.get("/{device}/diff", summary="What changed", openapi_extra=read)
    async def compared(
        device: _Device,
        request: Request,
        asked: _Question,
        older: _From = None,
        to: asking.Text = None,
    ) -> JSONResponse:
        newer = _point("to", to, time.now())
        before = backups.Point(newer.version, newer.at, before=1)
        first = before if older is None else _point("from", older, time.now())
        which, watcher = asked.which(request, device), asked.watcher(request)
        return JSONResponse(as_json(await desk.compare(which, first, newer, watcher)))

    @out.get("/{device}/unsaved", summary="What a restart would lose", openapi_extra=read)
    async def unsaved(device: _Device, request: Request, asked: _Question) -> JSONResponse:
        found = await desk.unsaved(asked.which(request, device), asked.watcher(request))
        return JSONResponse(as_json(found))


def _add_take(out: APIRouter, desk: backups.Backups) -> None:
    @out.post("/{device}/take", summary="Look now", openapi_extra=access.needs(Permission.DISCOVER))
    async def taken(device: _Device, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.take(asking.tenant(request), device)))


def _moment(name: str, text: str | None, now: datetime) -> datetime | None:
    return None if text is None else asking.moment(name, text, moments.past, now)


def _point(name: str, text: str | None, now: datetime) -> backups.Point:
    """A version's number, or a moment; nothing is the newest."""
    if text is not None and text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        return backups.Point(version=int(text))
    return backups.Point(at=_moment(name, text, now))
