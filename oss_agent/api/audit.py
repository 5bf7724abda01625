"""The audit for the operator: who did what to what, when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from oss_agent.api import asking, chapters
from oss_agent.spi import access, audit, clock, moments
from oss_agent.spi.access import Permission
from oss_agent.spi.query import Filter, Operator

_OWN: Final = ("since", "until", "subject")


def router(trail: audit.Trail, time: clock.Clock) -> APIRouter:
    """Routes over ``spi.audit.Trail``."""
    out = APIRouter(prefix="/api/v1", tags=[chapters.AUDIT])

    @out.get(
        "/audit",
        summary="Who did what, the newest first",
        openapi_extra=access.needs(Permission.AUDIT),
    )
    async def listed(
        request: Request,
        since: asking.Text = None,
        until: asking.Text = None,
        subject: asking.Text = None,
    ) -> JSONResponse:
        asked = asking.query(request, _OWN)
        between = tuple(_between(since, until, time.now()))
        either = (_about(subject),) if subject else ()
        wanted = dataclasses.replace(asked, filters=(*asked.filters, *between), either=either)
        return asking.listing(await trail.find(wanted))

    return out


def _between(since: str | None, until: str | None, now: datetime) -> Iterator[Filter]:
    bounds = (("since", since, Operator.GTE), ("until", until, Operator.LTE))
    for name, text, how in bounds:
        if text is not None:
            yield Filter("at", how, (asking.moment(name, text, moments.past, now).isoformat(),))


def _about(subject: str) -> tuple[Filter, ...]:
    """``device:pe1`` as it is written, or ``pe1`` of whatever kind that is."""
    escaped = subject.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    named = Filter("subject", Operator.LIKE, (f"%:{escaped}",))
    return (Filter("subject", Operator.EQ, (subject,)), named)
