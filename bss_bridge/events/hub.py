"""POST /hub and DELETE /hub/{id} (TMF630): a listener comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from bss_bridge.engine import chapters, surface, wire
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.events import callbacks, listeners, notifications, subscription
from oss_agent import errors
from oss_agent.spi import access
from oss_agent.spi.access import Permission
from oss_agent.spi.clock import Clock
from oss_agent.spi.store import Store

_CALLBACK: Final = "https://bss.example.net/tmf"


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
        asked = subscription.parse(query, tenant)
        subscription.require_told(asked, notifications.names_at(base))
        subscription.require_reachable(asked, notifications.entities_at(base))
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


def routers(office: HubOffice) -> tuple[APIRouter, ...]:
    """The hub of every surface that has events, at each of its base paths."""
    return tuple(
        router(base, bases[0], office) for bases in notifications.hub_bases() for base in bases
    )


def example(canonical: str) -> dict[str, str]:
    """A listener for what this hub tells: changes of state where there are any."""
    told = sorted(notifications.names_at(canonical))
    chosen = [name for name in told if name.endswith("ChangeEvent")] or told
    return {"callback": _CALLBACK, "query": f"eventType={chosen[-1]}"}


def router(base: str, canonical: str, office: HubOffice) -> APIRouter:
    """The hub at ``base``; a listener is the same at every base path of its surface."""
    out = APIRouter(tags=[chapters.of(canonical)])
    declared = access.needs(Permission.SUBSCRIBE)

    @out.post(
        f"{base}/hub",
        status_code=201,
        summary="Register a listener",
        openapi_extra=declared | surface.body_example(example(canonical)),
    )
    async def register(request: Request) -> JSONResponse:
        body = wire.parse(wire.Subscription, await surface.json_body(request))
        one = await office.register(surface.caller(request).tenant, canonical, body)
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
        await office.store.write(
            partial(listeners.remove, tenant=tenant, surface=canonical, key=id)
        )
        return Response(status_code=204)

    return out
