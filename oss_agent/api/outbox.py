"""What is still to be told to others, why it waits, and a person's word that a receiver was mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

import pydantic
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, events
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json

_Text = Annotated[str, pydantic.Field(min_length=1, max_length=255)]


class State(StrEnum):
    """What became of an event at a receiver."""

    PENDING = "pending"
    PARKED = "parked"
    DONE = "done"
    SKIPPED = "skipped"


_OPEN = (State.PARKED, State.PENDING)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deliveries; no states means what is open."""

    receiver: str | None
    states: tuple[str, ...]
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Told:
    """An event, its notification (None when it cannot be rendered), and its deliveries' views."""

    event: events.Event
    sent: dict[str, Any] | None
    deliveries: Sequence[Any]


class Desk(Protocol):
    """The outbox as a person handles it; views are rendered by ``as_json``."""

    async def find(self, tenant: str, asked: Asked) -> Any:
        """Deliveries that match, oldest event first."""
        ...

    async def receivers(self, tenant: str) -> Any:
        """Who has not taken all, how much, since when, and why a stopped one was stopped."""
        ...

    async def event(self, tenant: str, key: str) -> Told:
        """One event and what became of it. NotFound."""
        ...

    async def again(self, tenant: str, receiver: str, event: str | None) -> int:
        """Have one delivery, or all open ones, tried again; a stopped receiver told again. NotFound."""
        ...


class Again(pydantic.BaseModel):
    """What to try again, as ``GET /outbox`` names it; without an event, all that is open there."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    receiver: _Text
    event: _Text | None = None


def router(desk: Desk) -> APIRouter:
    """Routes over the desk."""
    out = APIRouter(prefix="/api/v1/outbox", tags=[chapters.OUTBOX])
    _add_reads(out, desk)

    @out.post(
        "/redeliver",
        summary="Try deliveries again",
        openapi_extra=access.needs(Permission.OPERATE),
    )
    async def redeliver(body: Again, request: Request) -> JSONResponse:
        count = await desk.again(asking.tenant(request), body.receiver, body.event)
        answer = {"receiver": body.receiver, "event": body.event, "deliveries": count}
        return JSONResponse(answer | {"state": "pending"})

    return out


def _add_reads(out: APIRouter, desk: Desk) -> None:
    read = access.needs(Permission.READ)

    @out.get("", summary="What is still to be told, or was", openapi_extra=read)
    async def deliveries(
        request: Request,
        receiver: Annotated[str | None, Query(max_length=255)] = None,
        state: Annotated[list[State] | None, Query(max_length=4)] = None,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    ) -> JSONResponse:
        asked = Asked(receiver, tuple(state or _OPEN), offset, limit)
        return JSONResponse(as_json(await desk.find(asking.tenant(request), asked)))

    @out.get("/receivers", summary="Who has not taken all", openapi_extra=read)
    async def receivers(request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.receivers(asking.tenant(request))))

    @out.get("/events/{key:path}", summary="One event, and what became of it", openapi_extra=read)
    async def event(key: str, request: Request) -> JSONResponse:
        return JSONResponse(as_json(await desk.event(asking.tenant(request), key)))
