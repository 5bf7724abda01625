"""Alive, ready, measured: what probes and Prometheus ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from oss_agent.api import chapters
from oss_agent.spi import access
from oss_agent.spi.access import Permission
from oss_agent.spi.views import as_json


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the daemon: its name, whether it does its work, and the sentence that says so."""

    name: str
    ready: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Every part, and the transactions whose devices are in doubt: a person is needed for those."""

    parts: tuple[Part, ...]
    unknown_transactions: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Can it take work? UNKNOWN transactions are shown but do not take the daemon out."""
        return all(part.ready for part in self.parts)


Ready = Callable[[], Awaitable[Readiness]]
Metrics = Callable[[], bytes]
"""The exposition, as ``prometheus_client.generate_latest`` writes it."""


def router(ready: Ready, metrics: Metrics) -> APIRouter:
    """/healthz, /readyz, /metrics."""
    out = APIRouter(tags=[chapters.HEALTH])

    @out.get("/healthz", summary="Alive", openapi_extra=access.needs(Permission.PUBLIC))
    async def healthz() -> JSONResponse:
        return JSONResponse({"alive": True})

    @out.get("/readyz", summary="Ready", openapi_extra=access.needs(Permission.READ))
    async def readyz() -> JSONResponse:
        found = await ready()
        shown = {"ready": found.ready, **as_json(found)}
        return JSONResponse(shown, 200 if found.ready else 503)

    @out.get(
        "/metrics",
        summary="Prometheus",
        response_class=PlainTextResponse,
        openapi_extra=access.needs(Permission.READ),
    )
    async def exposition() -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    return out
