"""Devices and topology for the operator: import, trust, discover, look, ask why."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, clock
from oss_agent.spi.access import Permission
from oss_agent.spi.onboarding import Onboarding
from oss_agent.spi.views import as_json

Name = Annotated[str, pydantic.Field(min_length=1, max_length=255)]


class _Body(pydantic.BaseModel):
    """What an operator's program may send: nothing unknown, no type guessed."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)


class Import(_Body):
    """What containerlab left of a lab, by file name; ``lab`` is its name if no file tells."""

    files: dict[Name, str]
    lab: Annotated[str, pydantic.Field(max_length=63)] = ""


class Trust(_Body):
    """The fingerprint a person compared: ``SHA256:`` and 43 characters of base64."""

    fingerprint: Annotated[
        str,
        asking.written(
            "SHA256:[A-Za-z0-9+/]{43}=?", "SHA256: and 43 characters, as ssh-keygen -lf prints it"
        ),
    ]


class Discover(_Body):
    """One device, or all."""

    device: Name | None = None


def router(onboarding: Onboarding, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.onboarding.Onboarding``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.DEVICES])
    _add_acts(out, onboarding)
    _add_reads(out, onboarding)
    _add_ledgers(out, onboarding, time)
    return out


def _add_acts(out: APIRouter, onboarding: Onboarding) -> None:
    devices = access.needs(Permission.DEVICES)

    @out.post("/import", summary="Take in a lab's devices", openapi_extra=devices)
    async def import_(body: Import, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        report = await onboarding.import_lab(
            caller.tenant, body.files, lab=body.lab, by=caller.name
        )
        return JSONResponse(as_json(report))

    @out.post("/devices/{name}/trust", summary="Pin a host key", openapi_extra=devices)
    async def trust(name: str, body: Trust, request: Request) -> JSONResponse:
        caller = asking.caller(request)
        view = await onboarding.trust(caller.tenant, name, body.fingerprint, by=caller.name)
        return JSONResponse(as_json(view))

    @out.post("/discover", summary="Ask devices", openapi_extra=access.needs(Permission.DISCOVER))
    async def discover(request: Request, body: Discover | None = None) -> JSONResponse:
        device = body.device if body else None
        found = await onboarding.discover(asking.tenant(request), device)
        return JSONResponse(as_json(found))


def _add_reads(out: APIRouter, onboarding: Onboarding) -> None:
    read = access.needs(Permission.READ)

    @out.get(
        "/why",
        summary="Who owns a line of configuration, or every line of a device that has owners",
        openapi_extra=read,
    )
    async def why(
        request: Request,
        device: Annotated[str, Query(min_length=1, max_length=255)],
        path: Annotated[str | None, Query(min_length=1, max_length=4_096)] = None,
    ) -> JSONResponse:
        owners: Any = await onboarding.why(asking.tenant(request), device, path)
        return JSONResponse(as_json(owners))


def _add_ledgers(out: APIRouter, onboarding: Onboarding, time: clock.Clock) -> None:
    """What is asked of any moment."""
    read = access.needs(Permission.READ)

    @out.get("/devices", summary="Devices, now or as they were", openapi_extra=read)
    async def devices(
        request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return asking.listing(await onboarding.find(asking.query(request, asking.TIMES), when))

    @out.get("/devices/{name}", summary="One device, now or as it was", openapi_extra=read)
    async def device(
        name: str, request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        return JSONResponse(as_json(await onboarding.get(asking.tenant(request), name, when)))

    @out.get(
        "/topology",
        summary="Links with their evidence: all, or a page by offset and limit",
        openapi_extra=read,
    )
    async def topology(
        request: Request, at: asking.Text = None, known: asking.Text = None
    ) -> JSONResponse:
        when = asking.as_of(at, known, time.now())
        found = await onboarding.links(asking.tenant(request), when)
        return asking.listing(asking.part(found, request))
