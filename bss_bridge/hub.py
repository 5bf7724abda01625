"""POST /hub and DELETE /hub/{id} (TMF630): a listener comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from bss_bridge import callbacks, listeners, surface, tmf630, wire
from bss_bridge.hrefs import Hrefs
from oss_agent import errors
from oss_agent.spi import access
from oss_agent.spi.access import Permission
from oss_agent.spi.clock import Clock
from oss_agent.spi.query import Query
from oss_agent.spi.store import Store

_EXAMPLE: Final = {
    "callback": "https://bss.example.net/tmf",
    "query": "eventType=ServiceOrderStateChangeEvent",
}


@dataclass(frozen=True, slots=True)
class HubOffice:
    """What registering needs: rows, clock, links, and which callbacks may be called."""

    store: Store
    clock: Clock
    hrefs: Hrefs
    policy: callbacks.Policy = field(default_factory=callbacks.Policy)

    async def register(self, tenant: str, base: str, body: wire.Subscription) -> listeners.Listener:
        """Judge and store one subscription. OrderRejected (400) names what is wrong with it."""
        query = (body.query or "").removeprefix("?")
        _judge_query(query, tenant)
        try:
            await callbacks.resolve(body.callback, self.policy)
        except OSError as bad:
            raise errors.OrderRejected(
                f"has a host that does not resolve: {bad.strerror}",
                field="callback",
                code="invalidCallback",
            ) from None
        add = partial(
            listeners.add,
            tenant=tenant,
            surface=base,
            callback=body.callback,
            query=query,
            at=self.clock.now(),
        )
        return await self.store.write(add)


def _judge_query(query: str, tenant: str) -> None:
    """A hub query filters and selects; sorting or paging a stream has no meaning."""
    asked = tmf630.parse(query, tenant).query
    if asked != Query(tenant, filters=asked.filters):
        raise errors.OrderRejected("holds sort, offset or limit", field="query")


def router(base: str, office: HubOffice) -> APIRouter:
    """The hub of the surface at ``base``."""
    out = APIRouter(tags=["hub"])
    declared = access.needs(Permission.SUBSCRIBE)

    @out.post(
        f"{base}/hub",
        status_code=201,
        summary="Register a listener",
        openapi_extra=declared | surface.body_example(_EXAMPLE),
    )
    async def register(request: Request) -> JSONResponse:
        body = wire.parse(wire.Subscription, await surface.json_body(request))
        one = await office.register(surface.caller(request).tenant, base, body)
        location = office.hrefs.to(f"{base}/hub", one.id)
        shown = {"id": one.id, "callback": one.callback, "query": one.query}
        return JSONResponse(shown, 201, {"Location": location})

    @out.delete(
        f"{base}/hub/{{id}}",
        status_code=204,
        summary="Remove a listener",
        openapi_extra=declared,
    )
    async def remove(id: str, request: Request) -> Response:  # noqa: A002  the specification's name
        tenant = surface.caller(request).tenant
        await office.store.write(partial(listeners.remove, tenant=tenant, surface=base, key=id))
        return Response(status_code=204)

    return out
